/** An object of JSON whose members are still to be looked at. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member when it is an object, else an empty one: for reading what this program wrote itself. */
export function objectAt(value: unknown, name: string): JsonObject {
  const member = isObject(value) ? value[name] : undefined;
  return isObject(member) ? member : {};
}

export function stringAt(value: unknown, name: string): string {
  const member = isObject(value) ? value[name] : undefined;
  return typeof member === 'string' ? member : '';
}

export function numberAt(value: unknown, name: string): number {
  const member = isObject(value) ? value[name] : undefined;
  return typeof member === 'number' ? member : 0;
}

export function stringsAt(value: unknown, name: string): readonly string[] {
  const member = isObject(value) ? value[name] : undefined;
  return Array.isArray(member) ? member.filter((item) => typeof item === 'string') : [];
}

export function objectsAt(value: unknown, name: string): readonly JsonObject[] {
  const member = isObject(value) ? value[name] : undefined;
  return Array.isArray(member) ? member.filter(isObject) : [];
}

export function stringMapAt(value: unknown, name: string): Readonly<Record<string, string>> {
  const entries = Object.entries(objectAt(value, name));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** JSON text of a plugin or an earlier run of this one; what cannot be read counts as empty. */
export function parseObject(text: string): JsonObject {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    // Another program wrote it, in a format of its own.
    return {};
  }
}

/** Without the members that are undefined. */
export function compact<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given = Object.entries(value).filter(([, member]) => member !== undefined);
  // The members that are left are those of T, each with its own type.
  return Object.fromEntries(given) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
