import { usageError } from '../command/usage-error.ts';

const CONTROL_CHARACTERS = '@abcdefghijklmnopqrstuvwxyz[\\]^_';

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** The bytes of "ctrl-p,ctrl-q" or "a,ctrl-@"; none for an empty text. */
export function parseDetachKeys(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(',').map((key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const control = /^ctrl-(.)$/i.exec(key)?.[1]?.toLowerCase();
    const code = control === undefined ? -1 : CONTROL_CHARACTERS.indexOf(control);
    if (code < 0) throw usageError(`--detach-keys: "${key}" is neither one character nor ctrl- and one`);
    return code;
  });
}

/**
 * Looks for the keys in what is typed, however it is cut into pieces. It is looked for here and not by who holds the stream, since only
 * here it is certain that a stream which ends was left and not lost.
 */
export class DetachKeys {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What goes on to the container; keys that may begin the sequence are kept back until the next one. */
  feed(chunk: Buffer): { readonly data: Buffer; readonly isDetached: boolean } {
    if (this.#keys.length === 0) return { data: chunk, isDetached: false };
    const passed: number[] = [];
    for (const byte of chunk) {
      if (byte !== this.#keys[this.#matched]) {
        passed.push(...this.#keys.slice(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) {
        passed.push(byte);
        continue;
      }
      this.#matched += 1;
      if (this.#matched === this.#keys.length) return { data: Buffer.from(passed), isDetached: true };
    }
    return { data: Buffer.from(passed), isDetached: false };
  }
}
