import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { parse } from 'yaml';
import { isObject, type JsonObject, objectAt, stringAt } from '../src/wire/json.ts';

// Moby's description of the API (Apache-2.0), as published for version 1.55.
const SPEC = new URL('../../test/data/docker-engine-api-v1.55.yaml', import.meta.url);

/** Where dockerd writes null, though its description does not say so. */
const NULLS: ReadonlySet<string> = new Set(['MemorySwappiness', 'OomKillDisable', 'PidsLimit', 'ExitCode']);

/** Go writes null for an empty list or map, whatever the description says; formats are its own names. */
function toSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSchema);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([name]) => !['example', 'examples', 'format', 'description', 'title'].includes(name));
  const schema: Record<string, unknown> = Object.fromEntries(
    entries.map(([name, member]) => [name, NULLS.has(name) ? toSchema(nullable(member)) : toSchema(member)]),
  );
  const isNullable = schema['x-nullable'] === true || schema['type'] === 'array' || schema['type'] === 'object';
  if (typeof schema['type'] === 'string' && isNullable && schema['x-nullable'] !== false) {
    return { ...schema, type: [schema['type'], 'null'], ...withNull(schema['enum']) };
  }
  return schema['$ref'] !== undefined && schema['x-nullable'] === true ? { anyOf: [{ $ref: schema['$ref'] }, { type: 'null' }] } : schema;
}

function withNull(values: unknown): { readonly enum?: readonly unknown[] } {
  if (!Array.isArray(values)) return {};
  const known: readonly unknown[] = values;
  return { enum: [...known, null] };
}

function nullable(value: unknown): unknown {
  return isObject(value) && typeof value['type'] === 'string' ? { ...value, 'x-nullable': true } : value;
}

/** Answers of the API, checked against its description. */
export class ApiSpec {
  readonly #document: JsonObject;
  readonly #definitions: unknown;
  readonly #ajv = new Ajv({ strict: false, allErrors: true });
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor() {
    const document: unknown = parse(readFileSync(SPEC, 'utf8'));
    if (!isObject(document)) throw new Error('the description of the API cannot be read');
    this.#document = document;
    this.#definitions = toSchema(document['definitions']);
  }

  /** What is wrong with an answer: empty when nothing is. */
  problems(method: string, path: string, status: number, value: unknown): readonly string[] {
    const schema = this.#responseSchema(method, path, status);
    const key = `${method} ${path} ${status}`;
    let validate = this.#compiled.get(key);
    if (validate === undefined) {
      const whole = toSchema(schema);
      validate = this.#ajv.compile({ ...(isObject(whole) ? whole : {}), definitions: this.#definitions });
      this.#compiled.set(key, validate);
    }
    validate(value);
    const wrong = (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`);
    return [...wrong, ...this.#unknown(schema, value, '')];
  }

  #responseSchema(method: string, path: string, status: number): JsonObject {
    const operation = objectAt(objectAt(objectAt(this.#document, 'paths'), path), method.toLowerCase());
    const schema = objectAt(objectAt(objectAt(operation, 'responses'), String(status)), 'schema');
    if (Object.keys(schema).length === 0) throw new Error(`the API says nothing of ${method} ${path} ${status}`);
    return schema;
  }

  #resolved(schema: JsonObject): JsonObject {
    const reference = stringAt(schema, '$ref').replace('#/definitions/', '');
    return reference === '' ? schema : this.#resolved(objectAt(objectAt(this.#document, 'definitions'), reference));
  }

  #properties(schema: JsonObject): JsonObject {
    const own = this.#resolved(schema);
    const parts = Array.isArray(own['allOf']) ? own['allOf'].filter(isObject) : [];
    const all = [...parts.map((part) => this.#properties(part)), objectAt(own, 'properties')];
    return Object.fromEntries(all.flatMap((properties) => Object.entries(properties)));
  }

  /** Members that the description does not have: a misspelt one is valid to a schema that allows more. */
  #unknown(schema: JsonObject, value: unknown, path: string): readonly string[] {
    const own = this.#resolved(schema);
    if (Array.isArray(value)) {
      const items = own['items'];
      return isObject(items) ? value.flatMap((item, index) => this.#unknown(items, item, `${path}/${index}`)) : [];
    }
    if (!isObject(value)) return [];
    const more = own['additionalProperties'];
    if (isObject(more)) return Object.entries(value).flatMap(([name, member]) => this.#unknown(more, member, `${path}/${name}`));
    const properties = this.#properties(schema);
    if (Object.keys(properties).length === 0) return [];
    return Object.entries(value).flatMap(([name, member]) => {
      const property = properties[name];
      return isObject(property) ? this.#unknown(property, member, `${path}/${name}`) : [`${path}/${name} is not in the description`];
    });
  }
}
