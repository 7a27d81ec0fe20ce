import type { Type } from 'avsc';
import avro from 'avsc';
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

/** Longs that hold nanoseconds since 1970 do not fit a double: they are BigInt here, and only here. */
const NANOSECONDS: Type = avro.types.LongType.__with({
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
class EveryKeyMap extends avro.types.MapType {
  _read(tap: Tap): Readonly<Record<string, unknown>> {
    const values = this.valuesType as unknown as Reader;
    const result: Record<string, unknown> = Object.create(null);
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

function typeHook(schema: unknown, options: object): Type | undefined {
  if (typeof schema !== 'object' || schema === null || !('type' in schema)) return undefined;
  if (schema.type === 'long' && 'logicalType' in schema && schema.logicalType === 'timestamp-nanos') return NANOSECONDS;
  if (schema.type === 'map') return new EveryKeyMap(schema as never, options as never);
  return undefined;
}

/** The Avro type of a schema (JSON), with Cleat's readings of maps and of nanoseconds. */
export function compileType(schema: unknown, registry: Record<string, Type> = {}): Type {
  return avro.Type.forSchema(schema as never, { registry, typeHook: typeHook as never, wrapUnions: false } as never);
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
        throw new CleatError('invalid_argument', 'SCHEMA_MISMATCH', `these bytes are not a ${type.name}: ${reason}`, {
          cause,
        });
      }
    },
  };
}
