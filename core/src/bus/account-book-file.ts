import { CleatError } from '@cleat/schemas';
import type { CallGrant, Grant } from './account-claims.ts';
import { Identity } from './identity.ts';

/** An account and its latest statement. */
export interface HeldAccount {
  readonly identity: Identity;
  issuedAt: number;
  jwt: string;
  /** What the statement says, apart from when and by whom. */
  content: string;
}

export interface HeldParticipant {
  readonly exporting: HeldAccount;
  readonly importing: HeldAccount;
  readonly grant: Grant;
  /** Credentials issued in that second or before are worthless; 0 when none are. */
  readonly revokedAt: number;
}

export interface BookText {
  readonly operator: Identity;
  readonly system: HeldAccount;
  readonly outer: HeldAccount;
  readonly participants: readonly (readonly [string, HeldParticipant])[];
}

const VERSION = 1;

export function encodeBook(book: BookText): string {
  const participants = book.participants.map(([name, entry]) => ({
    name,
    exporting: accountText(entry.exporting),
    importing: accountText(entry.importing),
    grant: entry.grant,
    revokedAt: entry.revokedAt,
  }));
  return `${JSON.stringify(
    { version: VERSION, operator: book.operator.seed, system: accountText(book.system), outer: accountText(book.outer), participants },
    undefined,
    1,
  )}\n`;
}

/** Throws `internal` `BUS_BOOK_UNREADABLE`: with another operator no plugin would be admitted, so none is made up. */
export function decodeBook(text: string): BookText {
  try {
    const book = recordOf(JSON.parse(text));
    if (book['version'] !== VERSION) throw new Error(`its version is ${JSON.stringify(book['version'])}`);
    return {
      operator: Identity.fromSeed(stringOf(book['operator'])),
      system: accountOf(book['system']),
      outer: accountOf(book['outer']),
      participants: arrayOf(book['participants']).map((value) => {
        const entry = recordOf(value);
        return [stringOf(entry['name']), participantOf(entry)] as const;
      }),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CleatError('internal', 'BUS_BOOK_UNREADABLE', `the accounts of the bus cannot be read: ${reason}`, {
      hint: 'with the bus stopped, remove the file: accounts are made anew and plugins are admitted again at their next start',
      cause,
    });
  }
}

function accountText(account: HeldAccount): object {
  const { identity, issuedAt, jwt, content } = account;
  return { seed: identity.seed, issuedAt, jwt, content };
}

function accountOf(value: unknown): HeldAccount {
  const entry = recordOf(value);
  return {
    identity: Identity.fromSeed(stringOf(entry['seed'])),
    issuedAt: numberOf(entry['issuedAt']),
    jwt: stringOf(entry['jwt']),
    content: stringOf(entry['content']),
  };
}

function participantOf(entry: Readonly<Record<string, unknown>>): HeldParticipant {
  return {
    exporting: accountOf(entry['exporting']),
    importing: accountOf(entry['importing']),
    grant: grantOf(entry['grant']),
    revokedAt: numberOf(entry['revokedAt']),
  };
}

function grantOf(value: unknown): Grant {
  const grant = recordOf(value);
  return {
    calls: arrayOf(grant['calls']).map(callOf),
    events: arrayOf(grant['events']).map(stringOf),
    eventsNode: stringOf(grant['eventsNode']),
    durable: grant['durable'] === true,
  };
}

function callOf(value: unknown): CallGrant {
  const call = recordOf(value);
  const { provider, address, ops } = call;
  const named = { provider: stringOf(provider), address: stringOf(address) };
  return ops === undefined ? named : { ...named, ops: arrayOf(ops).map(stringOf) };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new Error('an object is missing');
  return value as Readonly<Record<string, unknown>>;
}

function arrayOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error('a list is missing');
  return value;
}

function stringOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error('a text is missing');
  return value;
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw new Error('a number is missing');
  return value;
}
