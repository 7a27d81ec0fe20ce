import type { FieldSchema, NamedSchema, Protocol } from './protocol.ts';
import { fullName } from './protocol.ts';

const PRIMITIVES: ReadonlySet<string> = new Set(['string', 'boolean', 'int', 'long', 'float', 'double', 'bytes']);

/** Rules that keep a contract able to grow and safe to decode; an empty list when all hold. */
export function lintProtocol(contract: string, protocol: Protocol): readonly string[] {
  const faults: string[] = [];
  const empty = new Set(
    protocol.types.filter((type) => type.type === 'record' && type.fields?.length === 0).map((type) => nameOf(type, protocol)),
  );
  const seen = new Set<string>();
  for (const type of protocol.types) {
    const name = nameOf(type, protocol);
    if (type.type === 'enum' && type.default !== 'UNKNOWN') faults.push(`${contract}: enum ${name} has no default UNKNOWN`);
    for (const field of type.fields ?? []) {
      faults.push(...lintField(field, { contract, owner: name, namespace: type.namespace ?? protocol.namespace, empty, seen }));
    }
    seen.add(name);
  }
  for (const [operation, message] of Object.entries(protocol.messages)) {
    if (message.request.length !== 1) faults.push(`${contract}.${operation} must take exactly one request record`);
  }
  return faults;
}

interface FieldContext {
  readonly contract: string;
  readonly owner: string;
  readonly namespace: string;
  readonly empty: ReadonlySet<string>;
  readonly seen: ReadonlySet<string>;
}

function nameOf(type: NamedSchema, protocol: Protocol): string {
  return fullName(type.name, type.namespace ?? protocol.namespace);
}

function lintField(field: FieldSchema, context: FieldContext): readonly string[] {
  const where = `${context.contract}: ${context.owner}.${field.name}`;
  return lintType(field.type, where, context);
}

function lintType(schema: unknown, where: string, context: FieldContext): readonly string[] {
  if (typeof schema === 'string') {
    if (schema === 'null') return [`${where}: null alone holds nothing`];
    if (PRIMITIVES.has(schema)) return [];
    const known = context.seen.has(fullName(schema, context.namespace));
    return known ? [] : [`${where}: ${schema} is recursive or not defined before its use`];
  }
  if (Array.isArray(schema)) {
    if (schema.length !== 2 || schema[0] !== 'null') return [`${where}: only unions of null and one type may be used`];
    return lintType(schema[1], where, context);
  }
  if (typeof schema !== 'object' || schema === null) return [`${where}: not a schema`];
  if ('items' in schema) {
    const zeroWidth = typeof schema.items === 'string' && context.empty.has(fullName(schema.items, context.namespace));
    return zeroWidth ? [`${where}: items without width let five bytes fill the memory`] : lintType(schema.items, where, context);
  }
  if ('values' in schema) return lintType(schema.values, where, context);
  return [];
}
