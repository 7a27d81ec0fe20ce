import { EVENT_STREAM, EVENT_SUBJECT, eventSubject, JETSTREAM_PREFIX, LIVE_PREFIX } from './event-subjects.ts';
import type { AccountClaims, AccountExport, AccountImport, AccountLimits, UserClaims } from './jwt.ts';
import { MAX_MESSAGE_BYTES } from './limits.ts';
import { addressSubject, callSubject } from './subjects.ts';

/** A right to call: an address of a provider, all its operations or some. */
export interface CallGrant {
  readonly provider: string;
  readonly address: string;
  readonly ops?: readonly string[] | undefined;
}

/** All that a participant may do as a caller and consumer. */
export interface Grant {
  readonly calls: readonly CallGrant[];
  /** Event types it may see, as `<noun>.<action>` with stars. */
  readonly events: readonly string[];
  /** The node whose events these are; `*` for every one. */
  readonly eventsNode: string;
  /** Whether it may pull from the durable consumer of its name. */
  readonly durable: boolean;
}

export const EMPTY_GRANT: Grant = { calls: [], events: [], eventsNode: '*', durable: false };

/** What is not the kernel's needs few connections: an old and a new instance during an upgrade, with room. */
const LIMITS: AccountLimits = { connections: 8, leafNodes: 0, subscriptions: 512, payloadBytes: MAX_MESSAGE_BYTES };

const STREAM_LIMITS = { storageBytes: -1, streams: 1, consumers: -1 } as const;

/**
 * The account that answers. What it exports never changes, whoever comes: a new statement would drop the answers of all calls in
 * flight. So each export has the importer's key in its subject, checked by the server.
 */
export function exportingClaims(name: string, options: { hasEvents: boolean; revokedAt: number }): AccountClaims {
  const exports: AccountExport[] = [{ name: 'rpc', subject: 'rpc.*.>', type: 'service', keyPosition: 2 }];
  if (options.hasEvents) exports.push(...eventExports());
  return {
    name: `${name}.exporting`,
    exports,
    imports: [],
    limits: options.hasEvents ? { ...LIMITS, stream: STREAM_LIMITS } : LIMITS,
    revocations: revocations(options.revokedAt),
  };
}

function eventExports(): AccountExport[] {
  const service = { type: 'service' } as const;
  return [
    { name: 'pull', subject: `$JS.API.CONSUMER.MSG.NEXT.${EVENT_STREAM}.*`, keyPosition: 7, ...service },
    { name: 'info', subject: `$JS.API.CONSUMER.INFO.${EVENT_STREAM}.*`, keyPosition: 6, ...service },
    { name: 'ack', subject: `$JS.ACK.${EVENT_STREAM}.*.>`, keyPosition: 4, ...service },
    { name: 'live', subject: `${LIVE_PREFIX}>`, type: 'stream' },
  ];
}

/** The account that calls: it imports exactly what the grant names, straight from each provider. Issued anew as needed. */
export function importingClaims(options: {
  readonly name: string;
  readonly ownKey: string;
  readonly grant: Grant;
  readonly keyOf: (participant: string) => string;
  readonly eventsKey: string;
  readonly revokedAt: number;
}): AccountClaims {
  const { ownKey, grant, eventsKey } = options;
  const imports = grant.calls.flatMap((call) => callImports(call, ownKey, options.keyOf(call.provider)));
  for (const pattern of grant.events) {
    const subject = `${LIVE_PREFIX}${eventSubject(grant.eventsNode, pattern)}`;
    imports.push({ name: pattern, subject, account: eventsKey, type: 'stream' });
  }
  if (grant.durable) imports.push(...durableImports(ownKey, eventsKey));
  return {
    name: `${options.name}.importing`,
    exports: [],
    imports: withoutRepeats(imports),
    limits: LIMITS,
    revocations: revocations(options.revokedAt),
  };
}

function callImports(call: CallGrant, ownKey: string, account: string): AccountImport[] {
  const { address, ops } = call;
  const subjects = ops === undefined ? [addressSubject(ownKey, address)] : ops.map((op) => callSubject(ownKey, address, op));
  return subjects.map((subject) => ({ name: subject, subject, account, type: 'service' }));
}

function durableImports(ownKey: string, eventsKey: string): AccountImport[] {
  const consumer = `${EVENT_STREAM}.${ownKey}`;
  return [
    ...['CONSUMER.MSG.NEXT', 'CONSUMER.INFO'].map((verb) => ({
      name: verb,
      subject: `$JS.API.${verb}.${consumer}`,
      localSubject: `${JETSTREAM_PREFIX}.${verb}.${consumer}`,
      account: eventsKey,
      type: 'service' as const,
    })),
    { name: 'ack', subject: `$JS.ACK.${consumer}.>`, account: eventsKey, type: 'service' as const },
  ];
}

/** The server refuses an account that imports one subject twice. */
function withoutRepeats(imports: readonly AccountImport[]): AccountImport[] {
  const bySubject = new Map(imports.map((entry) => [`${entry.account} ${entry.subject}`, entry]));
  return [...bySubject.values()];
}

function revocations(revokedAt: number): ReadonlyMap<string, number> {
  return revokedAt === 0 ? new Map() : new Map([['*', revokedAt]]);
}

/** The second layer: even within its own account a participant gets no more subjects than its part needs. */
export function exportingUser(name: string, options: { hasEvents: boolean; isBearer: boolean }): UserClaims {
  const events = ['$JS.API.>', `${EVENT_SUBJECT}.>`];
  return {
    name,
    publish: options.hasEvents ? ['_R_.>', ...events] : ['_R_.>'],
    subscribe: options.hasEvents ? ['rpc.>', '_INBOX.>'] : ['rpc.>'],
    isBearer: options.isBearer,
  };
}

export function importingUser(name: string, options: { ownKey: string; isBearer: boolean }): UserClaims {
  const consumer = `${EVENT_STREAM}.${options.ownKey}`;
  return {
    name,
    publish: [
      `rpc.${options.ownKey}.>`,
      `${JETSTREAM_PREFIX}.CONSUMER.MSG.NEXT.${consumer}`,
      `${JETSTREAM_PREFIX}.CONSUMER.INFO.${consumer}`,
      `$JS.ACK.${consumer}.>`,
    ],
    subscribe: ['_INBOX.>', `${LIVE_PREFIX}>`],
    isBearer: options.isBearer,
  };
}

export const SYSTEM_CLAIMS: AccountClaims = {
  name: 'system',
  exports: [],
  imports: [],
  limits: { connections: -1, leafNodes: 0, subscriptions: -1, payloadBytes: -1 },
  revocations: new Map(),
};

export const SYSTEM_USER: UserClaims = {
  name: 'system',
  publish: ['$SYS.REQ.CLAIMS.UPDATE', '$SYS.REQ.CLAIMS.DELETE'],
  subscribe: ['$SYS.ACCOUNT.*.DISCONNECT', '_INBOX.>'],
  isBearer: false,
};

/** The one account that a leaf connection to an outer NATS opens: what is in it is shared with that NATS, and nothing else is. */
export const OUTER_CLAIMS: AccountClaims = {
  name: 'outer',
  exports: [],
  imports: [],
  limits: { connections: 64, leafNodes: 4, subscriptions: -1, payloadBytes: -1 },
  revocations: new Map(),
};

/** Of JetStream what streams and key-value buckets need. Not `$JS.API.ACCOUNT`: servers before 2.10.27 purge any account by it. */
const OUTER_JETSTREAM = ['$JS.API.INFO', '$JS.API.STREAM.>', '$JS.API.CONSUMER.>', '$JS.API.DIRECT.>', '$JS.ACK.>'];

export const OUTER_USER: UserClaims = {
  name: 'outer',
  publish: ['cleat.>', '$KV.>', '_INBOX.>', '$JS.FC.>', ...OUTER_JETSTREAM],
  subscribe: ['cleat.>', '$KV.>', '_INBOX.>'],
  isBearer: false,
};
