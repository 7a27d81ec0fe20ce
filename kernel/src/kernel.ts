import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ContractCall,
  ContractCallee,
  ContractCaller,
  createLogger,
  Deadline,
  ErrorCodec,
  everyWhole,
  Interception,
  type Logger,
  TaskGroup,
} from '@cleat/core';
import { BusCallee, type BusConnection, EventStream, KERNEL, PrivateBus } from '@cleat/core/bus';
import { busGrant, kernelGrant, readManifest } from '@cleat/core/contracts';
import { umount } from '@cleat/core/syscalls';
import { findRuntimes, instanceIdOf, ownCgroupParent, prepareRunDirectory, RuntimeHost } from '@cleat/runtime';
import { askedGrant, CleatError, consumerGrant, type Grant, operatorGrant, parseHello, resolvedGrant, toCleatError } from '@cleat/schemas';
import { type HeldTarget, StreamsClient } from '@cleat/streams';
import type { KernelConfig } from './config.ts';
import { Engine } from './engine/engine.ts';
import { EventPublisher, newNodeId } from './events/event-publisher.ts';
import { EventService } from './events/event-service.ts';
import { Debts } from './plugins/debts.ts';
import { Handshake, HEARTBEAT_MS } from './plugins/handshake.ts';
import type { InstalledPlugin } from './plugins/installed.ts';
import { ProviderCalls } from './plugins/provider-calls.ts';
import { PluginRegistry } from './plugins/registry.ts';
import { PluginSupervisor, pluginDirectories } from './plugins/supervisor.ts';
import { ClaimService, ContainerService, ExecService, LogdataService, ViewService } from './services/container-service.ts';
import { NodeService } from './services/node-service.ts';
import { consumerData, PluginService } from './services/plugin-service.ts';
import { serveContracts } from './services/serving.ts';
import { SysService } from './services/sys-service.ts';
import { hasProcess } from './state/container.ts';
import { nodeEvent } from './state/event-draft.ts';
import { KernelStore } from './state/kernel-store.ts';

const BUS_MS = 20_000;
/** A bus that is not up by then comes later; containers are not kept waiting for it. */
const BUS_FIRST_MS = 3_000;
const OPERATOR = 'operator';
const CLOSE_MS = 5_000;

/** One kernel: everything that it is made of, in the order in which it comes up. */
export class Kernel {
  readonly #config: KernelConfig;
  readonly log: Logger;
  readonly #tasks: TaskGroup;
  readonly #store: KernelStore;
  readonly #instanceId: string;
  readonly #bootId: string;
  readonly #registry: PluginRegistry;
  #bus: PrivateBus | undefined;
  #exporting: BusConnection | undefined;
  #importing: BusConnection | undefined;
  #engine: Engine | undefined;
  #streams: StreamsClient | undefined;
  #runtime: RuntimeHost | undefined;
  #supervisor: PluginSupervisor | undefined;
  #callee: ContractCallee | undefined;
  #handshake: Handshake | undefined;
  #onShutdown: (how: { readonly stopContainers: boolean }) => void = () => undefined;

  private constructor(config: KernelConfig, store: KernelStore, instanceId: string, log: Logger) {
    this.#config = config;
    this.#store = store;
    this.#instanceId = instanceId;
    this.log = log;
    this.#tasks = new TaskGroup({ logger: log });
    this.#bootId = config.bootId === '' ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : config.bootId;
    this.#registry = new PluginRegistry(store, log);
  }

  /** Takes the lock of the state directory before it touches bus or run directory. */
  static async start(config: KernelConfig, fault?: string): Promise<Kernel> {
    const log = createLogger({ level: config.logLevel, fields: { process: 'kernel' } });
    mkdirSync(config.stateDir, { recursive: true, mode: 0o711 });
    const store = KernelStore.open({ dir: join(config.stateDir, 'journal'), log, fault });
    const kernel = new Kernel(config, store, await instanceIdOf(config.stateDir), log);
    await kernel.#up();
    return kernel;
  }

  onShutdown(listener: (how: { readonly stopContainers: boolean }) => void): void {
    this.#onShutdown = listener;
  }

  async #up(): Promise<void> {
    const { runDir } = this.#config;
    if (this.#store.nodeId === '') this.#store.writeNode('identity', newNodeId());
    mkdirSync(runDir, { recursive: true, mode: 0o711 });
    prepareRunDirectory(join(runDir, 'c'));
    this.#runtime = this.#makeRuntime();
    this.#streams = this.#makeStreams();
    // The engine recovers without the bus: what a plugin should undo is owed to it until it is there.
    const bus = await this.#startBus();
    this.#connect(bus);
    await this.#installConfigured();
    const engine = this.#makeEngine();
    // It knows of the ends of its execs, so it is asked first.
    await this.#streams.adopt().catch((error: unknown) => {
      this.log.warn('streams does not answer', { error: toCleatError(error).message });
    });
    await engine.recovery.run();
    engine.logs.start();
    this.#serve(engine, bus);
    // Plugins that run on hear by it that they have to say hello again, at once instead of at their next beat.
    this.#store.writeNode('started', '{}', [nodeEvent('started', this.#store.nodeId, {})]);
    await this.#store.sync();
    this.#tasks.spawn('plugins', () => this.#startPlugins(bus));
  }

  #makeStreams(): StreamsClient {
    const { runDir, stateDir } = this.#config;
    mkdirSync(join(runDir, 'streams'), { recursive: true, mode: 0o700 });
    mkdirSync(join(stateDir, 'spool'), { recursive: true, mode: 0o700 });
    mkdirSync(join(stateDir, 'log'), { recursive: true, mode: 0o700 });
    const streams: StreamsClient = new StreamsClient({
      socketPath: join(runDir, 'streams', 'socket'),
      spoolDirectory: join(stateDir, 'spool'),
      logPath: join(stateDir, 'log', 'streams.log'),
      log: this.log,
      nodeFlags: process.execArgv,
      onHeld: (held) => this.#tellHeld(streams, held),
    });
    return streams;
  }

  /** Clients that were attached before this kernel began hear of ends that nobody could tell them. */
  #tellHeld(streams: StreamsClient, held: readonly HeldTarget[]): void {
    const execs = new Set(
      [...this.#store.containers.values()].flatMap(({ progress }) =>
        progress.execs.filter(({ info }) => info.running).map(({ info }) => info.id),
      ),
    );
    for (const { target } of held) {
      if (execs.has(target)) continue;
      const known = this.#store.containers.get(target);
      if (known === undefined) {
        streams.removed(target);
        continue;
      }
      const { run, exitCode, status, error } = known.progress.state;
      if (!hasProcess(known.progress) && status !== 'starting' && run > 0)
        streams.exited(target, run, exitCode, status === 'restarting', error);
    }
  }

  #makeRuntime(): RuntimeHost {
    const { runtimes, defaultRuntime, runDir, cgroupDriver, cgroupParent } = this.#config;
    return new RuntimeHost({
      ...{ defaultRuntime, runDir, cgroupDriver },
      runtimes: findRuntimes(runtimes),
      cgroupParent: cgroupParent === '' ? ownCgroupParent(cgroupDriver, this.#instanceId) : cgroupParent,
    });
  }

  async #startBus(): Promise<PrivateBus> {
    const { stateDir, nats } = this.#config;
    const leaf = nats.url === undefined ? undefined : { url: nats.url, credentialsFile: nats.credentials };
    const bus = await PrivateBus.start(
      {
        dir: join(stateDir, 'bus'),
        log: this.log,
        ...(nats.server === undefined ? {} : { binary: nats.server }),
        ...(leaf === undefined ? {} : { leaf }),
        onDisconnect: ({ participant }) => this.#supervisor?.check(participant),
        urlFile: this.#urlFile,
      },
      Deadline.after(BUS_FIRST_MS),
    );
    this.#bus = bus;
    return bus;
  }

  #connect(bus: PrivateBus): void {
    const credentials = bus.credentials(KERNEL);
    this.#exporting = bus.connect('kernel/exporting', credentials.exporting);
    this.#importing = bus.connect('kernel/importing', credentials.importing);
  }

  /** What the configuration names is installed anew at every start; what users installed comes from the journal. */
  async #installConfigured(): Promise<void> {
    const configured = new Set(this.#config.plugins.map(({ name }) => name));
    for (const [name, data] of this.#store.plugins) {
      const installed = JSON.parse(data) as InstalledPlugin;
      if (installed.origin === 'third-party') this.#registry.put(installed);
      else if (!configured.has(name)) this.#store.writePlugin(name, undefined);
    }
    for (const { name, directory, module, group, config } of this.#config.plugins) {
      const manifest = readManifest(directory);
      if (manifest.name !== name)
        throw new CleatError('invalid_argument', 'CONFIG_INVALID', `the plugin in ${directory} is called ${manifest.name}, not ${name}`);
      const grant = resolvedGrant(askedGrant(manifest), pluginDirectories(this.#config, name));
      const disabled = this.#store.plugins.get(name);
      const enabled = disabled === undefined || (JSON.parse(disabled) as InstalledPlugin).enabled;
      this.#registry.put({ manifest, grant, enabled, origin: 'default', group, location: module, config });
    }
    await this.#store.sync();
  }

  #makeEngine(): Engine {
    const { stateDir, runDir } = this.#config;
    const caller = new ContractCaller(this.#connection(this.#importing), this.#store.book);
    const store = this.#store;
    this.#handshake = new Handshake({
      store,
      registry: this.#registry,
      caller,
      log: this.log,
      facts: {
        nodeName: this.#config.nodeName,
        version: this.#config.version,
        bootId: this.#bootId,
        instanceId: this.#instanceId,
        runDir,
        stateDir,
      },
      whoIs: (key) => this.#bus?.participantOf(key),
      directories: (name) => pluginDirectories(this.#config, name),
    });
    const engine = new Engine(store, {
      ...{ stateDir, runDir },
      log: this.log,
      tasks: this.#tasks,
      bootId: this.#bootId,
      instanceId: this.#instanceId,
      providers: new ProviderCalls(this.#registry, caller),
      runtime: present(this.#runtime),
      streams: present(this.#streams),
    });
    this.#engine = engine;
    const interception = new Interception(caller, (operation) => this.#registry.judgesOf(operation));
    this.#callee = new ContractCallee(this.#connection(this.#exporting), {
      log: this.log,
      book: store.book,
      plugin: KERNEL,
      whoIs: (key) => this.#whoIs(key),
      judge: (call) => interception.judge(call),
    });
    return engine;
  }

  #makeSupervisor(bus: PrivateBus): PluginSupervisor {
    const supervisor = new PluginSupervisor({
      registry: this.#registry,
      log: this.log,
      stateDir: this.#config.stateDir,
      runDir: this.#config.runDir,
      urlFile: this.#urlFile,
      hostCommand: this.#config.hostCommand,
      descriptors: Array.from({ length: this.#config.listeners }, (_, index) => 3 + index),
      descriptorsGroup: this.#config.listenersGroup,
      credentials: (plugin, isBearer) => bus.credentials(plugin, { isBearer }),
      onLost: (plugin, reason) => this.#handshake?.lost(plugin, reason),
    });
    this.#supervisor = supervisor;
    return supervisor;
  }

  #serve(engine: Engine, bus: PrivateBus): void {
    const exporting = this.#connection(this.#exporting);
    const stream = new EventStream(exporting);
    const publisher = new EventPublisher({ store: this.#store, stream, log: this.log, retention: this.#config.eventRetention });
    const supervisor = this.#makeSupervisor(bus);
    const plugins = new PluginService({
      store: this.#store,
      registry: this.#registry,
      supervisor,
      providers: engine.parts.host.providers,
      bus,
      stream,
      directories: (name) => pluginDirectories(this.#config, name),
      regrant: () => this.#regrant(bus),
    });
    const sys = new SysService({
      store: this.#store,
      registry: this.#registry,
      handshake: present(this.#handshake),
      keyOf: (name) => (bus.participants.includes(name) ? bus.keysOf(name).importing : ''),
      whoIs: (key) => bus.participantOf(key),
    });
    const node = new NodeService({
      store: this.#store,
      config: this.#config,
      bus,
      publisher,
      runtime: present(this.#runtime),
      bootId: this.#bootId,
      onShutdown: (how) => this.#onShutdown(how),
    });
    const { logs } = engine;
    serveContracts(present(this.#callee), this.#store, {
      ...{ sys, node, plugin: plugins },
      container: new ContainerService(engine),
      exec: new ExecService(engine),
      claim: new ClaimService(engine),
      view: new ViewService(engine),
      event: new EventService(this.#store, stream, (call) => this.#reader(call)),
      logdata: new LogdataService(logs),
    });
    this.#serveHello(exporting);
    exporting.onEvent(({ type }) => {
      if (type === 'connected') publisher.lookAgain();
    });
    this.#tasks.spawn('events', (signal) => publisher.run(signal));
    const { providers } = engine.parts.host;
    const debts = new Debts({ store: this.#store, providers, tasks: this.#tasks, log: this.log });
    everyWhole(HEARTBEAT_MS, () => {
      this.#handshake?.checkBeats(bus.isUp);
      debts.look();
    });
  }

  /** The hello is JSON both ways, so that any two versions can tell each other that they do not fit. */
  #serveHello(exporting: BusConnection): void {
    const errors = new ErrorCodec(this.#store.book);
    const hello = new BusCallee(exporting, { log: this.log, encodeError: (error) => errors.encode(error, KERNEL) });
    hello.serve('hello', async (request) => {
      const welcome = present(this.#handshake).hello(parseHello(request.body), request.callerKey);
      return { body: Buffer.from(JSON.stringify(welcome)) };
    });
  }

  async #startPlugins(bus: PrivateBus): Promise<void> {
    try {
      for (const { manifest } of this.#registry.installed) await bus.add(manifest.name, Deadline.after(BUS_MS));
      await bus.add(OPERATOR, Deadline.after(BUS_MS));
      await this.#regrant(bus);
      // Who finds the operator's file calls at once, and must find somebody.
      await this.#connection(this.#exporting).connected(Deadline.after(BUS_MS));
      await this.#connection(this.#exporting).flush(Deadline.after(BUS_MS));
    } catch (error) {
      // The book is durable: the server hears of it when it is there.
      this.log.warn('the bus was not told of all plugins yet', { error: toCleatError(error).message });
    }
    this.#writeOperator(bus);
    await present(this.#supervisor).startAll();
  }

  /** Every participant's rights, as they follow from what is installed now. */
  async #regrant(bus: PrivateBus): Promise<void> {
    const enabled = this.#registry.enabled;
    const { nodeId } = this.#store;
    const deadline = Deadline.after(BUS_MS);
    await bus.grant(KERNEL, kernelGrant(enabled, nodeId), deadline);
    await bus.grant(OPERATOR, busGrant(operatorGrant(), enabled, nodeId), deadline);
    for (const { manifest, grant } of this.#registry.installed) await bus.grant(manifest.name, busGrant(grant, enabled, nodeId), deadline);
    for (const [name, data] of this.#store.consumers)
      await bus.grant(`consumer-${name}`, busGrant(consumerGrant(consumerData(data).type), [], nodeId), deadline);
  }

  #whoIs(key: string): { readonly name: string; readonly speaksFor: boolean } | undefined {
    const name = this.#bus?.participantOf(key);
    if (name === undefined) return undefined;
    return { name, speaksFor: this.#grantOf(name).speakFor };
  }

  #grantOf(name: string): Grant {
    if (name === OPERATOR) return operatorGrant();
    const plugin = this.#registry.find(name);
    if (plugin !== undefined) return plugin.installed.grant;
    const consumer = this.#store.consumers.get(name.replace(/^consumer-/, ''));
    return consumer === undefined ? { ...consumerGrant('*'), consumes: [], durable: false } : consumerGrant(consumerData(consumer).type);
  }

  #reader(call: ContractCall): { readonly key: string; readonly consumes: readonly string[]; readonly durable: boolean } {
    const grant = this.#grantOf(this.#bus?.participantOf(call.callerKey) ?? '');
    return { key: call.callerKey, consumes: grant.consumes, durable: grant.durable };
  }

  get #urlFile(): string {
    return join(this.#config.runDir, 'bus.url');
  }

  #writeOperator(bus: PrivateBus): void {
    const { importing } = bus.credentials(OPERATOR);
    const path = join(this.#config.runDir, 'operator.json');
    const content = { urlFile: this.#urlFile, credentials: importing, node: this.#store.nodeId };
    // Clients wait for this file: they must never see half of it.
    writeFileSync(`${path}.new`, JSON.stringify(content), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  #connection(connection: BusConnection | undefined): BusConnection {
    return present(connection);
  }

  /** Ends the kernel. Containers run on unless asked otherwise; the rest of the platform too, unless it goes down. */
  async close(how: { readonly platform: boolean; readonly stopContainers: boolean }): Promise<void> {
    const engine = this.#engine;
    if (how.stopContainers && engine !== undefined) await stopAll(engine);
    await this.#endPlugins(how.platform);
    await this.#callee?.drain(Deadline.after(CLOSE_MS));
    await engine?.close(Deadline.after(CLOSE_MS));
    await this.#tasks.close(CLOSE_MS);
    this.#runtime?.close();
    await this.#streams?.close({ isPlatformDown: how.platform });
    for (const connection of [this.#exporting, this.#importing]) await connection?.close(Deadline.after(1000));
    await (how.platform ? this.#bus?.stop() : this.#bus?.release());
    if (how.platform) await this.#clearHost();
    await this.#store.close();
  }

  async #endPlugins(isDown: boolean): Promise<void> {
    if (isDown) await this.#supervisor?.stopAll();
    else this.#supervisor?.release();
  }

  /** What a platform that goes down leaves on the host is only what containers that run on still need. */
  async #clearHost(): Promise<void> {
    const { runDir, cgroupParent } = this.#config;
    for (const file of ['operator.json', 'bus.url']) rmSync(join(runDir, file), { force: true });
    const isInUse = [...this.#store.containers.values()].some(({ progress }) => progress.holders.length > 0 || progress.rootMounted);
    if (isInUse) return;
    umount(join(runDir, 'c'), { lazy: true });
    // A configured one is the operator's.
    if (cgroupParent !== '') return;
    await this.#runtime?.removeParentCgroup().catch((error: unknown) => {
      this.log.warn('a cgroup is left', { error: toCleatError(error).message });
    });
  }
}

async function stopAll(engine: Engine): Promise<void> {
  const ids = [...engine.parts.store.containers.keys()];
  const { log } = engine.parts.host;
  await Promise.all(
    ids.map(async (id) => {
      try {
        await engine.stops.stop(id, { timeoutS: -1, signal: '' }, { actor: { principal: 'kernel', caller: 'kernel' } });
      } catch (error) {
        log.warn('a container was not stopped', { container: id, error: toCleatError(error).message });
      }
    }),
  );
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new CleatError('internal', 'KERNEL_ORDER', 'a part of the kernel was used before it was made');
  return value;
}
