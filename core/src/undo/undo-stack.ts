import { CleatError, toCleatError } from '@cleat/schemas';

/** Takes back one act. It must work when the act was done, half done, or undone already. */
export type Undo = () => void | Promise<void>;

interface Step {
  readonly name: string;
  readonly undo: Undo;
}

/**
 * The acts of one operation that must be taken back if it fails. Push the undo right after the act (or right before an
 * act that can fail half way); `run` takes all back in reverse, `clear` forgets them once the operation has succeeded.
 */
export class UndoStack {
  #steps: Step[] = [];

  get size(): number {
    return this.#steps.length;
  }

  push(name: string, undo: Undo): void {
    this.#steps.push({ name, undo });
  }

  /** Forgets every step: what was done is to stay. */
  clear(): void {
    this.#steps = [];
  }

  /**
   * Undoes in reverse, one step after the other. A failing step does not keep the others from being tried. The stack is
   * empty afterwards; a step pushed while it runs is undone as well.
   *
   * @throws CleatError `internal` `UNDO_INCOMPLETE`: names the steps that failed; its cause is an AggregateError of theirs.
   */
  async run(): Promise<void> {
    const failures: { readonly name: string; readonly error: unknown }[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        failures.push({ name: step.name, error });
      }
    }
    if (failures.length === 0) return;
    const sentences = failures.map(({ name, error }) => `${name}: ${toCleatError(error).message}`);
    throw new CleatError('internal', 'UNDO_INCOMPLETE', `could not take back ${sentences.join('; ')}`, {
      details: { steps: failures.map(({ name }) => name).join(',') },
      cause: new AggregateError(failures.map(({ error }) => error)),
    });
  }
}
