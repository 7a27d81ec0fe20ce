import { badRequest } from '../errors.ts';
import { isObject, type JsonObject } from './json.ts';

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/**
 * Reads the members of a request's JSON object by type. Like Docker: absent and null are the same, an unknown member is ignored,
 * a member of a wrong type is 400 with its name.
 */
export class Fields {
  readonly #value: JsonObject;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (value !== undefined && value !== null && !isObject(value)) {
      throw badRequest(`invalid JSON: cannot unmarshal ${kindOf(value)} into ${path}`);
    }
    this.#value = value ?? {};
    this.#path = path;
  }

  get raw(): JsonObject {
    return this.#value;
  }

  #get(name: string): unknown {
    const value = this.#value[name];
    return value === null ? undefined : value;
  }

  #wrong(name: string, type: string): never {
    throw badRequest(`invalid JSON: cannot unmarshal ${kindOf(this.#value[name])} into field ${this.#path}.${name} of type ${type}`);
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  optionalString(name: string): string | undefined {
    const value = this.#get(name);
    if (value !== undefined && typeof value !== 'string') this.#wrong(name, 'string');
    return value;
  }

  string(name: string): string {
    return this.optionalString(name) ?? '';
  }

  optionalInteger(name: string): number | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value)) this.#wrong(name, 'int64');
    if (!Number.isSafeInteger(value)) throw badRequest(`invalid value for ${this.#path}.${name}: ${value} is out of range`);
    return value;
  }

  integer(name: string): number {
    return this.optionalInteger(name) ?? 0;
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.#get(name);
    if (value !== undefined && typeof value !== 'boolean') this.#wrong(name, 'bool');
    return value;
  }

  boolean(name: string): boolean {
    return this.optionalBoolean(name) ?? false;
  }

  optionalStrings(name: string): readonly string[] | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) this.#wrong(name, '[]string');
    return value.map((item: unknown) => (typeof item === 'string' ? item : this.#wrong(name, '[]string')));
  }

  strings(name: string): readonly string[] {
    return this.optionalStrings(name) ?? [];
  }

  /** Docker takes a command as a list or as one string. */
  stringsOrString(name: string): readonly string[] | undefined {
    const value = this.#get(name);
    return typeof value === 'string' ? [value] : this.optionalStrings(name);
  }

  stringMap(name: string): Readonly<Record<string, string>> {
    const value = this.#get(name);
    if (value === undefined) return {};
    if (!isObject(value)) this.#wrong(name, 'map[string]string');
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        typeof item === 'string' ? item : item === null ? '' : this.#wrong(name, 'map[string]string'),
      ]),
    );
  }

  /** The names of an object used as a set: {"80/tcp": {}}. */
  keys(name: string): readonly string[] {
    const value = this.#get(name);
    if (value === undefined) return [];
    if (!isObject(value)) this.#wrong(name, 'object');
    return Object.keys(value);
  }

  optionalObject(name: string): Fields | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) this.#wrong(name, 'object');
    return new Fields(value, `${this.#path}.${name}`);
  }

  object(name: string): Fields {
    return this.optionalObject(name) ?? new Fields({}, `${this.#path}.${name}`);
  }

  objects(name: string): readonly Fields[] {
    const value = this.#get(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) this.#wrong(name, 'array');
    return value.map((item: unknown, index) => new Fields(item, `${this.#path}.${name}[${index}]`));
  }

  /** An object whose members are objects. */
  objectMap(name: string): ReadonlyMap<string, Fields> {
    const value = this.#get(name);
    if (value === undefined) return new Map();
    if (!isObject(value)) this.#wrong(name, 'object');
    return new Map(Object.entries(value).map(([key, item]) => [key, new Fields(item, `${this.#path}.${name}.${key}`)]));
  }

  /** An object whose members are lists of objects. */
  objectLists(name: string): ReadonlyMap<string, readonly Fields[]> {
    const inner = this.object(name);
    return new Map(this.keys(name).map((key) => [key, inner.objects(key)]));
  }
}
