import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Type } from 'avsc';
import type { Codec } from './codec.ts';
import { codecOf, compileType, fingerprintOf } from './codec.ts';
import { CleatError } from './errors.ts';
import type { Contracts } from './generated/contracts.ts';
import { qualified, selfContained } from './self-contained.ts';
import { compareVersions } from './version.ts';

const RELEASED = fileURLToPath(new URL('../../released', import.meta.url));

/** A contract as JSON (Avro specification, "Protocol Declaration"). */
export interface ProtocolDocument {
  readonly protocol: string;
  readonly namespace: string;
  readonly types: readonly { readonly name: string; readonly namespace?: string }[];
  readonly messages: Readonly<Record<string, { readonly request: readonly { readonly type: string }[]; readonly response: string }>>;
}

/** The two codecs of one operation. */
export interface OperationCodecs<Input, Request, Response, Answer> {
  readonly request: Codec<Request, Input>;
  readonly response: Codec<Response, Answer>;
}

type OperationOf<C extends keyof Contracts, O extends keyof Contracts[C]> = Contracts[C][O] extends {
  readonly input: infer Input;
  readonly request: infer Request;
  readonly response: infer Response;
  readonly answer: infer Answer;
}
  ? OperationCodecs<Input, Request, Response, Answer>
  : never;

/** A schema and where it comes from. */
export interface PublishedSchema {
  /** Empty for a schema that was published by itself. */
  readonly contract: string;
  readonly version: string;
  /** Full name of the record. */
  readonly name: string;
  /** Avro schema that stands alone: whoever has it needs nothing else to read the record. */
  readonly schema: Readonly<Record<string, unknown>>;
}

interface Published {
  readonly type: Type;
  readonly contract: string;
  readonly version: string;
  readonly schema: () => Readonly<Record<string, unknown>>;
}

interface Version {
  readonly document: ProtocolDocument;
  readonly types: Map<string, Type>;
}

/**
 * Every schema that a process knows: Cleat's released contracts, read from this package when first used, and those that
 * plugins published. Not a cache of messages: it holds compiled types, one a record that was used.
 */
export class SchemaBook {
  readonly #versions = new Map<string, Version>();
  readonly #codecs = new Map<string, Codec<unknown, unknown>>();
  readonly #published = new Map<string, Published>();
  #index: Readonly<Record<string, readonly [string, string, string]>> | undefined;

  /** Versions of a contract that this process can speak, lowest first; empty for one it does not know. */
  versionsOf(contract: string): readonly string[] {
    const released = listReleases(contract);
    const own = [...this.#versions.keys()].filter((key) => key.startsWith(`${contract}@`)).map((key) => key.slice(contract.length + 1));
    return [...new Set([...released, ...own])].sort(compareVersions);
  }

  /** The codecs of an operation in a version (the highest one without). Throws `unimplemented` OPERATION_UNKNOWN. */
  operation<C extends keyof Contracts, O extends keyof Contracts[C] & string>(contract: C, name: O, version?: string): OperationOf<C, O> {
    return this.anyOperation(contract, name, version) as OperationOf<C, O>;
  }

  /** As `operation`, for a contract that is known only when the program runs. */
  anyOperation(contract: string, name: string, version?: string): OperationCodecs<unknown, unknown, unknown, unknown> {
    const chosen = version ?? this.versionsOf(contract).at(-1);
    const document = chosen === undefined ? undefined : this.#version(contract, chosen)?.document;
    const message = document?.messages[name];
    if (chosen === undefined || document === undefined || message === undefined) {
      throw new CleatError('unimplemented', 'OPERATION_UNKNOWN', `${contract}${chosen ? `@${chosen}` : ''} has no operation ${name}`);
    }
    const requestType = message.request[0]?.type ?? 'cleat.common.v1.Empty';
    return {
      request: this.record(contract, qualified(requestType, document.namespace), chosen),
      response: this.record(contract, qualified(message.response, document.namespace), chosen),
    };
  }

  /** The operations of a contract. */
  operationsOf(contract: string, version?: string): readonly string[] {
    const chosen = version ?? this.versionsOf(contract).at(-1);
    return chosen === undefined ? [] : Object.keys(this.#version(contract, chosen)?.document.messages ?? {});
  }

  /** The codec of a record by its full name, in a version of its contract (the highest one without). */
  record<T, In = T>(contract: string, fullName: string, version?: string): Codec<T, In> {
    const chosen = version ?? this.versionsOf(contract).at(-1) ?? '1.0';
    const key = `${contract}@${chosen}/${fullName}`;
    const known = this.#codecs.get(key);
    if (known !== undefined) return known as Codec<T, In>;
    const codec = codecOf<T, In>(this.#type(contract, chosen, fullName));
    this.#codecs.set(key, codec as Codec<unknown, unknown>);
    return codec;
  }

  /**
   * Decodes what a peer of another version wrote: by the fingerprint that its header names, into the version that `own` is.
   * Throws `unavailable` SCHEMA_UNKNOWN (retryable, after reading the registry) for a fingerprint that nobody published.
   */
  decode<T, In>(own: Codec<T, In>, fingerprint: string, bytes: Uint8Array): T {
    if (fingerprint === '' || fingerprint === own.fingerprint) return own.decode(bytes);
    const key = `${fingerprint}>${own.name}@${own.fingerprint}`;
    const known = this.#codecs.get(key);
    if (known !== undefined) return known.decode(bytes) as T;
    const writer = this.typeOf(fingerprint);
    if (writer.name !== own.name) {
      throw new CleatError('invalid_argument', 'SCHEMA_MISMATCH', `expected ${own.name}, got ${writer.name}`);
    }
    const reader = this.#typeByFingerprint(own.fingerprint);
    const codec = codecOf<unknown>(writer, reader);
    this.#codecs.set(key, codec);
    return codec.decode(bytes) as T;
  }

  /** The Avro type of a fingerprint. Throws SCHEMA_UNKNOWN. */
  typeOf(fingerprint: string): Type {
    return this.#typeByFingerprint(fingerprint);
  }

  /** The schema of a fingerprint, complete in itself. Throws SCHEMA_UNKNOWN. */
  schemaOf(fingerprint: string): PublishedSchema {
    const published = this.#published.get(fingerprint);
    if (published !== undefined) {
      const { contract, version, type, schema } = published;
      return { contract, version, name: type.name ?? '', schema: schema() };
    }
    const entry = this.#releasedIndex()[fingerprint];
    const document = entry === undefined ? undefined : this.#version(entry[0], entry[1])?.document;
    if (entry === undefined || document === undefined) throw schemaUnknown(fingerprint);
    const [contract, version, name] = entry;
    return { contract, version, name, schema: selfContained(document, name) };
  }

  /** True when `decode` would find the fingerprint. */
  knows(fingerprint: string): boolean {
    return this.#published.has(fingerprint) || this.#releasedIndex()[fingerprint] !== undefined;
  }

  /** Contract, version and full name of a released fingerprint. */
  whatIs(fingerprint: string): { readonly contract: string; readonly version: string; readonly name: string } | undefined {
    const entry = this.#releasedIndex()[fingerprint];
    return entry === undefined ? undefined : { contract: entry[0], version: entry[1], name: entry[2] };
  }

  /** Adds a contract that a plugin published; an own released one cannot be replaced. */
  publish(contract: string, version: string, document: ProtocolDocument): void {
    if (listReleases(contract).includes(version)) return;
    const registry = {};
    const types = new Map<string, Type>();
    for (const schema of document.types) {
      const type = compileType({ namespace: document.namespace, ...schema }, registry);
      const name = qualified(schema.name, schema.namespace ?? document.namespace);
      types.set(name, type);
      const published = { type, contract, version, schema: () => selfContained(document, name) };
      this.#published.set(fingerprintOf(type), published);
    }
    this.#versions.set(`${contract}@${version}`, { document, types });
  }

  /** Adds one schema by itself, as the registry gives it. */
  publishSchema(schema: unknown): string {
    const type = compileType(schema);
    const fingerprint = fingerprintOf(type);
    // A named type is an object: what has just compiled and has a name is one.
    const own = (): Readonly<Record<string, unknown>> => schema as Readonly<Record<string, unknown>>;
    this.#published.set(fingerprint, { type, contract: '', version: '', schema: own });
    return fingerprint;
  }

  #releasedIndex(): Readonly<Record<string, readonly [string, string, string]>> {
    this.#index ??= JSON.parse(readFileSync(join(RELEASED, 'index.json'), 'utf8')) as Readonly<
      Record<string, readonly [string, string, string]>
    >;
    return this.#index;
  }

  #typeByFingerprint(fingerprint: string): Type {
    const published = this.#published.get(fingerprint);
    if (published !== undefined) return published.type;
    const entry = this.#releasedIndex()[fingerprint];
    if (entry !== undefined) return this.#type(entry[0], entry[1], entry[2]);
    throw schemaUnknown(fingerprint);
  }

  #type(contract: string, version: string, fullName: string): Type {
    const type = this.#version(contract, version)?.types.get(fullName);
    if (type === undefined) throw new CleatError('internal', 'SCHEMA_UNKNOWN', `${contract}@${version} has no record ${fullName}`);
    return type;
  }

  #version(contract: string, version: string): Version | undefined {
    const key = `${contract}@${version}`;
    const known = this.#versions.get(key);
    if (known !== undefined) return known;
    if (!listReleases(contract).includes(version)) return undefined;
    const document = JSON.parse(readFileSync(join(RELEASED, contract, `${version}.json`), 'utf8')) as ProtocolDocument;
    const registry = {};
    const types = new Map<string, Type>();
    for (const schema of document.types) {
      const type = compileType({ namespace: document.namespace, ...schema }, registry);
      types.set(qualified(schema.name, schema.namespace ?? document.namespace), type);
    }
    const loaded = { document, types };
    this.#versions.set(key, loaded);
    return loaded;
  }
}

const releases = new Map<string, readonly string[]>();

function listReleases(contract: string): readonly string[] {
  const known = releases.get(contract);
  if (known !== undefined) return known;
  let names: readonly string[] = [];
  if (/^[a-z][a-z0-9-]*$/.test(contract)) {
    try {
      names = readdirSync(join(RELEASED, contract))
        .filter((name) => name.endsWith('.json'))
        .map((name) => name.slice(0, -5))
        .sort(compareVersions);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  releases.set(contract, names);
  return names;
}

function schemaUnknown(fingerprint: string): CleatError {
  return new CleatError('unavailable', 'SCHEMA_UNKNOWN', `no schema with the fingerprint ${fingerprint} is known here`, {
    retryable: true,
    hint: 'Read the registry again; the sender may have been upgraded.',
  });
}
