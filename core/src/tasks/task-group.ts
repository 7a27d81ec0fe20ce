import { CleatError, isCleatError } from '@cleat/schemas';
import { Deadline } from '../deadlines/index.ts';

/** What a task group needs of a logger. */
export interface TaskLogger {
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Background work with an owner: a failure is logged, never lost, and all of it is stopped and awaited at shutdown. */
export class TaskGroup {
  readonly #logger: TaskLogger;
  readonly #controller = new AbortController();
  readonly #running = new Map<Promise<void>, string>();

  constructor(options: { readonly logger: TaskLogger }) {
    this.#logger = options.logger;
  }

  /** Aborts when the group is closed. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The names of the tasks that have not settled. */
  get running(): readonly string[] {
    return [...this.#running.values()];
  }

  /**
   * Starts `task` at once. It shall return soon after its signal aborts; failing for that reason is not a failure.
   *
   * @throws CleatError `cancelled` `TASK_GROUP_CLOSED`: the group is closing, so nothing new may begin.
   */
  spawn(name: string, task: (signal: AbortSignal) => Promise<void>): void {
    if (this.signal.aborted) {
      throw new CleatError('cancelled', 'TASK_GROUP_CLOSED', `${name} was not started: its owner is shutting down`);
    }
    const promise = this.#guard(name, task).finally(() => this.#running.delete(promise));
    this.#running.set(promise, name);
  }

  async #guard(name: string, task: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await task(this.signal);
    } catch (error) {
      if (this.signal.aborted && isCancellation(error)) return;
      this.#logger.error('a background task failed', { task: name, error });
    }
  }

  /**
   * Aborts every task and waits for all of them, at most `deadlineMs`. Returns the names of those still running then;
   * they are logged. May be called again.
   */
  async close(deadlineMs: number): Promise<readonly string[]> {
    this.#controller.abort(new CleatError('cancelled', 'TASK_GROUP_CLOSED', 'the owner of this task is shutting down'));
    const deadline = Deadline.after(deadlineMs);
    const timedOut = new CleatError('deadline_exceeded', 'TASK_GROUP_SLOW', 'tasks did not end in time');
    try {
      await deadline.race(Promise.all(this.#running.keys()), () => timedOut);
    } catch (error) {
      if (error !== timedOut) throw error;
      this.#logger.error('tasks did not end when told to', { tasks: this.running, deadlineMs });
    }
    return this.running;
  }
}

/** What the work of an aborted signal may fail with: the reason given here, or the AbortError of Node's own functions. */
function isCancellation(error: unknown): boolean {
  return isCleatError(error) ? error.class === 'cancelled' : error instanceof Error && error.name === 'AbortError';
}
