import type { AttachSession, StdinSink } from './session.ts';
import type { Source, SourceEvents } from './source.ts';

/** conmon takes no more of one packet and drops the rest without a word. */
const PIECE_BYTES = 32_768;
const STALL_MS = 10_000;
const STALL_LOOK_MS = 1000;
/** Without a kernel that notes the end of an exec, its clients still get the end of their streams. */
const UNNOTED_MS = 10_000;

interface StdinItem {
  readonly data: Buffer;
  readonly done: () => void;
}

export interface RunStreamsOptions {
  readonly run: number;
  /** Opens the source of output; may throw. */
  readonly source: (events: SourceEvents) => Source;
  readonly openStdin: boolean;
  /** To leave the source would end the process's stdin. */
  readonly isStdinEndedByLeaving: boolean;
  /** Its clients wait until the kernel has noted the end: they ask for the exit code next. */
  readonly endsByWord: boolean;
  readonly onClose: (run: RunStreams) => void;
}

/** The one connection to a run: output to every client, input from any of them. */
export class RunStreams implements StdinSink {
  readonly run: number;
  readonly sessions: Set<AttachSession> = new Set();
  readonly #options: RunStreamsOptions;
  readonly #source: Source;
  readonly #stdin: StdinItem[] = [];
  #isWriting = false;
  #isStdinEnding = false;
  #isClosed = false;
  #stallTimer: NodeJS.Timeout | undefined;
  #unnoted: NodeJS.Timeout | undefined;

  constructor(options: RunStreamsOptions) {
    this.run = options.run;
    this.#options = options;
    this.#source = options.source({
      onOutput: (stream, payload) => {
        this.#receive(stream, payload);
      },
      onEnd: () => {
        this.ended();
      },
    });
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

  /** Nobody looks, so the source need not send; unless to leave it would be more than that. */
  #leaveIfUnused(): void {
    const isStdinAtStake = this.#options.openStdin && this.#options.isStdinEndedByLeaving;
    const isBusy = this.#isWriting || this.#stdin.length > 0;
    if (this.#source.canBeLeft && this.sessions.size === 0 && !isStdinAtStake && !isBusy) this.#finish();
  }

  /** Output flows again unless another client is still full. */
  relieve(): void {
    if ([...this.sessions].some((session) => session.isFull)) return;
    clearInterval(this.#stallTimer);
    this.#stallTimer = undefined;
    this.#source.resume();
  }

  write(data: Buffer, done: () => void): void {
    if (this.#isClosed || this.#isStdinEnding) {
      done();
      return;
    }
    for (let at = 0; at < data.length; at += PIECE_BYTES) {
      const isLast = at + PIECE_BYTES >= data.length;
      this.#stdin.push({ data: data.subarray(at, at + PIECE_BYTES), done: isLast ? done : () => undefined });
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
      if (this.#isStdinEnding) this.#source.endStdin();
      this.#leaveIfUnused();
      return;
    }
    this.#isWriting = true;
    this.#source.writeStdin(item.data, () => {
      this.#isWriting = false;
      item.done();
      this.#writeNext();
    });
  }

  #receive(stream: number, payload: Buffer): void {
    let isFull = false;
    for (const session of this.sessions) {
      session.write(stream, payload);
      isFull ||= session.isFull;
    }
    if (isFull && !this.#isClosed) this.#holdBack();
  }

  /** A client that takes nothing stops the container, as in Docker; but not for ever when others are attached too. */
  #holdBack(): void {
    this.#source.pause();
    this.#stallTimer ??= setInterval(() => {
      if (this.sessions.size < 2) return;
      const stalled = [...this.sessions].filter(({ isFull, progressAt }) => isFull && performance.now() - progressAt > STALL_MS);
      for (const session of stalled) session.close(true);
    }, STALL_LOOK_MS);
  }

  /** No more output comes. */
  ended(): void {
    if (!this.#options.endsByWord) {
      this.#finish();
      return;
    }
    if (this.#isClosed) return;
    this.#source.close();
    this.#unnoted ??= setTimeout(() => {
      this.#finish();
    }, UNNOTED_MS).unref();
  }

  /** The kernel has noted the end. */
  noted(): void {
    if (this.#options.endsByWord) this.#finish();
  }

  /** The source has ended, or is left: the last output, then the end for everybody. */
  #finish(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#source.close();
    clearInterval(this.#stallTimer);
    clearTimeout(this.#unnoted);
    for (const { done } of this.#stdin.splice(0)) done();
    const left = [...this.sessions];
    this.sessions.clear();
    for (const session of left) session.end();
    this.#options.onClose(this);
  }
}
