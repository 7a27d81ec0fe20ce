// Reading of JSON from outside: what has another type than expected is an error with the path of the member.

export type JsonObject = Readonly<Record<string, unknown>>;

export class JsonShapeError extends Error {}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(what: string, expected: string): never {
  throw new JsonShapeError(`${what} is not ${expected}`);
}

export function asObject(value: unknown, what: string): JsonObject {
  return isObject(value) ? value : wrong(what, 'an object');
}

/** null and absent are the same: Go writes both. */
export function optionalObject(value: unknown, what: string): JsonObject {
  return value === undefined || value === null ? {} : asObject(value, what);
}

export function asArray(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : wrong(what, 'an array');
}

export function asText(value: unknown, what: string): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : wrong(what, 'a string');
}

export function asTexts(value: unknown, what: string): string[] {
  return asArray(value, what).map((item, i) => (typeof item === 'string' ? item : wrong(`${what}[${i}]`, 'a string')));
}

export function asWhole(value: unknown, what: string): number {
  if (value === undefined || value === null) return 0;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : wrong(what, 'a whole number');
}

export function asFlag(value: unknown, what: string): boolean {
  if (value === undefined || value === null) return false;
  return typeof value === 'boolean' ? value : wrong(what, 'true or false');
}

export function asTextMap(value: unknown, what: string): Map<string, string> {
  return new Map(Object.entries(optionalObject(value, what)).map(([key, item]) => [key, asText(item, `${what}.${key}`)]));
}

/** The keys of an object used as a set, as Docker and OCI write ports and volumes. */
export function asKeys(value: unknown, what: string): string[] {
  return Object.keys(optionalObject(value, what));
}
