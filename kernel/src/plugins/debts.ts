import { backoff, Deadline, type Logger, monotonicMs, type TaskGroup } from '@cleat/core';
import { isCleatError, type journal, toCleatError } from '@cleat/schemas';
import type { ProviderPort } from '../engine/ports.ts';
import type { KernelStore } from '../state/kernel-store.ts';

const ASK_MS = 10_000;
const AGAIN = { baseMs: 5_000, factor: 2, maxMs: 300_000 };

export interface DebtsParts {
  readonly store: KernelStore;
  readonly providers: ProviderPort;
  readonly tasks: TaskGroup;
  readonly log: Logger;
}

/** What a plugin owes although it is there: it was too slow, or could not. It is asked again, each time later. */
export class Debts {
  readonly #parts: DebtsParts;
  readonly #tries = new Map<journal.OwedRecord, { readonly count: number; readonly dueMs: number }>();

  constructor(parts: DebtsParts) {
    this.#parts = parts;
  }

  /** Called every few seconds. Who is away is told by its reconcile. */
  look(): void {
    const { store, providers, tasks } = this.#parts;
    const all = store.owed.all();
    for (const record of this.#tries.keys()) if (!all.includes(record)) this.#tries.delete(record);
    for (const record of all) {
      const entry = providers.find(record.kind);
      if (entry?.plugin !== record.provider || !entry.isReady) continue;
      const { count, dueMs } = this.#tries.get(record) ?? { count: 0, dueMs: monotonicMs() + AGAIN.baseMs };
      const isDue = monotonicMs() >= dueMs;
      const next = isDue ? { count: count + 1, dueMs: monotonicMs() + ASK_MS + backoff(count + 1, AGAIN) } : { count, dueMs };
      this.#tries.set(record, next);
      if (isDue) tasks.spawn('debt', () => this.#ask(record));
    }
  }

  async #ask(record: journal.OwedRecord): Promise<void> {
    const { store, providers, log } = this.#parts;
    const { reference, purge, provider, kind } = record;
    const at = { plugin: provider, kind };
    const options = { deadline: Deadline.after(ASK_MS) };
    try {
      if (record.operation === 'release') await providers.call(at, 'release', { reference, purge }, options);
      else await providers.call(at, 'detach', { reference }, options);
    } catch (error) {
      // A newer call about it was answered meanwhile: nothing is owed under this number.
      if (!isCleatError(error) || error.code !== 'FENCED') {
        log.warn('a plugin still owes an undo', { plugin: provider, ...reference, reason: toCleatError(error).message });
        return;
      }
    }
    store.writeOwed({ ...record, settled: true });
  }
}
