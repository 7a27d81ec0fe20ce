import { codecOf, compileType } from '../codec.ts';
import { selfContained } from '../self-contained.ts';
import type { ContractFile } from './protocol.ts';
import { fullName } from './protocol.ts';
import { neutral, sampleOf } from './sample.ts';

/** A payload in hex, and what it says. */
export interface GoldenSample {
  readonly bytes: string;
  readonly value: unknown;
}

/** Payloads of a record as they are on the wire, and what each of them says. */
export interface GoldenRecord {
  readonly fingerprint: string;
  readonly samples: readonly GoldenSample[];
}

/**
 * Golden payloads of the records that a contract defines itself. They are written once a version and read by every later
 * one, and by decoders of other languages: what was once sent stays readable.
 */
export function goldenOf({ protocol }: ContractFile): Readonly<Record<string, GoldenRecord>> {
  const own = protocol.types.filter((type) => type.type === 'record' && (type.namespace ?? protocol.namespace) === protocol.namespace);
  return Object.fromEntries(
    own.map((type) => {
      const name = fullName(type.name, protocol.namespace);
      const codec = codecOf<unknown>(compileType(selfContained(protocol, name)));
      const samples = (['full', 'least'] as const).map((fill) => {
        const bytes = codec.encode(sampleOf(protocol, name, fill));
        return { bytes: bytes.toString('hex'), value: neutral(codec.decode(bytes)) };
      });
      return [name, { fingerprint: codec.fingerprint, samples }];
    }),
  );
}
