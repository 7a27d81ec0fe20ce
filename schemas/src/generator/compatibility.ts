import type { Type } from 'avsc';
import { compileType } from '../codec.ts';
import { qualified } from '../self-contained.ts';
import type { FieldSchema, NamedSchema, Protocol } from './protocol.ts';

/** A version of a contract. */
export interface Release {
  /** container@1.0 */
  readonly id: string;
  readonly protocol: Protocol;
}

interface Pair {
  readonly older: Release;
  readonly newer: Release;
}

/**
 * Why two versions of one major cannot talk to each other; empty when they can. Asked of every pair, not of neighbours
 * alone: each side may be any of the versions that were ever released.
 */
export function incompatibilities(older: Release, newer: Release): readonly string[] {
  const pair = { older, newer };
  if (older.protocol.namespace !== newer.protocol.namespace) {
    return [fault(pair, 'the namespace', `changed to ${newer.protocol.namespace}: that is a new major version`)];
  }
  const faults = [...operationFaults(pair), ...typeFaults(pair)];
  // The rules name the field; what they have found already need not be said again in the words of the resolver.
  return faults.length > 0 ? faults : resolverFaults(pair);
}

function fault({ older, newer }: Pair, what: string, why: string): string {
  return `${older.id} -> ${newer.id}: ${what} ${why}`;
}

function operationFaults(pair: Pair): readonly string[] {
  const { older, newer } = pair;
  return Object.entries(older.protocol.messages).flatMap(([name, before]) => {
    const after = newer.protocol.messages[name];
    if (after === undefined) return [fault(pair, `operation ${name}`, 'is gone')];
    const faults: string[] = [];
    const types = (release: Release, type: string): string => qualified(type, release.protocol.namespace);
    if (before.request.map(({ type }) => types(older, type)).join() !== after.request.map(({ type }) => types(newer, type)).join()) {
      faults.push(fault(pair, `operation ${name}`, 'takes another record'));
    }
    if (types(older, before.response) !== types(newer, after.response)) {
      faults.push(fault(pair, `operation ${name}`, 'answers another record'));
    }
    return faults;
  });
}

function typeFaults(pair: Pair): readonly string[] {
  const after = typesByName(pair.newer.protocol);
  return [...typesByName(pair.older.protocol)].flatMap(([name, type]) => {
    const next = after.get(name);
    if (next === undefined) return [fault(pair, name, 'is gone')];
    if (next.type !== type.type) return [fault(pair, name, `was of the type ${type.type} and is ${next.type}`)];
    return type.type === 'enum' ? enumFaults(pair, name, { type, next }) : recordFaults(pair, name, { type, next });
  });
}

interface Change {
  readonly type: NamedSchema;
  readonly next: NamedSchema;
}

function enumFaults(pair: Pair, name: string, { type, next }: Change): readonly string[] {
  const before = type.symbols ?? [];
  const after = next.symbols ?? [];
  const faults: string[] = [];
  if (before.some((symbol, index) => after[index] !== symbol)) {
    faults.push(fault(pair, name, 'lost a symbol or has another order; new ones come last'));
  }
  if (type.default !== next.default) faults.push(fault(pair, name, 'has another default'));
  return faults;
}

function recordFaults(pair: Pair, name: string, { type, next }: Change): readonly string[] {
  const before = type.fields ?? [];
  const after = new Map((next.fields ?? []).map((field) => [field.name, field] as const));
  const known = new Set(before.map((field) => field.name));
  const faults = before.flatMap((field) => fieldFaults(pair, `${name}.${field.name}`, { field, next: after.get(field.name) }));
  for (const field of after.values()) {
    if (!known.has(field.name) && field.default === undefined) {
      faults.push(fault(pair, `${name}.${field.name}`, 'is new and has no default'));
    }
  }
  const kept = (names: Iterable<string>): string => [...names].filter((one) => known.has(one) && after.has(one)).join();
  if (kept(known) !== kept(after.keys())) faults.push(fault(pair, name, 'has its fields in another order'));
  return faults;
}

function fieldFaults(
  pair: Pair,
  name: string,
  { field, next }: { readonly field: FieldSchema; readonly next: FieldSchema | undefined },
): readonly string[] {
  if (next === undefined) {
    return field.default === undefined ? [fault(pair, name, 'is gone, and older readers have no default for it')] : [];
  }
  // Fingerprints leave defaults out, so two schemas that differ there alone are one to every reader.
  if (field.default !== undefined && JSON.stringify(field.default) !== JSON.stringify(next.default)) {
    return [fault(pair, name, 'has another default')];
  }
  return [];
}

/** Fields that went without the version right before having said so (`string @deprecated("use image") reference = ""`). */
export function suddenRemovals(older: Release, newer: Release): readonly string[] {
  const after = typesByName(newer.protocol);
  return [...typesByName(older.protocol)].flatMap(([name, type]) => {
    const kept = new Set((after.get(name)?.fields ?? []).map((field) => field.name));
    return (type.fields ?? [])
      .filter((field) => !kept.has(field.name) && field.deprecated === undefined)
      .map((field) => fault({ older, newer }, `${name}.${field.name}`, 'is gone without having been deprecated'));
  });
}

/** What the Avro implementation itself says of each record, in both directions. */
function resolverFaults(pair: Pair): readonly string[] {
  const before = compiled(pair.older.protocol);
  const after = compiled(pair.newer.protocol);
  return [...before].flatMap(([name, type]) => {
    const next = after.get(name);
    if (next === undefined) return [];
    const forward = whyNot(next, type);
    const backward = whyNot(type, next);
    return [
      ...(forward === undefined ? [] : [fault(pair, name, `cannot be read by the newer one: ${forward}`)]),
      ...(backward === undefined ? [] : [fault(pair, name, `cannot be read by the older one: ${backward}`)]),
    ];
  });
}

function whyNot(reader: Type, writer: Type): string | undefined {
  try {
    reader.createResolver(writer);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function typesByName(protocol: Protocol): ReadonlyMap<string, NamedSchema> {
  return new Map(protocol.types.map((type) => [qualified(type.name, type.namespace ?? protocol.namespace), type] as const));
}

function compiled(protocol: Protocol): ReadonlyMap<string, Type> {
  const registry = {};
  return new Map(
    protocol.types.map((type) => {
      const namespace = type.namespace ?? protocol.namespace;
      return [qualified(type.name, namespace), compileType({ namespace, ...type }, registry)] as const;
    }),
  );
}
