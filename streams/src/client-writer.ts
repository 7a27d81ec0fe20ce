import type { Socket } from 'node:net';
import { httpChunk } from './framing.ts';
import type { Framing } from './protocol.ts';
import { Spool } from './spool.ts';

/** After the last byte a client may still be sending; closing at once would reset the connection and lose what is on its way to it. */
const LINGER_MS = 5000;

/** What goes to one client: never waits, keeps what the client does not take, and says when it has too much. */
export class ClientWriter {
  readonly #spool: Spool;
  readonly #onRelief: () => void;
  #socket: Socket | undefined;
  #isChunked = false;
  #isBlocked = false;
  #isEnded = false;
  #progressAt = performance.now();

  /** `onRelief`: it was full and is no longer. */
  constructor(spoolDirectory: string, onRelief: () => void) {
    this.#spool = new Spool(spoolDirectory);
    this.#onRelief = onRelief;
  }

  get isFull(): boolean {
    return this.#spool.isFull;
  }

  /** When the client last took something, by `performance.now()`. */
  get progressAt(): number {
    return this.#progressAt;
  }

  /** The client is here: it gets what was kept for it first. */
  attach(socket: Socket, framing: Framing): void {
    this.#socket = socket;
    this.#isChunked = framing === 'chunked';
    socket.on('drain', () => {
      this.#isBlocked = false;
      this.#progressAt = performance.now();
      this.#pump();
    });
    this.#pump();
  }

  write(data: Buffer): void {
    if (this.#isEnded) return;
    if (this.#socket === undefined || this.#isBlocked || !this.#spool.isEmpty) this.#spool.push(data);
    else this.#send(this.#socket, data);
  }

  /** No more comes; the client gets the rest and is then let go. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#pump();
  }

  close(): void {
    this.#isEnded = true;
    this.#socket = undefined;
    this.#spool.close();
  }

  #pump(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const wasFull = this.isFull;
    while (!this.#isBlocked) {
      const piece = this.#spool.shift();
      if (piece === undefined) break;
      this.#send(socket, piece);
    }
    if (wasFull && !this.isFull) this.#onRelief();
    if (this.#isEnded && this.#spool.isEmpty) this.#finish(socket);
  }

  #send(socket: Socket, data: Buffer): void {
    if (!socket.write(this.#isChunked ? httpChunk(data) : data)) this.#isBlocked = true;
  }

  #finish(socket: Socket): void {
    this.#socket = undefined;
    if (this.#isChunked) socket.write(httpChunk(Buffer.alloc(0)));
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => {
      clearTimeout(timer);
    });
  }
}
