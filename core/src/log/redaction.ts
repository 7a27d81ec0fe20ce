import { isCleatError } from '@cleat/schemas';

const MAX_DEPTH = 6;
const MAX_ITEMS = 50;
const MAX_STRING = 4096;

/** Over all levels: a wide and deep object would cost more than its line is worth. */
const MAX_VALUES = 500;

/** How many values may still be looked at. */
interface Budget {
  left: number;
}

/** Names of fields whose value is never written, whatever it is. */
const SECRET_NAME =
  /pass(word|wd|phrase)?$|secret|token|credential|authorization|^auth$|cookie|private.?key|api.?key|^seed$|^jwt$|^creds$/i;

/** The user part of a URL may hold a password: scheme://user:password@host. */
const URL_USER = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi;

const REDACTED = '[redacted]';

/** A plain copy that JSON can hold: secrets out, errors as data, bytes as their number, everything bounded. */
export function loggable(value: unknown): unknown {
  return plain(value, 0, { left: MAX_VALUES });
}

function plain(value: unknown, depth: number, budget: Budget): unknown {
  if (budget.left <= 0) return '[…]';
  budget.left -= 1;
  switch (typeof value) {
    case 'string':
      return redactText(value);
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? null : plainObject(value, depth, budget);
    case 'function':
    case 'symbol':
    case 'undefined':
      return undefined;
    case 'boolean':
    case 'number':
      return value;
  }
}

export function redactText(text: string): string {
  const bounded = text.length > MAX_STRING ? `${text.slice(0, MAX_STRING)}… (${text.length} characters)` : text;
  return bounded.includes('@') ? bounded.replace(URL_USER, `$1${REDACTED}@`) : bounded;
}

function plainObject(value: object, depth: number, budget: Budget): unknown {
  if (depth >= MAX_DEPTH) return '[…]';
  if (value instanceof Error) return plainError(value, depth, budget);
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map)
    return plainEntries(
      [...value.entries()].map(([key, item]) => [String(key), item]),
      depth,
      budget,
    );
  if (Array.isArray(value) || value instanceof Set) return plainList([...value], depth, budget);
  return plainEntries(Object.entries(value), depth, budget);
}

function plainList(items: readonly unknown[], depth: number, budget: Budget): unknown[] {
  const shown = items.slice(0, MAX_ITEMS).map((item) => plain(item, depth + 1, budget));
  if (items.length > MAX_ITEMS) shown.push(`… (${items.length} items)`);
  return shown;
}

function plainEntries(entries: readonly (readonly [string, unknown])[], depth: number, budget: Budget): Record<string, unknown> {
  return Object.fromEntries(
    entries
      .slice(0, MAX_ITEMS)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, SECRET_NAME.test(key) ? REDACTED : plain(value, depth + 1, budget)]),
  );
}

/** What of an error helps: class and code of ours, the stack of one that nobody expected, and its causes. */
function plainError(error: Error, depth: number, budget: Budget): Record<string, unknown> {
  const known = isCleatError(error) ? error : undefined;
  const code = 'code' in error ? error.code : undefined;
  const isExpected = known !== undefined && known.class !== 'internal';
  return plainEntries(
    [
      ['class', known?.class],
      ['code', code],
      ['message', error.message],
      ['plugin', known?.plugin],
      ['hint', known?.hint],
      ['stack', isExpected ? undefined : error.stack],
      ['cause', error.cause],
    ],
    depth,
    budget,
  );
}
