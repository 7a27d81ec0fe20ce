import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';

/** What a client was told, kept so that it outlives the power. */
export type Entry =
  | { readonly type: 'node'; readonly node: string }
  | { readonly type: 'created'; readonly id: string; readonly name: string }
  | { readonly type: 'started'; readonly id: string }
  | { readonly type: 'removing'; readonly id: string }
  | { readonly type: 'event'; readonly sequence: number }
  | { readonly type: 'cut'; readonly bootId: string };

/** A file on the disk that stays; each line is on it before the next thing happens. */
export class Ledger {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'ax');
  }

  note(entry: Entry): void {
    writeSync(this.#fd, `${JSON.stringify(entry)}\n`);
    fdatasyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The entries of a ledger of an earlier boot; its last line may be cut off. */
export function readLedger(path: string): readonly Entry[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  // Written by the class above.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Entry);
}
