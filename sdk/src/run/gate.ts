/** A door that those who come wait at while it is shut. */
export class Gate {
  readonly #waiting = new Set<{ readonly pass: () => void; readonly fail: (error: Error) => void }>();
  #isOpen = false;
  #failure: Error | undefined;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    if (this.#failure !== undefined) return;
    this.#isOpen = true;
    for (const { pass } of this.#drained()) pass();
  }

  shut(): void {
    this.#isOpen = false;
  }

  /** Turns everybody away, now and from now on. */
  fail(error: Error): void {
    this.#failure = error;
    this.#isOpen = false;
    for (const { fail } of this.#drained()) fail(error);
  }

  /** Resolves when the gate is open; rejects with the signal's reason, or with what the gate failed with. */
  wait(signal?: AbortSignal): Promise<void> {
    if (this.#isOpen) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(entry);
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        leave();
        reject(signal?.reason);
      };
      const entry = {
        pass: () => {
          leave();
          resolve();
        },
        fail: (error: Error) => {
          leave();
          reject(error);
        },
      };
      this.#waiting.add(entry);
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #drained(): readonly { readonly pass: () => void; readonly fail: (error: Error) => void }[] {
    const all = [...this.#waiting];
    this.#waiting.clear();
    return all;
  }
}
