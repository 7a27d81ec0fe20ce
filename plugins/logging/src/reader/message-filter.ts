import type { LogMessage } from './message-assembler.ts';
import { recordTime } from './record.ts';

/** Which messages are wanted. */
export interface MessageRange {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Nanoseconds since 1970; 0: no bound. */
  readonly since: bigint;
  readonly until: bigint;
  /** Messages passed over at the beginning, of either stream, as `tail` counts them. */
  readonly skip: number;
}

/** Decides on messages in the order in which they come, as Docker does: the tail is taken first, then times and streams are looked at. */
export class MessageFilter {
  readonly #range: MessageRange;
  readonly #since: string;
  readonly #until: string | undefined;
  #skipped = 0;
  #isOver = false;

  constructor(range: MessageRange) {
    this.#range = range;
    this.#since = range.since === 0n ? '' : recordTime(range.since);
    this.#until = range.until === 0n ? undefined : recordTime(range.until);
  }

  /** A message after the end of the range was seen. */
  get isOver(): boolean {
    return this.#isOver;
  }

  accepts({ time, stream }: Pick<LogMessage, 'time' | 'stream'>): boolean {
    if (this.#isOver) return false;
    if (this.#skipped < this.#range.skip) {
      this.#skipped += 1;
      return false;
    }
    if (time < this.#since) return false;
    if (this.#until !== undefined && time > this.#until) {
      this.#isOver = true;
      return false;
    }
    return stream === 1 ? this.#range.stdout : this.#range.stderr;
  }
}
