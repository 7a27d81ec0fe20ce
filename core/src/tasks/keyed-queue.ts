import { CleatError } from '@cleat/schemas';

export interface RunOptions {
  /**
   * Aborts the signals of everything of the same key that is running or waiting. What was waiting never starts; what was
   * running is awaited until it settles. For stop, kill and forced removal.
   */
  readonly preempt?: boolean;
  /** The caller's own signal: passed on to the job, and a job that has not begun by then never does. */
  readonly signal?: AbortSignal;
}

interface Job {
  readonly controller: AbortController;
  /** Runs the job; never rejects. */
  readonly execute: () => Promise<void>;
  /** Settles the caller's promise of a job that shall not start any more. */
  readonly discard: () => void;
}

interface Lane {
  running: Job | undefined;
  waiting: Job[];
}

/** Jobs of one key run one after another in the order asked for; keys never wait for each other. An idle key costs nothing. */
export class KeyedQueue {
  readonly #lanes = new Map<string, Lane>();
  readonly #idleWaiters: (() => void)[] = [];

  /** How many keys have a job running. */
  get busyKeys(): number {
    return this.#lanes.size;
  }

  isBusy(key: string): boolean {
    return this.#lanes.has(key);
  }

  /**
   * Resolves or rejects as `work` does. The signal given to `work` aborts when another job preempts it or the caller's
   * signal aborts; the work decides itself where it can still turn back, so that a preempting job finds a settled state.
   *
   * @throws CleatError `cancelled` `OPERATION_PREEMPTED`: it was still waiting when a preempting job came.
   */
  run<T>(key: string, work: (signal: AbortSignal) => Promise<T>, options: RunOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { signal } = options;
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const controller = new AbortController();
      const onCallerAbort = (): void => {
        controller.abort(signal?.reason);
        this.#dropAborted(key);
      };
      const detach = (): void => signal?.removeEventListener('abort', onCallerAbort);
      signal?.addEventListener('abort', onCallerAbort, { once: true });
      const job: Job = {
        controller,
        execute: async () => {
          try {
            resolve(await work(controller.signal));
          } catch (error) {
            reject(error);
          } finally {
            detach();
          }
        },
        discard: () => {
          detach();
          reject(controller.signal.reason);
        },
      };
      this.#enqueue(key, job, options.preempt === true);
    });
  }

  #enqueue(key: string, job: Job, preempt: boolean): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) {
      const opened: Lane = { running: undefined, waiting: [job] };
      this.#lanes.set(key, opened);
      void this.#drain(key, opened);
      return;
    }
    if (preempt) {
      const reason = preempted(key);
      lane.running?.controller.abort(reason);
      for (const waiting of lane.waiting) waiting.controller.abort(reason);
      this.#dropAborted(key);
    }
    lane.waiting.push(job);
  }

  /** Takes out of the line what has been aborted before it began. */
  #dropAborted(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return;
    const dropped = lane.waiting.filter((job) => job.controller.signal.aborted);
    if (dropped.length === 0) return;
    lane.waiting = lane.waiting.filter((job) => !job.controller.signal.aborted);
    for (const job of dropped) job.discard();
  }

  async #drain(key: string, lane: Lane): Promise<void> {
    for (let job = lane.waiting.shift(); job !== undefined; job = lane.waiting.shift()) {
      lane.running = job;
      await job.execute();
    }
    this.#lanes.delete(key);
    if (this.#lanes.size === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  /** Resolves when no job is running or waiting under any key. */
  idle(): Promise<void> {
    if (this.#lanes.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Aborts everything that runs or waits, under every key, and resolves when all of it has settled. */
  async cancelAll(reason: Error): Promise<void> {
    for (const [key, lane] of this.#lanes) {
      lane.running?.controller.abort(reason);
      for (const waiting of lane.waiting) waiting.controller.abort(reason);
      this.#dropAborted(key);
    }
    await this.idle();
  }
}

function preempted(key: string): CleatError {
  return new CleatError('cancelled', 'OPERATION_PREEMPTED', `a stop, kill or removal of ${key} took the place of this operation`);
}
