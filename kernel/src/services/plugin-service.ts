import { Deadline } from '@cleat/core';
import type { EventStream, PrivateBus } from '@cleat/core/bus';
import { busGrant, checkedManifest } from '@cleat/core/contracts';
import { lastLines } from '@cleat/core/files';
import { acceptedGrant, CleatError, consumerGrant, eventFilterSubject, type plugin, resolvedGrant, toCleatError } from '@cleat/schemas';
import type { PluginPast } from '@cleat/schemas/event-types';
import type { ProviderPort } from '../engine/ports.ts';
import { standingStream } from '../events/event-service.ts';
import type { InstalledPlugin } from '../plugins/installed.ts';
import type { PluginEntry, PluginRegistry } from '../plugins/registry.ts';
import type { PluginSupervisor } from '../plugins/supervisor.ts';
import { pluginEvent } from '../state/event-draft.ts';
import type { KernelStore } from '../state/kernel-store.ts';

const BUS_MS = 10_000;
const KIND_MS = 10_000;
const MOST_NAMED = 5;
const CONSUMER_PREFIX = 'consumer-';

export interface PluginServiceParts {
  readonly store: KernelStore;
  readonly registry: PluginRegistry;
  readonly supervisor: PluginSupervisor;
  readonly providers: ProviderPort;
  readonly directories: (plugin: string) => { readonly state: string; readonly run: string };
  readonly bus: PrivateBus;
  readonly stream: EventStream;
  /** Computes every participant's rights anew and tells the bus. */
  readonly regrant: () => Promise<void>;
}

/** `plugin@1`: plugins of third parties, and consumers outside the platform. */
export class PluginService {
  readonly #parts: PluginServiceParts;

  constructor(parts: PluginServiceParts) {
    this.#parts = parts;
  }

  async list(): Promise<plugin.ListResponseInput> {
    return { plugins: this.#parts.registry.all.map((entry) => this.#info(entry)) };
  }

  async inspect(request: plugin.InspectRequest): Promise<plugin.InfoInput> {
    return this.#info(this.#parts.registry.get(request.name));
  }

  async install(request: plugin.InstallRequest): Promise<plugin.InfoInput> {
    const { registry, bus, store, supervisor } = this.#parts;
    const manifest = await checkedManifest(request.directory);
    const known = registry.find(manifest.name);
    if (known?.installed.origin === 'default')
      throw new CleatError('already_exists', 'PLUGIN_DEFAULT', `${manifest.name} is a plugin of the configuration`);
    if ((manifest.run?.command ?? []).length === 0)
      throw new CleatError('invalid_argument', 'MANIFEST_INVALID', `the manifest of ${manifest.name} does not say how it is run`, {
        hint: 'Add "run": {"command": [...]}.',
      });
    const grant = resolvedGrant(acceptedGrant(manifest, request.grant), this.#parts.directories(manifest.name));
    const installed: InstalledPlugin = {
      manifest,
      grant,
      enabled: request.enable,
      origin: 'third-party',
      group: manifest.name,
      location: request.directory,
      config: known?.installed.config ?? {},
    };
    if (known !== undefined) await supervisor.stopGroup(known.installed.group);
    registry.put(installed);
    this.#write(installed, known === undefined ? 'installed' : 'upgraded');
    await store.sync();
    await bus.add(manifest.name, Deadline.after(BUS_MS));
    await this.#parts.regrant();
    if (request.enable) await supervisor.startGroup(installed.group);
    return this.inspect({ name: manifest.name });
  }

  async enable(request: plugin.NameRequest): Promise<plugin.InfoInput> {
    return this.#switch(request.name, true);
  }

  /** Refused while containers use what it provides or it drives something, unless forced: they run on, and what it should undo is owed to it. */
  async disable(request: plugin.NameRequest): Promise<plugin.InfoInput> {
    this.#refuseUsers(request);
    await this.#refuseDriver(request);
    return this.#switch(request.name, false);
  }

  async remove(request: plugin.NameRequest): Promise<object> {
    const { registry, supervisor, store, bus } = this.#parts;
    const entry = registry.get(request.name);
    if (entry.installed.origin === 'default')
      throw new CleatError('conflict', 'PLUGIN_DEFAULT', `${request.name} is a plugin of the configuration`, {
        hint: 'Take it out of the configuration, or disable it.',
      });
    this.#refuseUsers(request);
    await this.#refuseDriver(request);
    await supervisor.stopGroup(entry.installed.group);
    registry.drop(request.name);
    store.writePlugin(request.name, undefined, [pluginEvent('removed', { name: request.name, version: entry.installed.manifest.version })]);
    await store.sync();
    await this.#parts.regrant();
    await bus.remove(request.name, Deadline.after(BUS_MS));
    return {};
  }

  async logs(request: plugin.LogsRequest): Promise<plugin.LogsResponseInput> {
    const { registry, supervisor } = this.#parts;
    const path = supervisor.logFile(registry.get(request.name).installed.group);
    return { path, lines: await lastLines(path, Math.min(2000, Math.max(1, request.tail))) };
  }

  /** Credentials and a durable position for a program outside the platform. */
  async consumerAdd(request: plugin.ConsumerAddRequest): Promise<plugin.ConsumerAddResponseInput> {
    const { store, bus, stream } = this.#parts;
    if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(request.name))
      throw new CleatError('invalid_argument', 'CONSUMER_NAME', `"${request.name}" is no name for a consumer: [a-z0-9][a-z0-9-]*`);
    if (store.consumers.has(request.name))
      throw new CleatError('already_exists', 'CONSUMER_EXISTS', `a consumer is called ${request.name} already`);
    const participant = `${CONSUMER_PREFIX}${request.name}`;
    const deadline = Deadline.after(BUS_MS);
    const filter = eventFilterSubject(request.type);
    const after = request.after < 0 ? store.newest : request.after;
    const { base, oldest } = await standingStream(store, stream, deadline);
    store.writeConsumer(request.name, JSON.stringify({ type: request.type, after }));
    await store.sync();
    const keys = await bus.add(participant, deadline);
    await bus.grant(participant, busGrant(consumerGrant(request.type), [], store.nodeId), deadline);
    await stream.createConsumer({ name: keys.importing, filter, after: Math.max(after, oldest - 1) - base }, deadline);
    const credentials = bus.credentials(participant, { isBearer: true }).importing;
    return {
      name: request.name,
      url: bus.url,
      credentials: JSON.stringify({ url: bus.url, ...credentials, node: store.nodeId, base, after }),
      consumer: keys.importing,
      subject: filter,
    };
  }

  async consumerList(): Promise<plugin.ConsumerListResponseInput> {
    const { store, bus, stream } = this.#parts;
    const base = store.stream?.base ?? 0;
    const consumers: plugin.ConsumerInfoInput[] = [];
    for (const [name, data] of store.consumers) {
      const { type } = consumerData(data);
      const state = await stream.consumer(bus.keysOf(`${CONSUMER_PREFIX}${name}`).importing, Deadline.after(BUS_MS));
      consumers.push({
        name,
        type,
        position: state === undefined ? 0 : state.acknowledgedSequence + base,
        pending: (state?.pending ?? 0) + (state?.unacknowledged ?? 0),
        gone: state === undefined,
      });
    }
    return { consumers };
  }

  async consumerRemove(request: plugin.NameRequest): Promise<object> {
    const { store, bus, stream } = this.#parts;
    if (!store.consumers.has(request.name))
      throw new CleatError('not_found', 'CONSUMER_NOT_FOUND', `no consumer is called ${request.name}`);
    const participant = `${CONSUMER_PREFIX}${request.name}`;
    await stream.deleteConsumer(bus.keysOf(participant).importing, Deadline.after(BUS_MS));
    await bus.remove(participant, Deadline.after(BUS_MS));
    store.writeConsumer(request.name, undefined);
    await store.sync();
    return {};
  }

  #info(entry: PluginEntry): plugin.InfoInput {
    const { registry, supervisor } = this.#parts;
    const { group } = entry.installed;
    return { ...registry.info(entry), pid: supervisor.pidOf(group), restarts: supervisor.restartsOf(group) };
  }

  async #switch(name: string, enabled: boolean): Promise<plugin.InfoInput> {
    const { registry, supervisor, store } = this.#parts;
    const { installed } = registry.get(name);
    if (installed.enabled === enabled) return this.inspect({ name });
    const changed = { ...installed, enabled };
    registry.put(changed);
    this.#write(changed, enabled ? 'enabled' : 'disabled');
    await store.sync();
    await this.#parts.regrant();
    await supervisor.restartGroup(installed.group);
    return this.inspect({ name });
  }

  #write(installed: InstalledPlugin, past: PluginPast): void {
    const { name, version } = installed.manifest;
    const { manifest, grant, enabled, origin, group, location, config } = installed;
    this.#parts.store.writePlugin(name, JSON.stringify({ manifest, grant, enabled, origin, group, location, config }), [
      pluginEvent(past, { name, version }),
    ]);
  }

  #refuseUsers(request: plugin.NameRequest): void {
    if (request.force) return;
    const users = [...this.#parts.store.containers.values()].filter(({ progress }) =>
      progress.claims.some((claim) => claim.provider === request.name && claim.reserved),
    );
    if (users.length === 0) return;
    const names = users.slice(0, MOST_NAMED).map(({ definition }) => definition.name);
    throw new CleatError(
      'conflict',
      'PLUGIN_IN_USE',
      `plugin ${request.name} is used by ${users.length} containers (${names.join(', ')}${users.length > MOST_NAMED ? ', ...' : ''})`,
      { hint: 'Remove them, or use force: they run on, and what the plugin should undo is owed to it.' },
    );
  }

  /** Only the kinds know what their drivers hold, and without its driver it cannot even be removed. */
  async #refuseDriver({ name: plugin, force }: plugin.NameRequest): Promise<void> {
    const { providers, registry } = this.#parts;
    const { drives = [] } = registry.get(plugin).installed.manifest;
    for (const { kind, name } of force ? [] : drives) {
      const provider = providers.find(kind)?.plugin ?? plugin;
      if (provider === plugin) continue;
      const deadline = Deadline.after(KIND_MS);
      const { count, names } = await providers
        .ready(kind, deadline)
        .then(() => providers.call({ plugin: provider, kind }, 'list', { driver: name }, { deadline }))
        .catch((error: unknown) => noDrivers(error, `which ${kind}s plugin ${plugin} drives`));
      if (count === 0) continue;
      const shown = names.slice(0, MOST_NAMED).map((object) => `${kind} ${object}`);
      const more = count > shown.length ? ` and ${count - shown.length} more` : '';
      throw new CleatError('conflict', 'DRIVER_IN_USE', `the plugin ${plugin} is the driver of ${shown.join(', ')}${more}`, {
        hint: 'Remove them first, or use force: they stay, and are of no use until the plugin is back.',
      });
    }
  }
}

/** A kind that does not know the question has none. */
function noDrivers(error: unknown, question: string): { readonly count: number; readonly names: readonly string[] } {
  const { class: kind, code, message, plugin, retryable, details } = toCleatError(error);
  if (kind === 'unimplemented') return { count: 0, names: [] };
  const hint = 'Try again when it answers, or use force: what is driven stays, and is of no use until the plugin is back.';
  throw new CleatError(kind, code, `nobody could say ${question}: ${message}`, { hint, plugin, retryable, details, cause: error });
}

export function consumerData(data: string): { readonly type: string } {
  const value: unknown = JSON.parse(data);
  const type: unknown = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  return { type: typeof type === 'string' ? type : '*' };
}
