import type { Journal, JournalOptions, Provision } from '@cleat/core';
import type { provider } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';

/** Names the format of the records below. */
const FORMAT = '6472697665720001';

/** An object that a driver holds, or a container's use of it, with the newest call about it. */
export interface LedgerEntry {
  readonly driver: string;
  readonly object: string;
  /** Both empty: the object itself. */
  readonly container: string;
  readonly claim: string;
  readonly bootId: string;
  readonly provision: Provision;
  /** What the driver is told again at a reconcile. */
  readonly told: Pick<provider.HeldInput, 'options' | 'container' | 'idMapping' | 'networkNamespace' | 'userNamespace'>;
}

/** What a driver that was away shall still undo. */
export interface LedgerDebt {
  readonly driver: string;
  readonly owed: provider.OwedInput;
}

type Change =
  | { readonly type: 'entry'; readonly entry: LedgerEntry }
  | { readonly type: 'gone'; readonly key: string }
  | { readonly type: 'debt'; readonly debt: LedgerDebt }
  | { readonly type: 'paid'; readonly key: string }
  | { readonly type: 'number'; readonly number: number };

/** The ledger's state: in memory, and in a journal that it is written to before anything is done. */
export class LedgerBook {
  readonly #entries = new Map<string, LedgerEntry>();
  readonly #debts = new Map<string, LedgerDebt>();
  readonly #warn: (message: string, error: unknown) => void;
  #journal: Journal | undefined;
  #number = 0;
  #rotation: Promise<void> | undefined;

  private constructor(warn: (message: string, error: unknown) => void) {
    this.#warn = warn;
  }

  static async open(
    open: (options: Partial<JournalOptions>) => Promise<Journal>,
    dir: string,
    warn: (message: string, error: unknown) => void,
  ): Promise<LedgerBook> {
    const book = new LedgerBook(warn);
    book.#journal = await open({
      dir,
      segmentBytes: 1_048_576,
      retainBytes: 1_048_576,
      reserveBytes: 65_536,
      replay: ({ schema, payload }) => book.#replay(schema, payload),
    });
    return book;
  }

  get entries(): readonly LedgerEntry[] {
    return [...this.#entries.values()];
  }

  get debts(): readonly LedgerDebt[] {
    return [...this.#debts.values()];
  }

  find(key: string): LedgerEntry | undefined {
    return this.#entries.get(key);
  }

  /** A number that no call about an object has had. */
  nextNumber(): number {
    this.#write({ type: 'number', number: this.#number + 1 });
    return this.#number;
  }

  put(entry: LedgerEntry): void {
    this.#write({ type: 'entry', entry });
  }

  remove(key: string): void {
    if (this.#entries.has(key)) this.#write({ type: 'gone', key });
  }

  owe(debt: LedgerDebt): void {
    this.#write({ type: 'debt', debt });
  }

  paid(debt: LedgerDebt): void {
    const key = debtKey(debt);
    // A newer debt about the same thing is not paid by what paid the older one.
    if (this.#debts.get(key) === debt) this.#write({ type: 'paid', key });
  }

  /** Resolves when all that was written survives a loss of power. */
  async sync(): Promise<void> {
    await this.#journal?.sync();
  }

  #write(change: Change): void {
    this.#journal?.write(FORMAT, Buffer.from(JSON.stringify(change)));
    this.#apply(change);
    if (this.#journal?.needsRotation === true && this.#rotation === undefined) this.#rotate(this.#journal);
  }

  #apply(change: Change): void {
    switch (change.type) {
      case 'entry':
        this.#entries.set(keyOf(change.entry), change.entry);
        return;
      case 'gone':
        this.#entries.delete(change.key);
        return;
      case 'debt':
        this.#debts.set(debtKey(change.debt), change.debt);
        return;
      case 'paid':
        this.#debts.delete(change.key);
        return;
      case 'number':
        this.#number = change.number;
        return;
    }
  }

  #replay(schema: string, payload: Uint8Array): void {
    if (schema !== FORMAT)
      throw new CleatError('internal', 'LEDGER_FORMAT', 'the ledger of drivers was written by a newer version of the plugin');
    const value: unknown = JSON.parse(Buffer.from(payload).toString());
    if (typeof value !== 'object' || value === null || !('type' in value)) {
      throw new CleatError('internal', 'LEDGER_DAMAGED', 'the ledger of drivers has a record that is none');
    }
    // The journal's checksum vouches for the rest, the format's name for its shape.
    this.#apply(value as Change);
  }

  #rotate(journal: Journal): void {
    const changes: Change[] = [
      { type: 'number', number: this.#number },
      ...this.entries.map((entry): Change => ({ type: 'entry', entry })),
      ...this.debts.map((debt): Change => ({ type: 'debt', debt })),
    ];
    this.#rotation = journal
      .rotate(changes.map((change) => ({ schema: FORMAT, payload: Buffer.from(JSON.stringify(change)) })))
      // The journal goes on in the segment it has; the next write tries again.
      .catch((error: unknown) => this.#warn('the ledger of drivers cannot be shortened', error))
      .finally(() => {
        this.#rotation = undefined;
      });
  }
}

/** What an entry is known by. */
export function keyOf(entry: {
  readonly object: string;
  readonly container?: string | undefined;
  readonly claim?: string | undefined;
}): string {
  return `${entry.object}\n${entry.container ?? ''}\n${entry.claim ?? ''}`;
}

function debtKey({ driver, owed }: LedgerDebt): string {
  return `${driver}\n${keyOf(owed.reference)}`;
}
