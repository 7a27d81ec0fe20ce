import type { SetElement, TableName } from '@cleat/sdk/netlink';
import { addElements, deleteElements, isNetlinkErrno, Nftables } from '@cleat/sdk/netlink';
import { runCommand } from './command.ts';
import { elementIdentity, replaceTableText } from './firewall-rules.ts';

/**
 * The instance's own table of nftables. It is made by one run of nft when the first network needs it; after that only
 * elements come and go, by netlink, in a tenth of a millisecond. When the kernel's table is not what is remembered here
 * (somebody flushed the rules), it is made again whole.
 */
export class Firewall {
  readonly #table: TableName;
  readonly #elements = new Map<string, SetElement>();
  #nftables: Nftables | undefined;
  #isThere = false;
  /** Changes follow one another: one that came while nft runs would be lost in its transaction. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(table: TableName) {
    this.#table = table;
  }

  /** Adds elements; those that are there already are set again. */
  add(elements: readonly SetElement[]): Promise<void> {
    return this.#inTurn(async () => {
      const known = elements.filter((element) => this.#elements.has(elementIdentity(element)));
      for (const element of elements) this.#elements.set(elementIdentity(element), element);
      await this.#apply([...deleteElements(this.#table, known), ...addElements(this.#table, elements)]);
    });
  }

  /** Removes elements; those that are not there are fine. */
  remove(elements: readonly SetElement[]): Promise<void> {
    return this.#inTurn(async () => {
      const known = elements.filter((element) => this.#elements.delete(elementIdentity(element)));
      if (this.#isThere) await this.#apply(deleteElements(this.#table, known));
    });
  }

  /**
   * Takes what `elements` gives, when its turn comes, as all there is, and makes the kernel's table so in one
   * transaction: a packet sees the old one or the new one.
   */
  replace(elements: () => readonly SetElement[]): Promise<void> {
    return this.#inTurn(async () => {
      this.#elements.clear();
      for (const element of elements()) this.#elements.set(elementIdentity(element), element);
      await this.#rebuild();
    });
  }

  /** True when this instance has a table on the host, also one that an earlier process left. */
  isOnHost(): boolean {
    return this.#socket().hasTable(this.#table);
  }

  /** Takes the table off the host. */
  clear(): Promise<void> {
    return this.#inTurn(async () => {
      this.#elements.clear();
      this.#isThere = false;
      if (!this.isOnHost()) return;
      await runCommand('nft', ['-f', '-'], `delete table ${this.#table.family} ${this.#table.name}\n`);
    });
  }

  close(): void {
    this.#nftables?.close();
    this.#nftables = undefined;
  }

  async #apply(messages: ReturnType<typeof addElements>): Promise<void> {
    if (messages.length === 0) return;
    if (!this.#isThere) return this.#rebuild();
    try {
      this.#socket().transact(messages);
    } catch (error) {
      if (!isNetlinkErrno(error, 'ENOENT', 'EEXIST')) throw error;
      await this.#rebuild();
    }
    return undefined;
  }

  async #rebuild(): Promise<void> {
    await runCommand('nft', ['-f', '-'], replaceTableText(this.#table, [...this.#elements.values()]));
    this.#isThere = true;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    // Who asked hears of a failure; the next in line only waits for the end.
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  #socket(): Nftables {
    this.#nftables ??= Nftables.open();
    return this.#nftables;
  }
}
