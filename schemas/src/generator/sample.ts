import { qualified } from '../self-contained.ts';
import type { FieldSchema, NamedSchema, Protocol } from './protocol.ts';

/** A value of every record: `full` has something in every field, `least` only what has no default. */
export type SampleFill = 'full' | 'least';

const NANOSECONDS = 1_790_000_000_123_456_789n;
/** More than 32 bits hold, so that a decoder which stops there is found out. */
const LONG = 1_099_511_627_776;

/** Makes a sample value of a record, the same at every call. */
export function sampleOf(protocol: Protocol, name: string, fill: SampleFill): Readonly<Record<string, unknown>> {
  const types = new Map(protocol.types.map((type) => [qualified(type.name, type.namespace ?? protocol.namespace), type] as const));

  const record = (type: NamedSchema): Readonly<Record<string, unknown>> => {
    const namespace = type.namespace ?? protocol.namespace;
    const fields = (type.fields ?? []).filter((field) => fill === 'full' || field.default === undefined);
    return Object.fromEntries(fields.map((field) => [field.name, value(field.type, namespace, field)]));
  };

  const named = (text: string, namespace: string, field: FieldSchema): unknown => {
    const type = types.get(qualified(text, namespace));
    if (type === undefined) return primitive(text, field);
    return type.type === 'enum' ? type.symbols?.at(-1) : record(type);
  };

  const value = (schema: unknown, namespace: string, field: FieldSchema): unknown => {
    if (typeof schema === 'string') return named(schema, namespace, field);
    if (Array.isArray(schema)) return value(schema[1], namespace, field);
    if (typeof schema !== 'object' || schema === null || !('type' in schema)) throw new Error(`${field.name}: no schema`);
    if ('items' in schema) return [1, 2].map(() => value(schema.items, namespace, field));
    if ('values' in schema) return { 'a.key/ключ': value(schema.values, namespace, field) };
    if ('logicalType' in schema && schema.logicalType === 'timestamp-nanos') return NANOSECONDS;
    return value(schema.type, namespace, field);
  };

  const type = types.get(name);
  if (type === undefined) throw new Error(`${name} is not in ${protocol.namespace}`);
  return record(type);
}

function primitive(name: string, field: FieldSchema): unknown {
  switch (name) {
    case 'string':
      return `${field.name} é 𝄞`;
    case 'boolean':
      return field.default !== true;
    case 'int':
      return -70_000;
    case 'long':
      return LONG;
    case 'float':
    case 'double':
      return 0.5;
    case 'bytes':
      return Buffer.from([0, 1, 127, 128, 255]);
    default:
      throw new Error(`${field.name}: no sample for the type ${name}`);
  }
}

/** A decoded value as JSON that any language can write: bytes in hex, nanoseconds as text, everything else as it is. */
export function neutral(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map((item: unknown) => neutral(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]: [string, unknown]) => [key, neutral(inner)]));
}
