import type { BusConnection, Logger } from '@cleat/core';
import { type Deadline, monotonicMs } from '@cleat/core/deadlines';
import type { common, sys } from '@cleat/schemas';
import { CleatError, driverAddress, matchesPattern } from '@cleat/schemas';
import { STARTING_MS } from '../run/limits.ts';

/** An account that the registry does not name is looked for again after this long. */
const UNKNOWN_KEY_MS = 60_000;
/** The wait after a read that failed; a call that needs the registry reads it at once. */
const RETRY_MS = 1_000;

/** What the events of plugins say of their state. */
const STATE_AFTER: ReadonlyMap<string, string> = new Map([
  ['plugin.ready', 'ready'],
  ['plugin.lost', 'starting'],
  ['plugin.failed', 'failed'],
  ['plugin.disabled', 'disabled'],
  ['plugin.incompatible', 'incompatible'],
  ['plugin.removed', 'removed'],
]);

export interface RegistryMirrorOptions {
  readonly read: () => Promise<sys.RegistryResponse>;
  readonly log: Pick<Logger, 'warn'>;
  /** For one that does not follow events: how long a plugin that is starting is waited for, and how often it is looked at. */
  readonly polls?: { readonly waitMs: number; readonly everyMs: number };
}

/** What a mirror tells of. `back`: somebody who was away can be called again. */
export type RegistryChange = { readonly type: 'changed' } | { readonly type: 'back'; readonly plugin: string };

/** Who is on the node and what each answers, as the kernel tells it: read once, then kept in step by events. */
export class RegistryMirror {
  readonly #options: RegistryMirrorOptions;
  readonly #participants = new Map<string, sys.Participant>();
  readonly #unknownKeys = new Map<string, number>();
  readonly #searches = new Map<string, Promise<sys.Participant | undefined>>();
  readonly #listeners = new Set<(change: RegistryChange) => void>();
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #isLoaded = false;

  constructor(options: RegistryMirrorOptions) {
    this.#options = options;
  }

  get all(): readonly sys.Participant[] {
    return [...this.#participants.values()];
  }

  /** Reads it if that was not done yet. Throws what the read fails with. */
  async load(): Promise<void> {
    if (!this.#isLoaded) await this.refresh();
  }

  /** What is there when this resolves was read after the call. Reads are shared. */
  refresh(): Promise<void> {
    if (this.#reading === undefined) {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
      return this.#reading;
    }
    // The one under way may have been answered before what the caller knows happened.
    this.#next ??= this.#reading
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.refresh();
      });
    return this.#next;
  }

  onChange(listener: (change: RegistryChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Keeps in step with the node until the signal aborts. `onNode` hears of events of the node itself: the kernel was
   * restarted. Whatever is missed is made up for by reading all of it again.
   */
  async follow(connection: BusConnection, signal: AbortSignal, onNode: () => void): Promise<void> {
    const { liveEvents } = await import('@cleat/core/bus');
    const patterns = ['plugin.*', 'node.*'];
    for await (const item of liveEvents(connection, { patterns, node: '*', signal })) {
      if (item.type === 'event') {
        const type = (item.headers.get('ce-type') ?? '').replace(/^dev\.cleat\./, '').replace(/\.v\d+$/, '');
        if (type.startsWith('node.')) onNode();
        else this.#note(type, decodeURIComponent(item.headers.get('ce-subject') ?? ''));
      }
      this.#refreshSoon(signal);
    }
  }

  /** Whose account it is; reads the registry when it is not known. */
  async whoIs(key: string): Promise<sys.Participant | undefined> {
    const known = this.all.find((participant) => participant.key === key);
    if (known !== undefined) return known;
    const lookedAt = this.#unknownKeys.get(key);
    if (lookedAt !== undefined && monotonicMs() - lookedAt < UNKNOWN_KEY_MS) return undefined;
    // Shared, so that calls of one caller keep their order while it is looked for.
    const search = this.#searches.get(key) ?? this.#search(key).finally(() => this.#searches.delete(key));
    this.#searches.set(key, search);
    return search;
  }

  async #search(key: string): Promise<sys.Participant | undefined> {
    // A caller that cannot be named is no reason to fail its call: it speaks for nobody but itself.
    await this.refresh().catch(() => undefined);
    const found = this.all.find((participant) => participant.key === key);
    if (found === undefined) this.#unknownKeys.set(key, monotonicMs());
    return found;
  }

  find(name: string): sys.Participant | undefined {
    return this.#participants.get(name);
  }

  /** Who answers an address, ready or not. */
  at(address: string): sys.Participant | undefined {
    return this.all.find(({ addresses }) => addresses.includes(address));
  }

  /**
   * Who answers an address, once it is ready: one that is starting is waited for, at most five seconds and to the deadline.
   * Throws `unavailable` PLUGIN_AWAY, which names the plugin.
   */
  async readyAt(address: string, what: string, deadline: Deadline, signal?: AbortSignal): Promise<sys.Participant> {
    await this.load();
    const { polls } = this.#options;
    const untilMs = Math.min(monotonicMs() + (polls?.waitMs ?? STARTING_MS), deadline.atMs);
    let found = this.at(address);
    if (found === undefined) {
      await this.refresh();
      found = this.at(address);
    }
    while (found?.state !== 'ready') {
      const mayCome = found !== undefined && (found.state === 'starting' || found.state === 'installed');
      if (!mayCome || monotonicMs() >= untilMs) throw awayError(found, what);
      await this.#nextChange(Math.min(untilMs - monotonicMs(), polls?.everyMs ?? STARTING_MS), signal);
      if (polls !== undefined) await this.refresh();
      found = this.at(address);
    }
    return found;
  }

  /** Who judges an operation, in the order of their names. */
  interceptorsOf(operation: string): readonly sys.Participant[] {
    return this.all
      .filter(({ intercepts, state }) => state !== 'disabled' && matchesPattern(intercepts, operation))
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /** Names of the drivers of a kind that are ready. */
  driverNames(kind: string): readonly string[] {
    const prefix = driverAddress(kind, 'x').slice(0, -1);
    return this.all
      .filter(({ state }) => state === 'ready')
      .flatMap(({ addresses }) => addresses.filter((address) => address.startsWith(prefix)))
      .map((address) => address.slice(prefix.length))
      .sort();
  }

  #note(type: string, name: string): void {
    const state = STATE_AFTER.get(type);
    const known = this.#participants.get(name);
    if (state === undefined) return;
    if (known !== undefined) this.#participants.set(name, { ...known, state });
    this.#tell({ type: 'changed' });
    if (state === 'ready') this.#tell({ type: 'back', plugin: name });
  }

  #refreshSoon(signal: AbortSignal): void {
    this.refresh().catch((error: unknown) => {
      if (signal.aborted) return;
      this.#options.log.warn('the registry cannot be read', { error });
      setTimeout(() => {
        if (!signal.aborted) this.#refreshSoon(signal);
      }, RETRY_MS).unref();
    });
  }

  async #read(): Promise<void> {
    const { participants } = await this.#options.read();
    const before = new Map(this.#participants);
    this.#participants.clear();
    this.#unknownKeys.clear();
    for (const participant of participants) this.#participants.set(participant.name, participant);
    this.#isLoaded = true;
    this.#tell({ type: 'changed' });
    for (const { name, state } of participants) {
      if (state === 'ready' && before.get(name)?.state !== 'ready') this.#tell({ type: 'back', plugin: name });
    }
  }

  #tell(change: RegistryChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  #nextChange(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        forget();
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        done();
        reject(signal?.reason);
      };
      const settle = (): void => {
        done();
        resolve();
      };
      const timer = setTimeout(settle, Math.max(0, ms));
      const forget = this.onChange(settle);
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function awayError(found: sys.Participant | undefined, what: string): CleatError {
  if (found === undefined) {
    return new CleatError('unavailable', 'PLUGIN_AWAY', `no plugin that answers ${what} is installed`, { hint: 'See "cleat plugin ls".' });
  }
  return new CleatError('unavailable', 'PLUGIN_AWAY', `plugin ${found.name}, which answers ${what}, is ${found.state}`, {
    plugin: found.name,
    retryable: true,
  });
}

/** The actor of what a plugin does by itself. */
export function ownActor(plugin: string): common.ActorInput {
  return { principal: `plugin:${plugin}`, caller: plugin };
}
