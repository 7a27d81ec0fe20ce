import { usageError } from '../command/usage-error.ts';

/** "--filter KEY=VALUE", several of one key together; what the keys mean is the affair of who is asked. */
export function filtersOf(texts: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const filters = new Map<string, string[]>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    if (equals < 1) throw usageError(`--filter ${text}: not KEY=VALUE`);
    const key = text.slice(0, equals);
    filters.set(key, [...(filters.get(key) ?? []), text.slice(equals + 1)]);
  }
  return Object.fromEntries(filters);
}
