import { isAbsolute } from 'node:path';
import { CleatError } from '@cleat/schemas';

/** What a claim of the kind `volume` says, with every default filled in. */
export interface ClaimOptions {
  /** Empty: an anonymous volume. */
  readonly name: string;
  readonly target: string;
  readonly readonly: boolean;
  readonly nocopy: boolean;
  readonly subpath: string;
  /** Empty: whatever the volume has, `local` for a new one. */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** The volume goes with the last container that has it. */
  readonly isAnonymous: boolean;
  readonly propagation: string;
}

const PROPAGATIONS: ReadonlySet<string> = new Set(['', 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);

/** Throws `invalid_argument` VOLUME_CLAIM_INVALID. */
export function parseClaimOptions(text: string): ClaimOptions {
  const fields = objectOf(text);
  const name = textOf(fields, 'name');
  const options: ClaimOptions = {
    name,
    target: textOf(fields, 'target'),
    readonly: fields['readonly'] === true,
    nocopy: fields['nocopy'] === true,
    subpath: textOf(fields, 'subpath'),
    driver: textOf(fields, 'driver'),
    options: textsOf(fields, 'options'),
    labels: textsOf(fields, 'labels'),
    isAnonymous: name === '' || fields['anonymous'] === true,
    propagation: textOf(fields, 'propagation'),
  };
  if (!isAbsolute(options.target)) throw invalid(`the target ${JSON.stringify(options.target)} is not an absolute path`);
  if (!PROPAGATIONS.has(options.propagation)) throw invalid(`the propagation ${options.propagation} is unknown`);
  if (options.subpath !== '' && name === '') throw invalid('a subpath needs the name of a volume');
  if (isAbsolute(options.subpath) || options.subpath.split('/').includes('..')) {
    throw invalid('subpath must be a relative path within the volume');
  }
  return options;
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CleatError('invalid_argument', 'VOLUME_CLAIM_INVALID', 'the options of a volume claim are no JSON', { cause: error });
  }
  if (typeof value !== 'object' || value === null) throw invalid('its options are no object');
  return Object.fromEntries(Object.entries(value));
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name] ?? '';
  if (typeof value !== 'string') throw invalid(`${name} is no text`);
  return value;
}

function textsOf(fields: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, string>> {
  const value = fields[name] ?? {};
  if (typeof value !== 'object' || value === null) throw invalid(`${name} is no map of texts`);
  return Object.fromEntries(
    Object.entries(value).map(([key, text]: [string, unknown]) => {
      if (typeof text !== 'string') throw invalid(`${name}.${key} is no text`);
      return [key, text];
    }),
  );
}

function invalid(why: string): CleatError {
  return new CleatError('invalid_argument', 'VOLUME_CLAIM_INVALID', `the claim of a volume is invalid: ${why}`);
}
