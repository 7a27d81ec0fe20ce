import { CleatError } from '@cleat/schemas';

// The words of a Dockerfile instruction: quoting, escapes and variables as the Docker builder reads them.

export function changeError(message: string): CleatError {
  return new CleatError('invalid_argument', 'IMAGE_CHANGE_INVALID', message);
}

/** Splits at white space outside quotes; the quotes stay. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i] ?? '';
    if (quote === '' && /\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    word += char;
    if (char === '\\' && quote !== "'" && i + 1 < text.length) {
      i += 1;
      word += text[i];
    } else if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
  }
  if (word !== '') words.push(word);
  return words;
}

/** Variables by name. */
export type Lookup = (name: string) => string | undefined;

/** One word with its quotes taken away and its variables put in. Errors: IMAGE_CHANGE_INVALID. */
export function expandWord(word: string, lookup: Lookup): string {
  return new WordExpansion(word, lookup).run();
}

class WordExpansion {
  readonly #text: string;
  readonly #lookup: Lookup;
  #at = 0;

  constructor(text: string, lookup: Lookup) {
    this.#text = text;
    this.#lookup = lookup;
  }

  run(): string {
    return this.#until('');
  }

  /** Up to an unquoted end character, which is taken too. */
  #until(end: string): string {
    let result = '';
    while (this.#at < this.#text.length) {
      const char = this.#take();
      if (char === end) return result;
      if (char === "'") result += this.#single();
      else if (char === '"') result += this.#double();
      else if (char === '$') result += this.#variable();
      else if (char === '\\') result += this.#at < this.#text.length ? this.#take() : char;
      else result += char;
    }
    if (end !== '') throw changeError(`unexpected end of statement while looking for matching ${end}`);
    return result;
  }

  #take(): string {
    const char = this.#text[this.#at] ?? '';
    this.#at += 1;
    return char;
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at);
    if (end < 0) throw changeError('unexpected end of statement while looking for matching single-quote');
    const inner = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    return inner;
  }

  #double(): string {
    let result = '';
    while (this.#at < this.#text.length) {
      const char = this.#take();
      if (char === '"') return result;
      if (char === '$') result += this.#variable();
      else if (char === '\\' && ['"', '$', '\\'].includes(this.#text[this.#at] ?? '')) result += this.#take();
      else result += char;
    }
    throw changeError('unexpected end of statement while looking for matching double-quote');
  }

  #variable(): string {
    const name = /^[A-Za-z_][A-Za-z0-9_]*|^[0-9@*#?$!-]/.exec(this.#text.slice(this.#at))?.[0];
    if (name !== undefined) {
      this.#at += name.length;
      return this.#lookup(name) ?? '';
    }
    return this.#text[this.#at] === '{' ? this.#braced() : '$';
  }

  #braced(): string {
    const head = /^\{([A-Za-z_][A-Za-z0-9_]*)(\}|:?[-+?])/.exec(this.#text.slice(this.#at));
    if (head === null) throw changeError(`unsupported variable expansion in ${JSON.stringify(this.#text)}`);
    const [all, name = '', operator = ''] = head;
    this.#at += all.length;
    const value = this.#lookup(name);
    if (operator === '}') return value ?? '';
    const word = this.#until('}');
    const isSet = operator.startsWith(':') ? (value ?? '') !== '' : value !== undefined;
    if (operator.endsWith('+')) return isSet ? word : '';
    if (isSet) return value ?? '';
    if (operator.endsWith('?')) throw changeError(`${name}: ${word === '' ? 'not set' : word}`);
    return word;
  }
}
