import { type ContractCaller, Deadline, type Logger, monotonicMs, reconcilePages, settledBy } from '@cleat/core';
import {
  CleatError,
  type Hello,
  highestCommon,
  incompatible,
  type journal,
  type provider,
  toCleatError,
  type Welcome,
} from '@cleat/schemas';
import { claimFacts } from '../engine/claim-facts.ts';
import type { KernelStore } from '../state/kernel-store.ts';
import { mayCome, type PluginEntry, type PluginRegistry } from './registry.ts';

export const HEARTBEAT_MS = 5_000;
const MISSED_BEATS = 3;
const RECONCILE_MS = 120_000;

/** What the handshake needs to know of the node. */
export interface NodeFacts {
  readonly nodeName: string;
  readonly version: string;
  readonly bootId: string;
  readonly instanceId: string;
  readonly runDir: string;
  readonly stateDir: string;
}

export interface HandshakeParts {
  readonly store: KernelStore;
  readonly registry: PluginRegistry;
  readonly caller: ContractCaller;
  readonly log: Logger;
  readonly facts: NodeFacts;
  readonly whoIs: (callerKey: string) => string | undefined;
  readonly directories: (plugin: string) => { readonly state: string; readonly run: string };
}

/** Hello, reconcile, ready, beat: how a plugin becomes part of the node, and how its absence is noticed. */
export class Handshake {
  readonly #parts: HandshakeParts;
  #lookedMs = monotonicMs();

  constructor(parts: HandshakeParts) {
    this.#parts = parts;
  }

  /** The first message of a plugin. Throws `conflict` INCOMPATIBLE with a sentence that says what to upgrade. */
  hello(hello: Hello, callerKey: string): Welcome {
    const { registry, store, facts } = this.#parts;
    const entry = this.#entryOf(callerKey, hello.name);
    const { manifest, grant, config } = entry.installed;
    if (!entry.installed.enabled) throw new CleatError('unavailable', 'PLUGIN_DISABLED', `plugin ${hello.name} is disabled`);
    try {
      entry.picked = this.#pick(hello);
    } catch (error) {
      registry.move(entry, 'incompatible', toCleatError(error).message);
      throw error;
    }
    entry.instance = hello.instance;
    entry.pid = hello.pid;
    entry.store = hello.store;
    entry.lastBeatMs = monotonicMs();
    registry.move(entry, 'starting', 'it is setting itself up');
    const directories = this.#parts.directories(manifest.name);
    return {
      welcome: 1,
      node: store.nodeId,
      nodeName: facts.nodeName,
      kernel: facts.version,
      bootId: facts.bootId,
      instanceId: facts.instanceId,
      heartbeatMs: HEARTBEAT_MS,
      picked: entry.picked,
      grant,
      config,
      stateDir: directories.state,
      runDir: directories.run,
      eventNumber: store.pluginEvents.get(`${manifest.name} ${hello.store}`) ?? 0,
      owned: [...store.containers.values()]
        .filter(({ definition }) => definition.owner === manifest.name)
        .map(({ definition }) => definition.id),
      streamBase: store.stream?.base ?? 0,
    };
  }

  /** The plugin is set up: it hears what it holds and owes, and is asked for nothing else until it has answered. */
  async ready(instance: string, callerKey: string): Promise<void> {
    const { registry } = this.#parts;
    const entry = this.#known(instance, callerKey);
    // What comes to be owed while a reconcile is under way is in none: it is followed by another.
    const told = new Set<journal.OwedRecord>();
    for (const { kind } of entry.installed.manifest.provides ?? []) {
      do await this.#reconcile(entry, kind, told);
      while (this.#parts.store.owed.to(entry.installed.manifest.name, kind).some((record) => !told.has(record)));
    }
    if (entry.instance !== instance) throw staleInstance(entry);
    entry.lastBeatMs = monotonicMs();
    registry.move(entry, 'ready');
    // What was asked of the process before is asked of this one at once, instead of after a silence.
    this.#parts.caller.hurry();
  }

  /** Of a whole process, by one of its plugins. False: the kernel does not know this start of the plugin, so it must say hello again. */
  beat(instance: string, callerKey: string): boolean {
    const name = this.#parts.whoIs(callerKey);
    const entry = name === undefined ? undefined : this.#parts.registry.find(name);
    if (entry === undefined || entry.instance !== instance) return false;
    for (const other of this.#parts.registry.all) if (isSameProcess(other, entry)) other.lastBeatMs = monotonicMs();
    // One that was silent for too long has debts by now: it begins anew, with its reconcile.
    return entry.state === 'ready' || entry.state === 'starting';
  }

  /** Called at every heartbeat: who has not been heard of for three beats is unresponsive. */
  checkBeats(isBusUp: boolean): void {
    const silentMs = MISSED_BEATS * HEARTBEAT_MS;
    const looked = this.#lookedMs;
    this.#lookedMs = monotonicMs();
    // Beats that came while the kernel itself stood still are read after this look.
    const couldHear = isBusUp && this.#lookedMs - looked < 2 * HEARTBEAT_MS;
    for (const entry of this.#parts.registry.all) {
      if (entry.state !== 'ready') continue;
      // While the bus is away nobody can be heard.
      if (!couldHear) entry.lastBeatMs = monotonicMs();
      else if (monotonicMs() - entry.lastBeatMs > silentMs)
        this.#parts.registry.move(entry, 'unresponsive', `no heartbeat for ${silentMs / 1000} s`);
    }
  }

  /** The plugin's connection or process has ended. */
  lost(name: string, reason: string): void {
    const entry = this.#parts.registry.find(name);
    if (entry === undefined || (entry.state !== 'ready' && !mayCome(entry.state))) return;
    entry.instance = '';
    this.#parts.registry.move(entry, 'starting', reason);
  }

  #pick(hello: Hello): Readonly<Record<string, string>> {
    const picked: Record<string, string> = {};
    for (const [contract, theirs] of Object.entries(hello.contracts)) {
      const ours = this.#parts.store.book.versionsOf(contract);
      if (ours.length === 0) continue;
      const version = highestCommon(ours, theirs);
      if (version === undefined) throw incompatible(hello, contract, { ours, theirs, kernel: this.#parts.facts.version });
      picked[contract] = version;
    }
    return picked;
  }

  async #reconcile(entry: PluginEntry, kind: string, told: Set<journal.OwedRecord>): Promise<void> {
    const { store, caller, facts, log } = this.#parts;
    const { name } = entry.installed.manifest;
    await store.sync();
    const owed = store.owed.to(name, kind);
    for (const record of owed) told.add(record);
    const content = {
      bootId: facts.bootId,
      position: store.newest,
      held: this.#held(name, kind),
      owed: owed.map(({ reference, operation, purge }) => ({ reference, operation, purge })),
    };
    const deadline = Deadline.after(RECONCILE_MS);
    let last: provider.ReconcileResponse | undefined;
    for (const page of reconcilePages(content)) {
      last = await caller.call<provider.ReconcileResponse>('provider', `provider.${kind}`, 'reconcile', page, {
        deadline,
        plugin: name,
        version: entry.picked['provider'],
        signal: entry.gone.signal,
      });
    }
    if (last === undefined) return;
    const settled = new Set(settledBy(content.owed, last).map(({ reference }) => `${reference.container}/${reference.claim}`));
    for (const record of owed)
      if (settled.has(`${record.reference.container}/${record.reference.claim}`)) store.writeOwed({ ...record, settled: true });
    for (const { reference, reason } of last.failures)
      log.warn('a plugin could not undo', { plugin: name, container: reference.container, claim: reference.claim, reason });
    for (const reference of last.lacks)
      log.error('a plugin lacks what it should hold', { plugin: name, container: reference.container, claim: reference.claim });
  }

  /** Claims of a kind that the plugin holds for the kernel. */
  #held(plugin: string, kind: string): readonly provider.HeldInput[] {
    const { store, facts } = this.#parts;
    const held: provider.HeldInput[] = [];
    for (const container of store.containers.values()) {
      const { definition, progress } = container;
      for (const claim of definition.claims) {
        const known = progress.claims.find(({ name }) => name === claim.name);
        if (claim.kind !== kind || known === undefined || known.provider !== plugin || !known.reserved) continue;
        held.push({ ...claimFacts(container, claim, known, facts), attached: known.attached });
      }
    }
    return held;
  }

  #entryOf(callerKey: string, claimedName: string): PluginEntry {
    const name = this.#parts.whoIs(callerKey);
    if (name === undefined || name !== claimedName) {
      throw new CleatError('permission_denied', 'HELLO_NAME', `a hello as ${claimedName} came from the account of ${name ?? 'nobody'}`);
    }
    return this.#parts.registry.get(name);
  }

  #known(instance: string, callerKey: string): PluginEntry {
    const name = this.#parts.whoIs(callerKey);
    const entry = name === undefined ? undefined : this.#parts.registry.find(name);
    if (entry === undefined || entry.instance !== instance)
      throw new CleatError('conflict', 'HELLO_FIRST', 'say hello first', { retryable: true });
    return entry;
  }
}

function staleInstance(entry: PluginEntry): CleatError {
  return new CleatError('conflict', 'HELLO_STALE', `another instance of plugin ${entry.installed.manifest.name} has said hello since`);
}

/** The group is the kernel's own knowledge; the pid tells an old process of it, which is ending, from the new one. */
function isSameProcess(one: PluginEntry, other: PluginEntry): boolean {
  return one.installed.group === other.installed.group && one.pid === other.pid;
}
