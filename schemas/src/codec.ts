import { createRequire } from 'node:module';
import type avsc from 'avsc';
import type { Type } from 'avsc';
import { CleatError } from './errors.ts';

/** Encodes and decodes one record type of a contract. `T` is what decoding gives, `In` what encoding takes (defaults may be left out). */
export interface Codec<T, In = T> {
  /** Full Avro name: cleat.container.v1.CreateRequest. */
  readonly name: string;
  /** First 16 hex digits of the SHA-256 fingerprint of the canonical form (Avro specification, "Parsing Canonical Form"). */
  readonly fingerprint: string;
  /** Throws CleatError `invalid_argument` SCHEMA_MISMATCH that names the first field that does not fit. */
  encode(value: In): Buffer;
  /** Throws CleatError `invalid_argument` SCHEMA_MISMATCH on bytes that are not exactly one value of the type. */
  decode(bytes: Uint8Array): T;
}

const FINGERPRINT_DIGITS = 16;

/** avsc with Cleat's readings of two types. */
interface Avro {
  readonly library: typeof avsc;
  readonly nanoseconds: Type;
  readonly mapOf: (schema: unknown, options: unknown) => Type;
}

let loaded: Avro | undefined;

/** Loaded by the first codec: it costs 20 ms and 5 MB, and processes that only need the error class never make one. */
function avro(): Avro {
  if (loaded !== undefined) return loaded;
  const library: unknown = createRequire(import.meta.url)('avsc');
  if (!isAvsc(library)) throw new CleatError('internal', 'SCHEMA_LIBRARY', 'the avsc package does not offer Type and types');
  loaded = { library, nanoseconds: nanosecondsOf(library), mapOf: everyKeyMapOf(library) };
  return loaded;
}

function isAvsc(value: unknown): value is typeof avsc {
  return typeof value === 'object' && value !== null && 'Type' in value && 'types' in value;
}

/** Longs that hold nanoseconds since 1970 do not fit a double: they are BigInt here, and only here. */
function nanosecondsOf(library: typeof avsc): Type {
  return library.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(value);
      return bytes;
    },
    fromJSON: (value: number | string) => BigInt(value),
    toJSON: (value: bigint) => Number(value),
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (left: bigint, right: bigint) => (left === right ? 0 : left < right ? -1 : 1),
  });
}

interface Tap {
  readBoolean(): boolean;
  readLong(): number;
  readString(): string;
  isValid(): boolean;
}

/** Reads values; every avsc type has it, though its typings leave it out. */
interface Reader {
  _read(tap: Tap): unknown;
}

/** Docker labels may be called `__proto__`; in a plain object that key would vanish (tested in codec.test.ts). */
function everyKeyMapOf(library: typeof avsc): Avro['mapOf'] {
  class EveryKeyMap extends library.types.MapType {
    _read(tap: Tap): Readonly<Record<string, unknown>> {
      const values = this.valuesType as unknown as Reader;
      const result = Object.create(null) as Record<string, unknown>;
      for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
        if (count < 0) {
          count = -count;
          tap.readLong();
        }
        while (count-- > 0 && tap.isValid()) result[tap.readString()] = values._read(tap);
        if (!tap.isValid()) break;
      }
      return result;
    }
  }
  return (schema, options) => new EveryKeyMap(schema as never, options as never);
}

function typeHook(schema: unknown, options: object): Type | undefined {
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) return undefined;
  if (schema.type === 'long' && 'logicalType' in schema && schema.logicalType === 'timestamp-nanos') return avro().nanoseconds;
  if (schema.type === 'map') return avro().mapOf(schema, options);
  return undefined;
}

/** The Avro type of a schema (JSON), with Cleat's readings of maps and of nanoseconds. */
export function compileType(schema: unknown, registry: Record<string, Type> = {}): Type {
  return avro().library.Type.forSchema(schema as never, { registry, typeHook: typeHook as never, wrapUnions: false } as never);
}

/** First 16 hex digits of the type's SHA-256 fingerprint. */
export function fingerprintOf(type: Type): string {
  return type.fingerprint('sha256').toString('hex').slice(0, FINGERPRINT_DIGITS);
}

function mismatch(type: Type, value: unknown): CleatError {
  const paths: string[] = [];
  type.isValid(value, {
    errorHook: (path: readonly string[], part: unknown) => {
      if (paths.length < 3) paths.push(`${path.join('.') || '(value)'}: ${describe(part)}`);
    },
  } as never);
  return new CleatError(
    'invalid_argument',
    'SCHEMA_MISMATCH',
    `not a ${type.name ?? 'value of its type'}: ${paths.join('; ') || 'wrong shape'}`,
  );
}

function describe(part: unknown): string {
  if (part === undefined) return 'missing';
  const text = typeof part === 'bigint' ? `${part}n` : JSON.stringify(part);
  return `${(text ?? typeof part).slice(0, 60)} does not fit`;
}

/** A codec for an Avro type; with `reader`, values are decoded into that newer or older version of the record. */
export function codecOf<T, In = T>(type: Type, reader?: Type): Codec<T, In> {
  const resolver = reader === undefined ? undefined : reader.createResolver(type);
  const target = reader ?? type;
  return {
    name: type.name ?? '',
    fingerprint: fingerprintOf(type),
    encode(value) {
      try {
        return type.toBuffer(value);
      } catch {
        throw mismatch(type, value);
      }
    },
    decode(bytes) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      try {
        return target.fromBuffer(buffer, resolver) as T;
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new CleatError('invalid_argument', 'SCHEMA_MISMATCH', `these bytes are not a ${type.name}: ${reason}`, { cause });
      }
    },
  };
}
