import { CleatError } from '@cleat/schemas';
import { Identity } from './identity.ts';

/** What opens one connection. A secret. */
export interface Credentials {
  /** The public key of the account it opens. */
  readonly accountKey: string;
  readonly jwt: string;
  /** The user's seed, which signs the server's challenge; absent when the token alone admits. */
  readonly seed?: string | undefined;
}

/** The two connections of a participant: one that answers, one that calls. */
export interface ParticipantCredentials {
  readonly exporting: Credentials;
  readonly importing: Credentials;
}

/** What the client sends at connect. */
export interface ConnectProof {
  readonly jwt: string;
  readonly nkey?: string;
  readonly sig?: string;
}

/** Answers the server's challenge in some 2 ms; the client library's own signer takes ten times that. */
export function prove(credentials: Credentials, nonce: string | undefined): ConnectProof {
  if (credentials.seed === undefined) return { jwt: credentials.jwt };
  const user = Identity.fromSeed(credentials.seed);
  return { jwt: credentials.jwt, nkey: user.publicKey, sig: user.sign(Buffer.from(nonce ?? '')).toString('base64url') };
}

/** The text of a 0600 file that a participant is handed. */
export function encodeCredentials(credentials: ParticipantCredentials): string {
  return JSON.stringify(credentials);
}

/** Throws `invalid_argument` when the text is not what `encodeCredentials` wrote. */
export function decodeCredentials(text: string): ParticipantCredentials {
  const value: unknown = parse(text);
  if (isRecord(value)) {
    const exporting = credentialsOf(value['exporting']);
    const importing = credentialsOf(value['importing']);
    if (exporting !== undefined && importing !== undefined) return { exporting, importing };
  }
  throw new CleatError('invalid_argument', 'BUS_CREDENTIALS_INVALID', 'the bus credentials cannot be read', {
    hint: 'they are written anew each time the plugin is started by the kernel',
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The caller's error says it without quoting a secret.
    return undefined;
  }
}

function credentialsOf(value: unknown): Credentials | undefined {
  if (!isRecord(value)) return undefined;
  const { accountKey, jwt, seed } = value;
  if (typeof accountKey !== 'string' || typeof jwt !== 'string') return undefined;
  if (seed === undefined) return { accountKey, jwt };
  return typeof seed === 'string' ? { accountKey, jwt, seed } : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
