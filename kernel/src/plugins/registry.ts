import { type Deadline, type Judge, type Logger, sleep } from '@cleat/core';
import { wallClockNs as now } from '@cleat/core/deadlines';
import { type Check, compileJsonSchema } from '@cleat/core/validation';
import { addressesOf, CleatError, matchesPattern, type ProvidedKind, type plugin, type sys } from '@cleat/schemas';
import type { PluginPast } from '@cleat/schemas/event-types';
import { PROVIDER_START_MS } from '../engine/limits.ts';
import type { ProviderEntry } from '../engine/ports.ts';
import { pluginEvent } from '../state/event-draft.ts';
import type { KernelStore } from '../state/kernel-store.ts';
import type { InstalledPlugin } from './installed.ts';

export type PluginState = 'installed' | 'starting' | 'ready' | 'unresponsive' | 'incompatible' | 'stopped' | 'disabled' | 'failed';

/** A plugin as it is now. */
export interface PluginEntry {
  readonly installed: InstalledPlugin;
  state: PluginState;
  reason: string;
  instance: string;
  pid: number;
  /** Version picked of each contract. */
  picked: Readonly<Record<string, string>>;
  restarts: number;
  readySince: bigint;
  lastBeatMs: number;
  store: string;
  /** Aborts calls that can no longer be answered: it was disabled, has failed, or is away for too long. */
  gone: AbortController;
}

/** Every plugin that is installed, and who provides what. Its state changes are events. */
export class PluginRegistry {
  readonly #entries = new Map<string, PluginEntry>();
  readonly #checks = new Map<string, Promise<Check>>();
  readonly #waiters = new Set<() => void>();
  readonly #store: KernelStore;
  readonly #log: Logger;

  constructor(store: KernelStore, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  get all(): readonly PluginEntry[] {
    return [...this.#entries.values()];
  }

  get installed(): readonly InstalledPlugin[] {
    return this.all.map(({ installed }) => installed);
  }

  get enabled(): readonly InstalledPlugin[] {
    return this.installed.filter(({ enabled }) => enabled);
  }

  find(name: string): PluginEntry | undefined {
    return this.#entries.get(name);
  }

  get(name: string): PluginEntry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new CleatError('not_found', 'PLUGIN_NOT_FOUND', `no plugin is called ${name}`);
    return entry;
  }

  /** Adds or replaces what is installed under a name. Throws `conflict` KIND_TAKEN: one plugin provides a kind on a node. */
  put(installed: InstalledPlugin): PluginEntry {
    const { manifest } = installed;
    if (installed.enabled) this.#checkKinds(installed);
    const known = this.#entries.get(manifest.name);
    known?.gone.abort(
      new CleatError('unavailable', 'PLUGIN_GONE', `plugin ${manifest.name} was replaced`, { plugin: manifest.name, retryable: true }),
    );
    const entry: PluginEntry = {
      installed,
      state: installed.enabled ? 'installed' : 'disabled',
      reason: '',
      instance: '',
      pid: 0,
      picked: {},
      restarts: 0,
      readySince: 0n,
      lastBeatMs: 0,
      store: '',
      gone: new AbortController(),
    };
    this.#entries.set(manifest.name, entry);
    for (const { kind } of manifest.provides ?? []) this.#checks.delete(kind);
    return entry;
  }

  drop(name: string): void {
    this.#entries.get(name)?.gone.abort(new CleatError('unavailable', 'PLUGIN_GONE', `plugin ${name} was removed`, { plugin: name }));
    this.#entries.delete(name);
    this.#changed();
  }

  /** Moves a plugin to a state, tells it as an event, and wakes who waits. */
  move(entry: PluginEntry, state: PluginState, reason = ''): void {
    if (entry.state === state && entry.reason === reason) return;
    const before = entry.state;
    entry.state = state;
    entry.reason = reason;
    const { manifest } = entry.installed;
    if (state === 'ready') {
      entry.readySince = now();
      if (entry.gone.signal.aborted) entry.gone = new AbortController();
    }
    this.#log.info('plugin', { plugin: manifest.name, state, reason });
    const past = eventOf(state, before);
    if (past !== undefined) {
      this.#store.writeNode('plugin', '{}', [pluginEvent(past, { name: manifest.name, version: manifest.version, reason })]);
      void this.#store.sync().catch((error: unknown) => this.#log.error('an event could not be synced', { error }));
    }
    this.#changed();
  }

  /** Fails what waits for an answer of the plugin. */
  giveUp(entry: PluginEntry, reason: string): void {
    const { name } = entry.installed.manifest;
    entry.gone.abort(new CleatError('unavailable', 'PLUGIN_GONE', `plugin ${name} ${reason}`, { plugin: name, retryable: true }));
  }

  /** The provider of a kind, ready or not. */
  providerOf(kind: string): ProviderEntry | undefined {
    for (const entry of this.#entries.values()) {
      const provided = entry.installed.enabled ? entry.installed.manifest.provides?.find((known) => known.kind === kind) : undefined;
      if (provided !== undefined) return providerEntry(entry, provided);
    }
    return undefined;
  }

  /** Waits while it is starting, at most ten seconds; a plugin that cannot come is an error at once. */
  async readyProvider(kind: string, deadline: Deadline, signal?: AbortSignal): Promise<ProviderEntry> {
    const startedMs = deadline.remainingMs;
    for (;;) {
      signal?.throwIfAborted();
      const provider = this.providerOf(kind);
      if (provider === undefined) throw new CleatError('invalid_argument', 'KIND_UNKNOWN', `no plugin provides claims of the kind ${kind}`);
      if (provider.isReady) return provider;
      const entry = this.get(provider.plugin);
      const waitedMs = startedMs - deadline.remainingMs;
      if (!mayCome(entry.state) || waitedMs > PROVIDER_START_MS || deadline.isExpired) throw away(entry, kind);
      await this.#nextChange(Math.min(1000, PROVIDER_START_MS), signal);
    }
  }

  async checkOptions(provider: ProviderEntry, options: string): Promise<void> {
    let value: unknown;
    try {
      value = JSON.parse(options);
    } catch {
      throw new CleatError('invalid_argument', 'CLAIM_OPTIONS', `the options of a claim of the kind ${provider.kind.kind} are not JSON`);
    }
    const { kind, options: schema } = provider.kind;
    if (schema === undefined) return;
    const known = this.#checks.get(kind) ?? compileJsonSchema(schema);
    this.#checks.set(kind, known);
    const faults = (await known)(value);
    if (faults.length > 0)
      throw new CleatError('invalid_argument', 'CLAIM_OPTIONS', `invalid options for ${kind}: ${faults.slice(0, 5).join('; ')}`, {
        plugin: provider.plugin,
      });
  }

  /** Plugins that judge an operation, in the order of their names. */
  judgesOf(operation: string): readonly Judge[] {
    return this.all
      .filter(({ installed }) => installed.enabled && matchesPattern(installed.grant.intercepts, operation))
      .map(({ installed, state }) => ({ name: installed.manifest.name, state }))
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  participants(keyOf: (name: string) => string): readonly sys.ParticipantInput[] {
    return this.all.map((entry) => {
      const { manifest, grant } = entry.installed;
      return {
        name: manifest.name,
        version: manifest.version,
        state: entry.state,
        contracts: manifest.contracts,
        addresses: addressesOf(manifest),
        intercepts: grant.intercepts,
        key: keyOf(manifest.name),
        speaksFor: grant.speakFor,
      };
    });
  }

  info(entry: PluginEntry): plugin.InfoInput {
    const { manifest, grant, enabled, origin, group } = entry.installed;
    const { state, reason, pid, restarts, readySince } = entry;
    return {
      ...{ state, reason, enabled, origin, pid, restarts, readySince },
      name: manifest.name,
      version: manifest.version,
      process: group,
      manifest: JSON.stringify(manifest),
      grant: JSON.stringify(grant),
    };
  }

  #checkKinds(installed: InstalledPlugin): void {
    for (const { kind } of installed.manifest.provides ?? []) {
      const holder = this.providerOf(kind);
      if (holder !== undefined && holder.plugin !== installed.manifest.name) {
        throw new CleatError('conflict', 'KIND_TAKEN', `the kind ${kind} is provided by plugin ${holder.plugin} already`, {
          hint: `Disable ${holder.plugin} first.`,
        });
      }
    }
    for (const { kind, name } of installed.manifest.drives ?? []) {
      const holder = this.enabled.find(
        ({ manifest }) =>
          manifest.name !== installed.manifest.name && manifest.drives?.some((driven) => driven.kind === kind && driven.name === name),
      );
      if (holder !== undefined)
        throw new CleatError('conflict', 'DRIVER_TAKEN', `the ${kind} driver ${name} is plugin ${holder.manifest.name} already`);
    }
  }

  #changed(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  async #nextChange(ms: number, signal?: AbortSignal): Promise<void> {
    const controller = new AbortController();
    const wake = (): void => controller.abort();
    this.#waiters.add(wake);
    signal?.addEventListener('abort', wake, { once: true });
    try {
      await sleep(ms, controller.signal);
    } catch {
      // Something changed: the caller looks again.
    } finally {
      this.#waiters.delete(wake);
      signal?.removeEventListener('abort', wake);
    }
  }
}

function providerEntry(entry: PluginEntry, kind: ProvidedKind): ProviderEntry {
  return { plugin: entry.installed.manifest.name, kind, grant: entry.installed.grant, isReady: entry.state === 'ready' };
}

/** True for a plugin that is not ready and is still expected. */
export function mayCome(state: PluginState): boolean {
  return state === 'installed' || state === 'starting' || state === 'unresponsive';
}

function away(entry: PluginEntry, kind: string): CleatError {
  const { name } = entry.installed.manifest;
  const why = entry.reason === '' ? entry.state : `${entry.state}: ${entry.reason}`;
  return new CleatError('unavailable', 'PLUGIN_AWAY', `plugin ${name}, which provides ${kind}, is not there (${why})`, {
    plugin: name,
    retryable: true,
  });
}

function eventOf(state: PluginState, before: PluginState): PluginPast | undefined {
  switch (state) {
    case 'ready':
      return 'ready';
    case 'starting':
    case 'unresponsive':
      return before === 'ready' ? 'lost' : undefined;
    case 'incompatible':
      return 'incompatible';
    case 'failed':
      return 'failed';
    case 'stopped':
    case 'disabled':
    case 'installed':
      return undefined;
  }
}
