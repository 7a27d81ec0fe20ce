import { createHash } from 'node:crypto';
import { CleatError } from '@cleat/schemas';
import { encodeBase32 } from './base32.ts';
import type { Identity } from './identity.ts';

/** A subject space that an account lets others import. */
export interface AccountExport {
  readonly name: string;
  readonly subject: string;
  readonly type: 'service' | 'stream';
  /** The token (from 1) of the subject that must be the importing account's key. The server checks it. */
  readonly keyPosition?: number | undefined;
}

/** What an account takes from another one. */
export interface AccountImport {
  readonly name: string;
  /** The subject in the exporting account. */
  readonly subject: string;
  /** The exporting account's key. */
  readonly account: string;
  readonly type: 'service' | 'stream';
  /** The subject here, when it is another one. */
  readonly localSubject?: string | undefined;
}

export interface AccountLimits {
  readonly connections: number;
  readonly leafNodes: number;
  readonly subscriptions: number;
  readonly payloadBytes: number;
  /** JetStream; none when absent. */
  readonly stream?: { readonly storageBytes: number; readonly streams: number; readonly consumers: number } | undefined;
}

export interface AccountClaims {
  readonly name: string;
  readonly exports: readonly AccountExport[];
  readonly imports: readonly AccountImport[];
  readonly limits: AccountLimits;
  /** Users (or `*`) whose credentials count no more when issued at that second or before. */
  readonly revocations: ReadonlyMap<string, number>;
}

/** What a user may do. Allow-lists only, never empty: a deny rule has had bypasses, and an absent list allows everything. */
export interface UserClaims {
  readonly name: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** The token alone admits: for programs that can't sign. Loopback only. */
  readonly isBearer: boolean;
}

const HEADER: string = base64url(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' }));
const UNLIMITED = -1;

/** The self-signed statement that the server trusts. */
export function mintOperator(operator: Identity, name: string, issuedAt: number): string {
  return mint(operator, operator.publicKey, name, issuedAt, { type: 'operator', version: 2 });
}

export function mintAccount(operator: Identity, accountKey: string, claims: AccountClaims, issuedAt: number): string {
  return mint(operator, accountKey, claims.name, issuedAt, {
    type: 'account',
    version: 2,
    exports: claims.exports.map(exportClaim),
    imports: claims.imports.map(importClaim),
    limits: limitClaims(claims.limits),
    default_permissions: { pub: {}, sub: {} },
    ...(claims.revocations.size === 0 ? {} : { revocations: Object.fromEntries(claims.revocations) }),
  });
}

export function mintUser(account: Identity, userKey: string, claims: UserClaims, issuedAt: number): string {
  if (claims.publish.length === 0 || claims.subscribe.length === 0) {
    throw new CleatError('internal', 'BUS_CLAIMS_OPEN', `an empty list would let ${claims.name} use every subject`);
  }
  return mint(account, userKey, claims.name, issuedAt, {
    type: 'user',
    version: 2,
    pub: { allow: claims.publish },
    sub: { allow: claims.subscribe },
    subs: UNLIMITED,
    data: UNLIMITED,
    payload: UNLIMITED,
    ...(claims.isBearer ? { bearer_token: true } : {}),
  });
}

/** The request to forget accounts, for `$SYS.REQ.CLAIMS.DELETE`. */
export function mintDeletion(operator: Identity, accountKeys: readonly string[], issuedAt: number): string {
  return mint(operator, operator.publicKey, 'delete', issuedAt, { type: 'generic', version: 2, accounts: accountKeys });
}

function exportClaim(entry: AccountExport): object {
  return {
    name: entry.name,
    subject: entry.subject,
    type: entry.type,
    // A singleton's reply path ends with its first message; progress and pulled batches need more than one.
    ...(entry.type === 'service' ? { response_type: 'Stream' } : {}),
    ...(entry.keyPosition === undefined ? {} : { account_token_position: entry.keyPosition }),
  };
}

function importClaim(entry: AccountImport): object {
  return {
    name: entry.name,
    subject: entry.subject,
    account: entry.account,
    type: entry.type,
    ...(entry.localSubject === undefined ? {} : { local_subject: entry.localSubject }),
  };
}

function limitClaims(limits: AccountLimits): object {
  return {
    conn: limits.connections,
    leaf: limits.leafNodes,
    subs: limits.subscriptions,
    payload: limits.payloadBytes,
    data: UNLIMITED,
    imports: UNLIMITED,
    exports: UNLIMITED,
    wildcards: true,
    ...(limits.stream === undefined
      ? {}
      : { disk_storage: limits.stream.storageBytes, streams: limits.stream.streams, consumer: limits.stream.consumers }),
  };
}

function mint(issuer: Identity, subject: string, name: string, issuedAt: number, nats: object): string {
  const claims = { jti: '', iat: issuedAt, iss: issuer.publicKey, name, sub: subject, nats };
  const jti = encodeBase32(createHash('sha512-256').update(JSON.stringify(claims)).digest());
  const body = `${HEADER}.${base64url(JSON.stringify({ ...claims, jti }))}`;
  return `${body}.${issuer.sign(Buffer.from(body)).toString('base64url')}`;
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
