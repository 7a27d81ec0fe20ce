import { CleatError } from '@cleat/schemas';
import { type BookText, decodeBook, encodeBook, type HeldAccount, type HeldParticipant } from './account-book-file.ts';
import {
  EMPTY_GRANT,
  exportingClaims,
  exportingUser,
  type Grant,
  importingClaims,
  importingUser,
  OUTER_CLAIMS,
  OUTER_USER,
  SYSTEM_CLAIMS,
  SYSTEM_USER,
} from './account-claims.ts';
import type { Credentials, ParticipantCredentials } from './credentials.ts';
import { Identity } from './identity.ts';
import { type AccountClaims, mintAccount, mintDeletion, mintOperator, mintUser, type UserClaims } from './jwt.ts';
import { readFileIfExists, replaceFile } from './secret-file.ts';
import { checkToken } from './subjects.ts';

/** The participant whose exporting account holds the event stream. */
export const KERNEL = 'kernel';

export interface AccountStatement {
  readonly key: string;
  readonly jwt: string;
}

/** What has to be told to a running server after a change. Exporters come before the importers that name them. */
export interface AccountChanges {
  readonly updated: readonly string[];
  readonly deleted: readonly string[];
}

/** What one participant is known by on the bus. */
export interface ParticipantKeys {
  readonly exporting: string;
  readonly importing: string;
}

/**
 * Who is on the bus and what each may do. Held in one file that only the kernel reads; every change is durable before it
 * returns, and takes effect when a server has been told (see `PrivateBus`).
 */
export class AccountBook {
  readonly #file: string;
  readonly #operator: Identity;
  readonly #system: HeldAccount;
  readonly #outer: HeldAccount;
  readonly #participants: Map<string, HeldParticipant>;
  readonly operatorJwt: string;

  /** Reads the book, or begins one. */
  static open(file: string): AccountBook {
    const text = readFileIfExists(file);
    const book = new AccountBook(file, text === undefined ? newBook() : decodeBook(text));
    book.ensure(KERNEL);
    return book;
  }

  private constructor(file: string, text: BookText) {
    this.#file = file;
    this.#operator = text.operator;
    this.#system = text.system;
    this.#outer = text.outer;
    this.#participants = new Map(text.participants);
    this.operatorJwt = mintOperator(this.#operator, 'cleat', nowSeconds());
    this.#refresh();
  }

  get systemKey(): string {
    return this.#system.identity.publicKey;
  }

  /** The account that is shared with an outer NATS. */
  get outerKey(): string {
    return this.#outer.identity.publicKey;
  }

  /** What a server has to know before it admits anybody. */
  get statements(): readonly AccountStatement[] {
    const held = [...this.#participants.values()].flatMap((entry) => [entry.exporting, entry.importing]);
    return [this.#system, this.#outer, ...held].map((account) => ({ key: account.identity.publicKey, jwt: account.jwt }));
  }

  get participants(): readonly string[] {
    return [...this.#participants.keys()];
  }

  statementOf(key: string): string | undefined {
    return this.statements.find((statement) => statement.key === key)?.jwt;
  }

  /** `not_found` `BUS_PARTICIPANT_UNKNOWN` for a name that was never ensured. */
  keysOf(name: string): ParticipantKeys {
    const { exporting, importing } = this.#get(name);
    return { exporting: exporting.identity.publicKey, importing: importing.identity.publicKey };
  }

  /** Whose account this is. */
  participantOf(accountKey: string): string | undefined {
    for (const [name, { exporting, importing }] of this.#participants) {
      if (exporting.identity.publicKey === accountKey || importing.identity.publicKey === accountKey) return name;
    }
    return undefined;
  }

  grantOf(name: string): Grant {
    return this.#get(name).grant;
  }

  /** Adds a participant that may do nothing yet; one that is there stays as it is. */
  ensure(name: string): AccountChanges {
    checkToken(name, 'participant name');
    if (this.#participants.has(name)) return { updated: [], deleted: [] };
    const entry: HeldParticipant = { exporting: newAccount(), importing: newAccount(), grant: EMPTY_GRANT, revokedAt: 0 };
    this.#participants.set(name, entry);
    this.#issueExporting(name, entry);
    this.#issueImporting(name, entry);
    this.#save();
    return { updated: [entry.exporting.identity.publicKey, entry.importing.identity.publicKey], deleted: [] };
  }

  /** Replaces what the participant may call and see. Its own answering is not touched. */
  grant(name: string, grant: Grant): AccountChanges {
    const entry = this.#get(name);
    if (JSON.stringify(entry.grant) === JSON.stringify(grant)) return { updated: [], deleted: [] };
    const changed: HeldParticipant = { ...entry, grant };
    // Refused before anything is kept, when it names what is not there.
    this.#issueImporting(name, changed);
    this.#participants.set(name, changed);
    this.#save();
    return { updated: [changed.importing.identity.publicKey], deleted: [] };
  }

  /** Makes every credential handed out so far worthless; the connections that they opened are cut. */
  revoke(name: string): AccountChanges {
    const entry = this.#get(name);
    const revokedAt = Math.max(nowSeconds(), entry.revokedAt, entry.exporting.issuedAt, entry.importing.issuedAt);
    const changed: HeldParticipant = { ...entry, revokedAt };
    this.#participants.set(name, changed);
    this.#issueExporting(name, changed);
    this.#issueImporting(name, changed);
    this.#save();
    const { exporting, importing } = this.keysOf(name);
    return { updated: [exporting, importing], deleted: [] };
  }

  /** Forgets a participant; who may call it may no longer. Unknown names are no error. */
  remove(name: string): AccountChanges {
    const entry = this.#participants.get(name);
    if (entry === undefined) return { updated: [], deleted: [] };
    if (name === KERNEL) throw new CleatError('internal', 'BUS_PARTICIPANT_UNKNOWN', 'the kernel is always on its bus');
    const deleted = [entry.exporting.identity.publicKey, entry.importing.identity.publicKey];
    this.#participants.delete(name);
    const updated: string[] = [];
    for (const [other, held] of this.#participants) {
      const calls = held.grant.calls.filter((call) => call.provider !== name);
      if (calls.length === held.grant.calls.length) continue;
      const changed: HeldParticipant = { ...held, grant: { ...held.grant, calls } };
      this.#participants.set(other, changed);
      this.#issueImporting(other, changed);
      updated.push(changed.importing.identity.publicKey);
    }
    this.#save();
    return { updated, deleted };
  }

  /** New credentials, valid besides all earlier ones. With `isBearer` they are tokens, for programs that can't sign. */
  credentials(name: string, options: { isBearer?: boolean } = {}): ParticipantCredentials {
    const { exporting, importing, revokedAt } = this.#get(name);
    const isBearer = options.isBearer === true;
    const hasEvents = name === KERNEL;
    const ownKey = importing.identity.publicKey;
    return {
      exporting: this.#user(exporting, exportingUser(name, { hasEvents, isBearer }), revokedAt),
      importing: this.#user(importing, importingUser(name, { ownKey, isBearer }), revokedAt),
    };
  }

  systemCredentials(): Credentials {
    return this.#user(this.#system, SYSTEM_USER, 0);
  }

  outerCredentials(): Credentials {
    return this.#user(this.#outer, OUTER_USER, 0);
  }

  /** The signed request to forget accounts. */
  deletionOf(accountKeys: readonly string[]): string {
    return mintDeletion(this.#operator, accountKeys, nowSeconds());
  }

  #user(account: HeldAccount, claims: UserClaims, revokedAt: number): Credentials {
    const user = Identity.create('user');
    // Issued in the second of the revocation it would be revoked too.
    const issuedAt = Math.max(nowSeconds(), revokedAt + 1);
    const jwt = mintUser(account.identity, user.publicKey, claims, issuedAt);
    const { publicKey: accountKey } = account.identity;
    return claims.isBearer ? { accountKey, jwt } : { accountKey, jwt, seed: user.seed };
  }

  #get(name: string): HeldParticipant {
    const entry = this.#participants.get(name);
    if (entry !== undefined) return entry;
    throw new CleatError('not_found', 'BUS_PARTICIPANT_UNKNOWN', `nobody named ${name} is known on the bus`);
  }

  #issueExporting(name: string, entry: HeldParticipant): void {
    const claims = exportingClaims(name, { hasEvents: name === KERNEL, revokedAt: entry.revokedAt });
    this.#issue(entry.exporting, claims);
  }

  #issueImporting(name: string, entry: HeldParticipant): void {
    const claims = importingClaims({
      name,
      ownKey: entry.importing.identity.publicKey,
      grant: entry.grant,
      keyOf: (provider) => this.keysOf(provider).exporting,
      eventsKey: name === KERNEL ? entry.exporting.identity.publicKey : this.keysOf(KERNEL).exporting,
      revokedAt: entry.revokedAt,
    });
    this.#issue(entry.importing, claims);
  }

  /** A statement that says what the last one said is not issued again: the server would cut calls for nothing. */
  #issue(account: HeldAccount, claims: AccountClaims): void {
    const content = JSON.stringify([claims, [...claims.revocations]]);
    if (account.content === content && account.jwt !== '') return;
    // The server silently keeps the older of two statements, so a clock that was set back must not make one old.
    account.issuedAt = Math.max(nowSeconds(), account.issuedAt);
    account.jwt = mintAccount(this.#operator, account.identity.publicKey, claims, account.issuedAt);
    account.content = content;
  }

  /** After an upgrade of this program statements may have to say something else than those on file. */
  #refresh(): void {
    this.#issue(this.#system, SYSTEM_CLAIMS);
    this.#issue(this.#outer, OUTER_CLAIMS);
    for (const [name, entry] of this.#participants) {
      this.#issueExporting(name, entry);
      this.#issueImporting(name, entry);
    }
  }

  #save(): void {
    const text = encodeBook({ operator: this.#operator, system: this.#system, outer: this.#outer, participants: [...this.#participants] });
    replaceFile(this.#file, text, { mode: 0o600, isDurable: true });
  }
}

function newBook(): BookText {
  return { operator: Identity.create('operator'), system: newAccount(), outer: newAccount(), participants: [] };
}

function newAccount(): HeldAccount {
  return { identity: Identity.create('account'), issuedAt: 0, jwt: '', content: '' };
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
