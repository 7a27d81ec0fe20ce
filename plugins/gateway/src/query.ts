import type { FastifyRequest } from 'fastify';
import { badRequest } from './errors.ts';

/** Docker's own reading of a boolean: everything but these is true. */
const FALSE: readonly string[] = ['', '0', 'no', 'false', 'none'];

/** Arguments of a URL; of several with one name the first counts, as in Go. */
export class Query {
  readonly #value: Readonly<Record<string, unknown>>;

  constructor(request: FastifyRequest) {
    const query: unknown = request.query;
    this.#value = typeof query === 'object' && query !== null ? { ...query } : {};
  }

  optional(name: string): string | undefined {
    const value = this.#value[name];
    const first: unknown = Array.isArray(value) ? value[0] : value;
    return typeof first === 'string' ? first : undefined;
  }

  all(name: string): readonly string[] {
    const value = this.#value[name];
    return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
  }

  string(name: string): string {
    return this.optional(name) ?? '';
  }

  boolean(name: string, fallback = false): boolean {
    const value = this.optional(name);
    return value === undefined ? fallback : !FALSE.includes(value.trim().toLowerCase());
  }

  optionalInteger(name: string): number | undefined {
    const value = this.optional(name);
    if (value === undefined || value === '') return undefined;
    const number = Number(value);
    if (!/^[+-]?\d+$/.test(value) || !Number.isSafeInteger(number)) {
      throw badRequest(`invalid value for ${name}: strconv.Atoi: parsing "${value}": invalid syntax`);
    }
    return number;
  }
}

/** A part of the path: `:name`, or the rest below `*`. */
export function pathPart(request: FastifyRequest, name: string): string {
  const params: unknown = request.params;
  const value: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined;
  return typeof value === 'string' ? value : '';
}
