import type { Socket } from 'node:net';
import { ClientWriter } from './client-writer.ts';
import type { Framing, OfferWait } from './protocol.ts';

/** One client that waits for an exit code, from its ticket on. */
export class WaitSession {
  readonly offer: OfferWait;
  readonly #onClose: (session: WaitSession) => void;
  readonly #writer: ClientWriter;
  #socket: Socket | undefined;
  #isClosed = false;

  constructor(offer: OfferWait, spoolDirectory: string, onClose: (session: WaitSession) => void) {
    this.offer = offer;
    this.#onClose = onClose;
    this.#writer = new ClientWriter(spoolDirectory, () => undefined);
  }

  accept(socket: Socket, framing: Framing, _head: Buffer): void {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    // It has nothing more to say, so the end of its half is the end of its interest.
    socket.once('end', () => {
      this.close();
    });
    socket.once('close', () => {
      this.close();
    });
    socket.resume();
    this.#writer.attach(socket, framing);
  }

  answer(exitCode: number, error: string): void {
    if (this.#isClosed) return;
    const body = { StatusCode: exitCode, ...(error === '' ? {} : { Error: { Message: error } }) };
    this.#writer.write(Buffer.from(`${JSON.stringify(body)}\n`));
    this.#isClosed = true;
    this.#writer.end();
    this.#onClose(this);
  }

  /** Without an answer, or with one that its client has not come for. */
  close(): void {
    this.#writer.close();
    this.#socket?.destroy();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose(this);
  }
}
