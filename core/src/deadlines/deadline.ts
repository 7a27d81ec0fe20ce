import { armTimer, MAX_TIMER_MS, monotonicMs } from './clock.ts';

/**
 * A point on CLOCK_MONOTONIC. That clock is the same in every process of a host that is in the same time namespace,
 * so `atMs` may be sent to another process and turned back into a Deadline there with `Deadline.at`.
 */
export class Deadline {
  /** Milliseconds of CLOCK_MONOTONIC; Infinity when there is none. */
  readonly atMs: number;
  #signal: AbortSignal | undefined;

  private constructor(atMs: number) {
    this.atMs = atMs;
  }

  static after(ms: number): Deadline {
    return new Deadline(monotonicMs() + Math.max(0, ms));
  }

  static at(atMs: number): Deadline {
    return new Deadline(atMs);
  }

  static readonly never: Deadline = new Deadline(Number.POSITIVE_INFINITY);

  /** Never negative. */
  get remainingMs(): number {
    return Math.max(0, this.atMs - monotonicMs());
  }

  get isExpired(): boolean {
    return monotonicMs() >= this.atMs;
  }

  /** A deadline after this share of what remains: what a caller in the middle gives on, to keep time for its own answer. */
  fraction(share: number): Deadline {
    return this.atMs === Number.POSITIVE_INFINITY ? this : Deadline.after(this.remainingMs * share);
  }

  /** The earlier of two. */
  earlierOf(other: Deadline): Deadline {
    return other.atMs < this.atMs ? other : this;
  }

  /**
   * Aborts at the deadline, with the DOMException `TimeoutError` as its reason. Its timer neither keeps the process
   * alive nor outlives the signal's last user. Work that shall fail with an error of its own is better run by `run`.
   */
  get signal(): AbortSignal {
    const remainingMs = Math.ceil(this.remainingMs);
    // A longer time than a timer can count (24 days) would abort at once; nothing waits that long on one signal.
    this.#signal ??= remainingMs > MAX_TIMER_MS ? new AbortController().signal : AbortSignal.timeout(remainingMs);
    return this.#signal;
  }

  /**
   * Settles as `promise` does, or rejects with `onTimeout()` at the deadline. The timer is always cleared. The promise
   * itself goes on: use `run` for work that can be told to stop. What it rejects with later is ignored.
   */
  async race<T>(promise: Promise<T>, onTimeout: () => Error): Promise<T> {
    if (this.atMs === Number.POSITIVE_INFINITY) return promise;
    let disarm: (() => void) | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      disarm = armTimer(this.atMs, () => reject(onTimeout()));
    });
    try {
      return await Promise.race([promise, timeout]);
    } finally {
      disarm?.();
    }
  }

  /**
   * Runs `work` with a signal that aborts with `onTimeout()` at the deadline, or with the reason of `parent` when that
   * aborts first, and rejects at that moment without waiting for the work to notice.
   */
  async run<T>(work: (signal: AbortSignal) => Promise<T>, onTimeout: () => Error, parent?: AbortSignal): Promise<T> {
    parent?.throwIfAborted();
    const controller = new AbortController();
    const aborted = new Promise<never>((_resolve, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
    });
    const onParentAbort = (): void => controller.abort(parent?.reason);
    parent?.addEventListener('abort', onParentAbort, { once: true });
    const disarm = armTimer(this.atMs, () => controller.abort(onTimeout()));
    try {
      return await Promise.race([work(controller.signal), aborted]);
    } finally {
      disarm();
      parent?.removeEventListener('abort', onParentAbort);
    }
  }
}
