import { usageError } from '../command/usage-error.ts';
import { isRecord } from '../output/json.ts';
import { nowNs, parseTime } from '../output/time.ts';

/** What of an Avro type is looked at here; it is the codec that checks the values. */
interface TypeShape {
  readonly typeName: string;
  readonly fields?: readonly { readonly name: string; readonly type: TypeShape }[];
  readonly itemsType?: TypeShape;
  readonly valuesType?: TypeShape;
  readonly types?: readonly TypeShape[];
}

/** Times, which are the only longs that JSON cannot hold, have a type of their own. */
const TIME = 'abstract:long';

/**
 * A JSON value as the record of a contract: times from text or null, bytes from base64 ("cleat help json"). Everything else is left as it
 * is, for the codec to accept or to refuse. Throws USAGE for fields that the record does not have: a typing error must not pass as a default.
 */
export function recordFromJson(value: unknown, type: unknown, path = ''): unknown {
  if (!isTypeShape(type)) return value;
  if (type.typeName === TIME) return timeFrom(value, path);
  if (type.typeName === 'bytes') return typeof value === 'string' ? Buffer.from(value, 'base64') : value;
  if (type.fields !== undefined && isRecord(value)) return fieldsFrom(value, type.fields, path);
  if (type.itemsType !== undefined && Array.isArray(value))
    return value.map((item, index) => recordFromJson(item, type.itemsType, `${path}[${index}]`));
  if (type.valuesType !== undefined && isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, recordFromJson(item, type.valuesType, join(path, name))]));
  }
  if (type.types !== undefined && value !== null) {
    const branch = type.types.find(({ typeName }) => typeName !== 'null');
    return recordFromJson(value, branch, path);
  }
  return value;
}

function fieldsFrom(value: Readonly<Record<string, unknown>>, fields: NonNullable<TypeShape['fields']>, path: string): unknown {
  const types = new Map(fields.map(({ name, type }) => [name, type]));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      if (!types.has(name))
        throw usageError(
          `the request has no field ${join(path, name)}`,
          `It has ${[...types.keys()].map((known) => join(path, known)).join(', ') || 'none'}.`,
        );
      return [name, recordFromJson(field, types.get(name), join(path, name))];
    }),
  );
}

function timeFrom(value: unknown, path: string): unknown {
  if (value === null) return 0n;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  const time = typeof value === 'string' ? parseTime(value, nowNs()) : undefined;
  if (time === undefined) throw usageError(`${path} is no time`, 'Text of RFC 3339, "2026-03-01T12:00:00Z", or null.');
  return time;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function isTypeShape(type: unknown): type is TypeShape {
  return typeof type === 'object' && type !== null && 'typeName' in type && typeof type.typeName === 'string';
}
