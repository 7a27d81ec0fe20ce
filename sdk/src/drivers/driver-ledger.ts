import type { Deadline, Logger, Provision, TaskGroup } from '@cleat/core';
import { answered, backoff, intend, mayBeAttached, pendingProvision, sleep } from '@cleat/core';
import type { provider, providerTypes } from '@cleat/schemas';
import { CleatError, isCleatError } from '@cleat/schemas';
import type { PluginContext, ReconcileAll } from '../plugin.ts';
import { DriverPair } from './driver-pair.ts';
import { keyOf, LedgerBook, type LedgerEntry } from './ledger-book.ts';

/** The second level gets this share of the time that is left, so that the error that arrives names the driver. */
const SHARE = 0.9;
const RETRY = { baseMs: 1_000, factor: 2, maxMs: 30_000 } as const;

export interface DriverLedgerOptions {
  readonly kind: string;
  readonly context: Pick<PluginContext, 'drivers' | 'bootId' | 'log' | 'tasks' | 'openJournal'>;
  /** Directory of the journal below the plugin's own; absent: "drivers". */
  readonly directory?: string;
  /** A driver says that it does not have an object that it should hold. */
  readonly onLack?: (driver: string, object: string) => void;
}

/** What is left of the call that a kind answers. */
export interface DriverCallScope {
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
  /** Passed on, so that the first caller hears of the driver's progress. */
  progress?(progress: { readonly message?: string | undefined }): void;
}

export interface ReserveObject {
  readonly driver: string;
  /** The volume's or network's id: what every later call names. */
  readonly object: string;
  /** JSON text for the driver. */
  readonly options: string;
  /** Whom the object belongs to, when it is one container's alone. */
  readonly container?: provider.ReserveRequestInput['container'];
}

/** An object that a driver holds. */
export interface HeldObject {
  readonly driver: string;
  readonly object: string;
  /** JSON text that the driver answered. */
  readonly status: string;
}

/**
 * The caller's half of `provider@1` for a kind that has drivers: what each driver was asked for, written before it is asked;
 * undone when it fails, owed while the driver is away, told anew when the driver comes back.
 *
 * An object (volume, network) is reserved with one driver from its create to its remove, under numbers of this ledger. A
 * container's use of it is attached under the kernel's own numbers, which pass through unchanged.
 */
export class DriverLedger {
  readonly #options: DriverLedgerOptions;
  readonly #log: Logger;
  readonly #book: LedgerBook;
  readonly #pairs = new Map<string, DriverPair>();
  readonly #forget: () => void;
  #ready: ReadonlySet<string> = new Set();
  readonly #repairing = new Set<string>();

  private constructor(options: DriverLedgerOptions, book: LedgerBook) {
    this.#options = options;
    this.#log = options.context.log;
    this.#book = book;
    this.#forget = options.context.drivers.onChange(() => this.#onDrivers());
  }

  /**
   * Opens the ledger and ends what the process before left open: a reserve that was never answered is released, an attach is
   * detached by its own number. Throws what the journal throws.
   */
  static async open(options: DriverLedgerOptions): Promise<DriverLedger> {
    const { context } = options;
    const warn = (message: string, error: unknown): void => context.log.warn(message, { error });
    const book = await LedgerBook.open((given) => context.openJournal(given), options.directory ?? 'drivers', warn);
    const ledger = new DriverLedger(options, book);
    ledger.#endWhatIsOpen();
    await book.sync();
    ledger.#onDrivers();
    return ledger;
  }

  /** Objects that drivers hold. */
  get objects(): readonly HeldObject[] {
    return this.#book.entries.filter(isObject).map(({ driver, object, provision }) => ({ driver, object, status: provision.status }));
  }

  find(object: string): HeldObject | undefined {
    return this.objects.find((held) => held.object === object);
  }

  /** Containers and claims that use an object, or may. */
  usesOf(object: string): readonly { readonly container: string; readonly claim: string }[] {
    return this.#book.entries.filter((entry) => entry.object === object && !isObject(entry));
  }

  /**
   * Reserves a new object with a driver; what fails is released again, or owed. Throws the driver's error, `unavailable`
   * PLUGIN_AWAY when it is not there, `already_exists` OBJECT_EXISTS.
   */
  async reserve(request: ReserveObject, scope: DriverCallScope): Promise<provider.ReserveResponse> {
    const { driver, object, options, container } = request;
    const told = { options, ...(container === undefined ? {} : { container }) };
    const key = keyOf({ object });
    if (this.#book.find(key) !== undefined)
      throw new CleatError('already_exists', 'OBJECT_EXISTS', `${object} is reserved with a driver already`);
    await this.#pair(driver).reconciled(scope);
    const number = this.#book.nextNumber();
    const entry = this.#intend(this.#newEntry({ driver, object, told }), 'reserve', number);
    // It may outlive power loss at the driver, so the wish for it has to as well.
    await this.#book.sync();
    try {
      const response = await this.#call(entry, 'reserve', { reference: referenceOf(entry), ...told }, scope);
      this.#settle(entry, response);
      await this.#book.sync();
      return response;
    } catch (error) {
      await this.#undoReserve(entry, scope);
      throw error;
    }
  }

  /**
   * Releases an object. Throws the driver's refusal, after which the object is held as before, and `unavailable` PLUGIN_AWAY
   * when the driver is not there. What has no known end goes forward: it is owed to the driver, and the object is forgotten
   * here. With `force` that holds for a refusal and for a driver that is away, too.
   */
  async release(object: string, options: { readonly purge: boolean; readonly force?: boolean }, scope: DriverCallScope): Promise<void> {
    const held = this.#book.find(keyOf({ object }));
    if (held === undefined) return;
    if (options.force !== true) await this.#pair(held.driver).reconciled(scope);
    const entry = this.#intend(held, 'release', this.#book.nextNumber());
    await this.#book.sync();
    try {
      await this.#call(entry, 'release', { reference: referenceOf(entry), purge: options.purge }, scope);
      this.#book.remove(keyOf(entry));
    } catch (error) {
      if (options.force !== true && isRefusal(error)) {
        this.#book.put(held);
        throw error;
      }
      this.#log.warn('a driver is owed a release', { driver: held.driver, object, error });
      this.#owe(entry, 'release', options.purge);
    }
    await this.#book.sync();
  }

  /** Passes an attach of the kernel on, to the driver that holds the object. Throws the driver's error, `not_found` OBJECT_UNKNOWN. */
  async attach(object: string, request: provider.AttachRequest, scope: DriverCallScope): Promise<provider.AttachResponse> {
    const held = this.#book.find(keyOf({ object }));
    if (held === undefined) throw new CleatError('not_found', 'OBJECT_UNKNOWN', `no ${this.#options.kind} driver holds ${object}`);
    const { reference, options, container, idMapping, networkNamespace, userNamespace } = request;
    const told = { options, container, idMapping, networkNamespace, userNamespace };
    const { driver } = held;
    const use = this.#newEntry({ driver, object, container: reference.container, claim: reference.claim, told });
    const entry = this.#intend({ ...use, bootId: reference.bootId }, 'attach', reference.number);
    await this.#pair(driver).reconciled(scope);
    // Not the claim's own directory: it is the kind's provider that writes there.
    const passed = { ...request, reference: referenceOf(entry), status: held.provision.status, directory: '' };
    const response = await this.#call(entry, 'attach', passed, scope);
    this.#settle(entry, response);
    return response;
  }

  /** Passes a detach on; one that cannot be done now is owed to the driver, and nobody waits for it. Never throws for the driver's sake. */
  async detach(object: string, reference: providerTypes.Reference, scope: DriverCallScope): Promise<provider.DetachResponse> {
    const use = this.#book.find(keyOf({ object, container: reference.container, claim: reference.claim }));
    if (use === undefined) return { events: [] };
    const entry = this.#intend({ ...use, bootId: reference.bootId }, 'detach', reference.number);
    try {
      await this.#pair(use.driver).reconciled(scope);
      const response = await this.#call(entry, 'detach', { reference: referenceOf(entry) }, scope);
      this.#book.remove(keyOf(entry));
      return response;
    } catch (error) {
      this.#log.warn('a driver is owed a detach', { driver: use.driver, object, container: reference.container, error });
      this.#owe(entry, 'detach', false);
      return { events: [] };
    }
  }

  /**
   * What the kernel says at its reconcile: uses that it does not list, or lists with a newer number and not attached, are
   * ended. Resolves with those that it lists as attached and that are not known here.
   */
  async settleUses(all: ReconcileAll, objectOf: (held: provider.Held) => string | undefined): Promise<readonly providerTypes.Reference[]> {
    const wanted = new Map<string, provider.Held>();
    for (const held of all.held) {
      const object = objectOf(held);
      if (object !== undefined) wanted.set(keyOf({ ...held.reference, object }), held);
    }
    for (const use of this.#book.entries.filter((entry) => !isObject(entry))) {
      const held = wanted.get(keyOf(use));
      const isCurrent = held !== undefined && (held.attached || held.reference.number <= use.provision.number);
      if (!isCurrent) this.#owe(use, 'detach', false);
    }
    await this.#book.sync();
    return [...wanted].filter(([key, held]) => held.attached && this.#book.find(key) === undefined).map(([, { reference }]) => reference);
  }

  /** Ends the listening to drivers; the journal is the context's to close. */
  close(): void {
    this.#forget();
  }

  #newEntry(parts: { driver: string; object: string; container?: string; claim?: string; told: LedgerEntry['told'] }): LedgerEntry {
    const { driver, object, container = '', claim = '', told } = parts;
    return { driver, object, container, claim, told, bootId: this.#options.context.bootId, provision: pendingProvision(claim, '') };
  }

  #intend(entry: LedgerEntry, call: 'reserve' | 'attach' | 'detach' | 'release', number: number): LedgerEntry {
    const next = { ...entry, provision: intend(entry.provision, call, number, entry.driver) };
    this.#book.put(next);
    return next;
  }

  #settle(entry: LedgerEntry, answer: { readonly status?: string; readonly contribution?: providerTypes.Contribution | null }): void {
    const current = this.#book.find(keyOf(entry));
    // A newer call has taken its place; what this one did is ended by that.
    if (current?.provision.number !== entry.provision.number || current.provision.call !== entry.provision.call) return;
    this.#book.put({ ...entry, provision: answered(entry.provision, { status: answer.status }) });
  }

  /** A call of a driver, in nine tenths of the time. A driver that was restarted meanwhile is reconciled and asked again. */
  async #call<O extends 'reserve' | 'release' | 'attach' | 'detach'>(
    entry: LedgerEntry,
    operation: O,
    request: provider.Operations[O]['input'],
    scope: DriverCallScope,
  ): Promise<provider.Operations[O]['response']> {
    const { kind, context } = this.#options;
    const driver = { kind, name: entry.driver };
    const ask = (): Promise<provider.Operations[O]['response']> =>
      context.drivers.call(driver, operation, request, {
        deadline: scope.deadline.fraction(SHARE),
        signal: scope.signal,
        ...(scope.progress === undefined ? {} : { onProgress: (progress) => scope.progress?.(progress) }),
      });
    try {
      return await ask();
    } catch (error) {
      if (!isCleatError(error) || error.code !== 'RECONCILE_FIRST') throw error;
      this.#pair(entry.driver).lost();
      await this.#pair(entry.driver).reconciled(scope);
      return ask();
    }
  }

  async #undoReserve(entry: LedgerEntry, scope: DriverCallScope): Promise<void> {
    const undo = this.#intend(entry, 'release', this.#book.nextNumber());
    await this.#book.sync();
    try {
      await this.#call(undo, 'release', { reference: referenceOf(undo), purge: true }, scope);
      this.#book.remove(keyOf(undo));
    } catch {
      // The first error is the one to tell.
      this.#owe(undo, 'release', true);
    }
    await this.#book.sync();
  }

  /** Written down for the driver, and forgotten as a thing that is held. */
  #owe(entry: LedgerEntry, operation: 'detach' | 'release', purge: boolean): void {
    this.#book.owe({ driver: entry.driver, owed: { reference: referenceOf(entry), operation, purge } });
    this.#book.remove(keyOf(entry));
    this.#repair(entry.driver);
  }

  /** At the start: whatever was asked and not answered has an end that is not known. */
  #endWhatIsOpen(): void {
    const { bootId } = this.#options.context;
    for (const entry of this.#book.entries) {
      const { call, answered: isAnswered } = entry.provision;
      // After a boot of the host attachments are void, not detached.
      if (!isObject(entry) && entry.bootId !== bootId) this.#book.remove(keyOf(entry));
      else if (isAnswered) continue;
      else if (isObject(entry))
        this.#owe(call === 'reserve' ? this.#intend(entry, 'release', this.#book.nextNumber()) : entry, 'release', true);
      else this.#owe(entry, 'detach', false);
    }
    for (const debt of this.#book.debts)
      if (debt.owed.operation === 'detach' && debt.owed.reference.bootId !== bootId) this.#book.paid(debt);
  }

  #onDrivers(): void {
    const { kind, context } = this.#options;
    const ready = new Set(context.drivers.names(kind));
    for (const name of this.#ready) if (!ready.has(name)) this.#pairs.get(name)?.lost();
    const came = [...ready].filter((name) => !this.#ready.has(name));
    this.#ready = ready;
    for (const name of came) {
      this.#pair(name).lost();
      this.#repair(name);
    }
  }

  #pair(driver: string): DriverPair {
    const known = this.#pairs.get(driver);
    if (known !== undefined) return known;
    const { kind, context, onLack } = this.#options;
    const made = new DriverPair({
      ...{ kind, driver, drivers: context.drivers, bootId: context.bootId, log: this.#log },
      held: () => this.#book.entries.filter((entry) => entry.driver === driver && isHeld(entry.provision)).map(heldOf),
      debts: () => this.#book.debts.filter((debt) => debt.driver === driver),
      paid: (debt) => this.#book.paid(debt),
      lacks: (object) => onLack?.(driver, object),
    });
    this.#pairs.set(driver, made);
    return made;
  }

  /** Brings a driver that is there up to date, and has it do what it is owed, until nothing is left. */
  #repair(driver: string): void {
    if (!this.#ready.has(driver) || this.#repairing.has(driver)) return;
    this.#repairing.add(driver);
    const tasks: TaskGroup = this.#options.context.tasks;
    tasks.spawn(`repair of ${driver}`, async (signal) => {
      try {
        for (let attempt = 0; this.#ready.has(driver) && !signal.aborted; attempt += 1) {
          if (await this.#pair(driver).settle(signal)) return;
          await sleep(backoff(attempt, RETRY), signal);
        }
      } finally {
        this.#repairing.delete(driver);
        // Owed after the last look and before it was written down that nobody looks any more.
        if (!signal.aborted && this.#book.debts.some((debt) => debt.driver === driver)) this.#repair(driver);
      }
    });
  }
}

function isObject(entry: LedgerEntry): boolean {
  return entry.container === '' && entry.claim === '';
}

/** An attach that is on its way counts: the driver shall still take it. A reserve does not: it would miss it. */
function isHeld(provision: Provision): boolean {
  return provision.reserved || mayBeAttached(provision);
}

function heldOf(entry: LedgerEntry): provider.HeldInput {
  const { told, provision } = entry;
  return { ...told, reference: referenceOf(entry), status: provision.status, attached: provision.attached };
}

function referenceOf({ object, container, claim, bootId, provision }: LedgerEntry): providerTypes.Reference {
  return { object, container, claim, bootId, number: provision.number };
}

/** The driver has said no, as opposed to nothing. */
function isRefusal(error: unknown): boolean {
  return isCleatError(error) && !['unavailable', 'deadline_exceeded', 'cancelled'].includes(error.class);
}
