import type { journal } from '@cleat/schemas';

/** What plugins that were away should undo: settled by their next reconcile. */
export class Owed {
  readonly #records = new Map<string, journal.OwedRecord>();

  apply(record: journal.OwedRecord): void {
    const key = keyOf(record);
    const known = this.#records.get(key);
    if (record.settled) {
      // A newer debt about the same claim is not paid by the settling of an older one.
      if (known !== undefined && known.reference.number <= record.reference.number) this.#records.delete(key);
      return;
    }
    // A release includes the detach.
    if (known === undefined || record.operation === 'release' || known.operation === 'detach') this.#records.set(key, record);
  }

  all(): readonly journal.OwedRecord[] {
    return [...this.#records.values()];
  }

  to(provider: string, kind: string): readonly journal.OwedRecord[] {
    return this.all().filter((record) => record.provider === provider && record.kind === kind);
  }

  has(container: string, claim: string): boolean {
    return this.all().some(({ reference }) => reference.container === container && reference.claim === claim);
  }
}

function keyOf(record: journal.OwedRecord): string {
  return `${record.provider}\n${record.kind}\n${record.reference.container}\n${record.reference.claim}`;
}
