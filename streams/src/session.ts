import type { Socket } from 'node:net';
import { DetachDetector, parseDetachKeys } from '@cleat/core/terminal';
import { ClientWriter } from './client-writer.ts';
import { dockerFrame } from './framing.ts';
import type { Framing, OfferAttach } from './protocol.ts';

/** Where a session's stdin goes. */
export interface StdinSink {
  /** Calls back when more may come. */
  write(data: Buffer, done: () => void): void;
  end(): void;
}

export interface SessionEvents {
  /** It is over, for whatever reason. `isStdinOver`: the container's stdin ends with it, if it is one that ends so. */
  readonly onClose: (session: AttachSession, isStdinOver: boolean) => void;
  /** Its client takes output again. */
  readonly onRelief: () => void;
}

/** One attached client, from its ticket on: output is kept for it until it comes. */
export class AttachSession {
  readonly offer: OfferAttach;
  readonly #events: SessionEvents;
  readonly #writer: ClientWriter;
  readonly #detector: DetachDetector;
  #socket: Socket | undefined;
  #sink: StdinSink | undefined;
  #pending: Buffer[] = [];
  #isStdinOver = false;
  #isClosed = false;

  /** Throws DETACH_KEYS_INVALID for detach keys that are none. */
  constructor(offer: OfferAttach, spoolDirectory: string, events: SessionEvents) {
    this.offer = offer;
    this.#events = events;
    // Without a terminal stdin may be any bytes, also these: Docker looks for keys with one only.
    this.#detector = new DetachDetector(offer.terminal ? parseDetachKeys(offer.detachKeys) : []);
    this.#writer = new ClientWriter(spoolDirectory, events.onRelief);
  }

  get isFull(): boolean {
    return this.#writer.isFull;
  }

  get progressAt(): number {
    return this.#writer.progressAt;
  }

  /** The client has come. `head`: what it has sent already. */
  accept(socket: Socket, framing: Framing, head: Buffer): void {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    // A client that closes only its half still wants the output.
    socket.once('end', () => {
      this.#endStdin();
    });
    socket.once('close', () => {
      this.close(true);
    });
    if (this.#isClosed) {
      // The run was over before its client came, which gets what was kept for it.
      this.#writer.attach(socket, framing);
      return;
    }
    this.#writer.attach(socket, framing);
    if (head.length > 0) this.#pending.push(head);
    if (!this.#takesStdin) socket.resume();
    else this.#readStdin();
  }

  /** The run is there: typed input has somewhere to go. */
  connectStdin(sink: StdinSink): void {
    this.#sink = sink;
    this.#readStdin();
  }

  /** A packet of the monitor. */
  write(stream: number, payload: Buffer): void {
    const { terminal, stdout, stderr } = this.offer;
    if (terminal) this.#writer.write(payload);
    else if (stream === 2 ? stderr : stdout) this.#writer.write(dockerFrame(stream, payload));
  }

  /** No more output comes. */
  end(): void {
    this.#leave(false);
    this.#writer.end();
  }

  /** At once, without what is still kept for it. */
  close(isStdinOver: boolean): void {
    this.#leave(isStdinOver && this.#takesStdin);
    this.#writer.close();
    this.#socket?.destroy();
  }

  #leave(isStdinOver: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.onClose(this, isStdinOver);
  }

  get #takesStdin(): boolean {
    return this.offer.stdin && this.offer.openStdin;
  }

  #readStdin(): void {
    if (this.#sink === undefined || this.#socket === undefined || !this.#takesStdin) return;
    // Sockets come paused; what is typed pauses them again until the monitor has taken it.
    this.#socket.resume();
    for (const chunk of this.#pending.splice(0)) this.#typed(chunk);
    this.#socket.on('data', (chunk: Buffer) => {
      this.#typed(chunk);
    });
  }

  #typed(chunk: Buffer): void {
    const { data, isDetached } = this.#detector.feed(chunk);
    if (data.length > 0 && this.#sink !== undefined && !this.#isStdinOver && !this.#isClosed) {
      this.#socket?.pause();
      this.#sink.write(data, () => {
        if (!this.#isClosed) this.#socket?.resume();
      });
    }
    if (!isDetached || this.#isClosed) return;
    this.#leave(false);
    this.#writer.end();
  }

  #endStdin(): void {
    if (!this.#takesStdin || this.#isClosed) return;
    this.#isStdinOver = true;
    if (this.offer.stdinOnce && !this.offer.terminal) this.#sink?.end();
  }
}
