import { monotonicMs } from '../deadlines/index.ts';
import { REMEMBER_BYTES, REMEMBER_COUNT, REMEMBER_MS } from './limits.ts';
import type { BusHeaders } from './message.ts';

/** How an operation ended, as it was and will be answered. */
export interface FinalAnswer {
  readonly op: string;
  readonly headers: BusHeaders;
  readonly body: Uint8Array;
}

interface Remembered {
  readonly answer: FinalAnswer;
  readonly bytes: number;
  readonly atMs: number;
}

/** What an entry costs besides its body. */
const ENTRY_BYTES = 512;

/** Finished operations, for requests that come again: ten minutes, bounded in number and bytes, the oldest dropped first. */
export class OperationMemory {
  /** In the order in which they ended. */
  readonly #entries = new Map<string, Remembered>();
  readonly #now: () => number;
  #bytes = 0;

  constructor(now: () => number = monotonicMs) {
    this.#now = now;
  }

  get count(): number {
    return this.#entries.size;
  }

  get(key: string): FinalAnswer | undefined {
    this.#dropOld();
    return this.#entries.get(key)?.answer;
  }

  remember(key: string, answer: FinalAnswer): void {
    const bytes = answer.body.length + ENTRY_BYTES;
    this.#entries.set(key, { answer, bytes, atMs: this.#now() });
    this.#bytes += bytes;
    this.#dropOld();
  }

  #dropOld(): void {
    const expired = this.#now() - REMEMBER_MS;
    for (const [key, entry] of this.#entries) {
      const isTooMuch = this.#entries.size > REMEMBER_COUNT || this.#bytes > REMEMBER_BYTES;
      if (entry.atMs > expired && !isTooMuch) return;
      this.#entries.delete(key);
      this.#bytes -= entry.bytes;
    }
  }
}
