import { join } from 'node:path';
import { type CleatError, toCleatError } from '@cleat/schemas';
import { armTimer, Deadline, monotonicMs } from '../deadlines/index.ts';
import type { Grant } from './account-claims.ts';
import { AccountBook, type AccountChanges, type ParticipantKeys } from './accounts.ts';
import { BusConnection } from './connection.ts';
import type { Credentials, ParticipantCredentials } from './credentials.ts';
import { RETELL_MS, SERVER_HUNG_MS, SERVER_START_MS, SYSTEM_PING_INTERVAL_MS } from './limits.ts';
import { makePrivateDirectory } from './secret-file.ts';
import { NatsServer, type NatsServerOptions, type ServerEvent } from './server.ts';
import { type Disconnection, SystemLink } from './system-link.ts';

export interface PrivateBusOptions extends Omit<NatsServerOptions, 'book' | 'onEvent' | 'dir'> {
  /** `accounts.json`, which the server never reads, and `nats/` lie in it; made 0700. */
  readonly dir: string;
  /** A participant's connection has ended. */
  readonly onDisconnect?: ((event: Disconnection & { readonly participant: string }) => void) | undefined;
  readonly onServer?: ((event: ServerEvent) => void) | undefined;
}

/** The kernel's side of the bus: its server, the accounts on it, and the connection that keeps the two in step. */
export class PrivateBus {
  readonly #options: PrivateBusOptions;
  readonly #book: AccountBook;
  readonly #server: NatsServer;
  readonly #link: SystemLink;
  /** Accounts whose statement, or whose end, the running server was not told yet. */
  readonly #untold = new Set<string>();
  #telling: Promise<void> = Promise.resolve();
  #disarmHung: () => void = () => undefined;
  #disarmRetell: () => void = () => undefined;
  #isEnded = false;

  private constructor(options: PrivateBusOptions) {
    makePrivateDirectory(options.dir);
    this.#options = options;
    this.#book = AccountBook.open(join(options.dir, 'accounts.json'));
    const onEvent = (event: ServerEvent): void => this.#onServer(event);
    this.#server = new NatsServer({ ...options, dir: join(options.dir, 'nats'), book: this.#book, onEvent });
    const url = (): string => this.#server.url;
    const credentials = this.#book.systemCredentials();
    const connection = { url, credentials, name: 'kernel/system', log: options.log };
    this.#link = new SystemLink({ ...connection, pingIntervalMs: SYSTEM_PING_INTERVAL_MS }, (event) => this.#onDisconnect(event));
    this.#link.connection.onEvent((event) => {
      if (event.type === 'connected') this.#onConnected();
      else if (event.type === 'disconnected') this.#onLost();
    });
  }

  /**
   * Opens the account book and adopts or starts the server. When that is not up at the deadline the bus is returned even so:
   * it keeps trying, and `ready` waits. Throws only what no patience cures: no binary, an unreadable book.
   */
  static async start(options: PrivateBusOptions, deadline: Deadline = Deadline.after(SERVER_START_MS)): Promise<PrivateBus> {
    const bus = new PrivateBus(options);
    try {
      const { isAdopted } = await bus.#server.start(deadline);
      if (isAdopted) bus.#tellAll();
      await bus.#link.connection.connected(deadline);
      await bus.#flush(deadline);
    } catch (error) {
      const failure = toCleatError(error);
      if (failure.code === 'BUS_SERVER_MISSING') {
        await bus.release();
        throw failure;
      }
      options.log.warn('the bus is not up yet', { error: failure });
      bus.#armHung();
    }
    return bus;
  }

  get url(): string {
    return this.#server.url;
  }

  get serverPid(): number | undefined {
    return this.#server.pid;
  }

  get serverVersion(): string {
    return this.#link.connection.serverVersion;
  }

  get isUp(): boolean {
    return this.#link.connection.isConnected;
  }

  /** Waits until the server is up and has been told everything; `unavailable` `BUS_DOWN` at the deadline. */
  async ready(deadline: Deadline): Promise<void> {
    await this.#link.connection.connected(deadline);
    await this.#flush(deadline);
  }

  /** All participants, also those of former runs. The kernel is one of them. */
  get participants(): readonly string[] {
    return this.#book.participants;
  }

  participantOf(accountKey: string): string | undefined {
    return this.#book.participantOf(accountKey);
  }

  keysOf(participant: string): ParticipantKeys {
    return this.#book.keysOf(participant);
  }

  grantOf(participant: string): Grant {
    return this.#book.grantOf(participant);
  }

  /** Adds a participant, which may do nothing until it is granted something. */
  async add(participant: string, deadline: Deadline): Promise<ParticipantKeys> {
    await this.#apply(this.#book.ensure(participant), deadline);
    return this.#book.keysOf(participant);
  }

  /** Replaces what the participant may call and see. No call in flight is lost by it. */
  async grant(participant: string, grant: Grant, deadline: Deadline): Promise<void> {
    await this.#apply(this.#book.grant(participant, grant), deadline);
  }

  /** Makes all credentials handed out to a participant worthless and cuts its connections. */
  async revoke(participant: string, deadline: Deadline): Promise<void> {
    await this.#apply(this.#book.revoke(participant), deadline);
  }

  /** Forgets a participant and cuts its connections. */
  async remove(participant: string, deadline: Deadline): Promise<void> {
    await this.#apply(this.#book.remove(participant), deadline);
  }

  credentials(participant: string, options: { isBearer?: boolean } = {}): ParticipantCredentials {
    return this.#book.credentials(participant, options);
  }

  /** For the account that is shared with an outer NATS. */
  outerCredentials(): Credentials {
    return this.#book.outerCredentials();
  }

  /** A connection of one of this process' own accounts; it begins to dial at once. */
  connect(name: string, credentials: Credentials): BusConnection {
    return new BusConnection({ url: () => this.#server.url, credentials, name, log: this.#options.log });
  }

  /** Leaves the server running, for the next kernel. */
  async release(): Promise<void> {
    await this.#end();
    await this.#server.release();
  }

  /** Ends the server: the platform goes down. */
  async stop(): Promise<void> {
    await this.#end();
    await this.#server.stop();
  }

  async #end(): Promise<void> {
    this.#isEnded = true;
    this.#disarmHung();
    this.#disarmRetell();
    await this.#link.connection.close(Deadline.after(0));
  }

  /** The change is durable already; a failure here means that the server hears of it at the next connect. */
  async #apply(changes: AccountChanges, deadline: Deadline): Promise<void> {
    for (const key of [...changes.updated, ...changes.deleted]) this.#untold.add(key);
    await this.#flush(deadline);
  }

  async #flush(deadline: Deadline): Promise<void> {
    // One after another: a statement that overtakes a newer one of its account would be the last the server hears.
    const turn = this.#telling.then(() => this.#tell(deadline));
    this.#telling = turn.catch(() => undefined);
    try {
      await turn;
    } catch (error) {
      this.#retellLater();
      throw error;
    }
  }

  /** What the server could not be told is told later, whether or not the connection breaks meanwhile. */
  #retellLater(): void {
    this.#disarmRetell();
    if (this.#isEnded) return;
    this.#disarmRetell = armTimer(monotonicMs() + RETELL_MS, () => this.#retell());
  }

  #retell(): void {
    this.#flush(Deadline.after(SERVER_START_MS)).catch((error: CleatError) => {
      this.#options.log.warn('the bus server was not told of all accounts', { error, untold: this.#untold.size });
    });
  }

  async #tell(deadline: Deadline): Promise<void> {
    if (this.#untold.size > 0) await this.#link.connection.connected(deadline);
    const ended: string[] = [];
    for (const key of [...this.#untold]) {
      const jwt = this.#book.statementOf(key);
      if (jwt === undefined) {
        ended.push(key);
        continue;
      }
      await this.#link.update(jwt, deadline);
      if (this.#book.statementOf(key) === jwt) this.#untold.delete(key);
    }
    if (ended.length === 0) return;
    await this.#link.delete(this.#book.deletionOf(ended), deadline);
    for (const key of ended) this.#untold.delete(key);
  }

  /** An adopted server may have missed what was decided since it was last told something. */
  #tellAll(): void {
    for (const { key } of this.#book.statements) this.#untold.add(key);
    for (const key of this.#server.knownAccounts()) this.#untold.add(key);
  }

  #onServer(event: ServerEvent): void {
    // A new process is given its own time to be of use.
    if (event.type === 'up' && !this.isUp) this.#armHung();
    this.#options.onServer?.(event);
  }

  #onConnected(): void {
    this.#disarmHung();
    this.#retell();
  }

  #onLost(): void {
    this.#server.check();
    this.#armHung();
  }

  /** A server that is alive and admits nobody is no better than a dead one. */
  #armHung(): void {
    this.#disarmHung();
    if (this.#isEnded) return;
    this.#disarmHung = armTimer(monotonicMs() + SERVER_HUNG_MS, () => {
      this.#options.log.error('the bus server admits nobody and is ended', { pid: this.#server.pid });
      this.#server.kill();
      this.#armHung();
    });
  }

  #onDisconnect(event: Disconnection): void {
    const participant = this.#book.participantOf(event.accountKey);
    // Not a participant's: the system's own, or one that was removed meanwhile.
    if (participant !== undefined) this.#options.onDisconnect?.({ ...event, participant });
  }
}
