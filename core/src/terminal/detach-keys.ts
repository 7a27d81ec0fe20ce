import { CleatError } from '@cleat/schemas';

const CONTROL_CHARACTERS = '@abcdefghijklmnopqrstuvwxyz[\\]^_';

/**
 * The bytes of Docker's notation, `ctrl-p,ctrl-q` or `a,ctrl-@`; none for an empty text. Throws `invalid_argument`
 * DETACH_KEYS_INVALID.
 */
export function parseDetachKeys(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(',').map((key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const control = /^ctrl-(.)$/i.exec(key)?.[1]?.toLowerCase();
    const code = control === undefined ? -1 : CONTROL_CHARACTERS.indexOf(control);
    if (code >= 0) return code;
    const message = `"${key}" is no key to detach by: it is neither one character nor ctrl- and one`;
    throw new CleatError('invalid_argument', 'DETACH_KEYS_INVALID', message);
  });
}

/** Looks for a sequence of keys in what is typed, however it is cut into pieces. */
export class DetachDetector {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** What the process shall get; keys that may be the beginning of the sequence are kept back until the next one. */
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
