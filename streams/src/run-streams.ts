import { connectSeqpacket, type SeqpacketConnection } from '@cleat/core/syscalls';
import type { AttachSession, StdinSink } from './session.ts';

/** conmon takes no more of one packet and drops the rest without a word. */
const PACKET_BYTES = 32_768;
const STALL_MS = 10_000;
const STALL_LOOK_MS = 1000;

interface StdinItem {
  readonly data: Buffer;
  readonly done: () => void;
}

export interface RunStreamsOptions {
  readonly run: number;
  readonly attachPath: string;
  readonly openStdin: boolean;
  /** To leave the monitor would end the process's stdin. */
  readonly isStdinEndedByLeaving: boolean;
  readonly onClose: (run: RunStreams) => void;
}

/** The one connection to a run's monitor: output to every client, input from any of them. */
export class RunStreams implements StdinSink {
  readonly run: number;
  readonly sessions: Set<AttachSession> = new Set();
  readonly #options: RunStreamsOptions;
  readonly #connection: SeqpacketConnection;
  readonly #stdin: StdinItem[] = [];
  #isWriting = false;
  #isStdinEnding = false;
  #isClosed = false;
  #stallTimer: NodeJS.Timeout | undefined;

  /** Throws SYSCALL_ECONNREFUSED, SYSCALL_ENOENT when the monitor is gone. */
  constructor(options: RunStreamsOptions) {
    this.run = options.run;
    this.#options = options;
    this.#connection = connectSeqpacket(options.attachPath);
    const { socket } = this.#connection;
    socket.on('data', (packet: Buffer) => {
      this.#receive(packet);
    });
    const finish = (): void => {
      this.#finish();
    };
    socket.once('end', finish).once('error', finish).once('close', finish);
  }

  add(session: AttachSession): void {
    this.sessions.add(session);
    session.connectStdin(this);
  }

  /** A client has gone. */
  remove(session: AttachSession, isStdinOver: boolean): void {
    if (!this.sessions.delete(session) || this.#isClosed) return;
    if (isStdinOver && session.offer.stdinOnce && !session.offer.terminal) this.end();
    this.relieve();
    this.#leaveIfUnused();
  }

  /** Nobody looks, so the monitor need not send; unless to leave it would be more than that. */
  #leaveIfUnused(): void {
    const isStdinAtStake = this.#options.openStdin && this.#options.isStdinEndedByLeaving;
    const isBusy = this.#isWriting || this.#stdin.length > 0;
    if (this.sessions.size === 0 && !isStdinAtStake && !isBusy) this.#finish();
  }

  /** Output flows again unless another client is still full. */
  relieve(): void {
    if ([...this.sessions].some((session) => session.isFull)) return;
    clearInterval(this.#stallTimer);
    this.#stallTimer = undefined;
    this.#connection.socket.resume();
  }

  write(data: Buffer, done: () => void): void {
    if (this.#isClosed || this.#isStdinEnding) {
      done();
      return;
    }
    for (let at = 0; at < data.length; at += PACKET_BYTES) {
      const isLast = at + PACKET_BYTES >= data.length;
      this.#stdin.push({ data: data.subarray(at, at + PACKET_BYTES), done: isLast ? done : () => undefined });
    }
    this.#writeNext();
  }

  /** End of the process's stdin, after all that was written. */
  end(): void {
    this.#isStdinEnding = true;
    this.#writeNext();
  }

  /** One packet at a time: what is queued in the socket would be joined into one, and cut. */
  #writeNext(): void {
    if (this.#isWriting || this.#isClosed) return;
    const item = this.#stdin.shift();
    if (item === undefined) {
      if (this.#isStdinEnding && !this.#connection.socket.writableEnded) this.#connection.socket.end();
      this.#leaveIfUnused();
      return;
    }
    this.#isWriting = true;
    this.#connection.socket.write(item.data, () => {
      this.#isWriting = false;
      item.done();
      this.#writeNext();
    });
  }

  #receive(packet: Buffer): void {
    // conmon counts 2 for stdout and 3 for stderr, Docker 1 and 2.
    const stream = (packet[0] ?? 2) - 1;
    const payload = packet.subarray(1);
    let isFull = false;
    for (const session of this.sessions) {
      session.write(stream, payload);
      isFull ||= session.isFull;
    }
    if (isFull && !this.#isClosed) this.#holdBack();
  }

  /** A client that takes nothing stops the container, as in Docker; but not for ever when others are attached too. */
  #holdBack(): void {
    this.#connection.socket.pause();
    this.#stallTimer ??= setInterval(() => {
      if (this.sessions.size < 2) return;
      const stalled = [...this.sessions].filter(
        ({ isFull, progressAt }) => isFull && performance.now() - progressAt > STALL_MS,
      );
      for (const session of stalled) session.close(true);
    }, STALL_LOOK_MS);
  }

  /** The monitor has closed, or is left: the last packets, then the end for everybody. */
  #finish(): void {
    if (this.#isClosed) return;
    for (const packet of this.#connection.drain()) this.#receive(packet);
    this.#isClosed = true;
    clearInterval(this.#stallTimer);
    this.#connection.socket.destroy();
    for (const { done } of this.#stdin.splice(0)) done();
    const left = [...this.sessions];
    this.sessions.clear();
    for (const session of left) session.end();
    this.#options.onClose(this);
  }
}
