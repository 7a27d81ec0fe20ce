import { readFile } from 'node:fs/promises';
import { availableParallelism, release, totalmem } from 'node:os';
import type { image, log, network, node, plugin } from '@cleat/schemas';
import type { ContainerCache } from '../container-cache.ts';
import type { EventHub } from '../event-hub.ts';
import type { Scope } from '../scope.ts';
import type { SystemFacts } from '../system-facts.ts';
import { type JsonObject, objectsAt, parseObject, stringAt, stringsAt } from '../wire/json.ts';

/** What of this host the answer of /info is made of and no plugin tells. */
export interface InfoParts {
  readonly cache: ContainerCache;
  readonly hub: EventHub;
  readonly version: string;
  readonly facts: SystemFacts;
}

interface Collected {
  readonly node: node.InfoResponse;
  readonly images: readonly image.Summary[];
  readonly networks: readonly network.Info[];
  readonly logs: log.DriversResponse;
  readonly plugins: readonly plugin.Info[];
  /** What could not be asked. */
  readonly warnings: readonly string[];
}

/** A plugin that is away takes its part of the answer with it, not all of it. */
async function collect(scope: Scope): Promise<Collected> {
  const warnings: string[] = [];
  const optional = async <T>(what: string, run: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      warnings.push(`WARNING: ${what} cannot be told: ${error instanceof Error ? error.message : String(error)}`);
      return otherwise;
    }
  };
  const brief = { timeoutMs: 3_000 };
  const [node, images, networks, logs, plugins] = await Promise.all([
    scope.call('node', 'info', {}),
    optional('images', async () => (await scope.call('image', 'list', { all: true }, brief)).images, []),
    optional('networks', async () => (await scope.call('network', 'list', {}, brief)).networks, []),
    optional('log drivers', async () => await scope.call('log', 'drivers', {}, brief), { drivers: [], defaultDriver: 'json-file' }),
    optional('plugins', async () => (await scope.call('plugin', 'list', {}, brief)).plugins, []),
  ]);
  return { node, images, networks, logs, plugins, warnings };
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    // Not on this host: shown as unknown.
    return '';
  }
}

async function operatingSystem(): Promise<{ readonly name: string; readonly version: string }> {
  const release = await text('/etc/os-release');
  const field = (name: string): string =>
    new RegExp(`^${name}=(?:"(.*)"|(.*))$`, 'm')
      .exec(release)
      ?.slice(1)
      .find((part) => part !== undefined) ?? '';
  return { name: field('PRETTY_NAME') || 'Linux', version: field('VERSION_ID') };
}

/** As the hardware calls itself. */
const MACHINES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', arm: 'armv7l', ia32: 'i686' };

function counts(cache: ContainerCache): JsonObject {
  const states = cache.summaries.map((one) => one.state);
  const of = (...wanted: readonly string[]): number => states.filter((state) => wanted.includes(state)).length;
  const running = of('running', 'restarting');
  const paused = of('paused');
  return {
    Containers: states.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: states.length - running - paused,
  };
}

function swarm(): JsonObject {
  return { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null };
}

function runtimesOf(info: node.InfoResponse): JsonObject {
  const runtimes = info.runtimes.length > 0 ? info.runtimes : [{ name: info.defaultRuntime, path: info.defaultRuntime, version: '' }];
  return Object.fromEntries(
    runtimes.map((runtime) => [
      runtime.name,
      { path: runtime.path, ...(runtime.version === '' ? {} : { status: { version: runtime.version } }) },
    ]),
  );
}

function securityOptions(facts: SystemFacts): readonly string[] {
  return [
    ...(facts.hasAppArmor ? ['name=apparmor'] : []),
    ...(facts.hasSeccomp ? ['name=seccomp,profile=builtin'] : []),
    ...(facts.cgroupVersion === 2 ? ['name=cgroupns'] : []),
  ];
}

function driverStatus(collected: Collected): readonly (readonly [string, string])[] {
  const { node } = collected;
  const ready = collected.plugins.filter((one) => one.state === 'ready').length;
  return [
    ['Plugins ready', `${ready} of ${collected.plugins.length}`],
    ['Event bus', node.busUp ? `NATS ${node.natsVersion}`.trim() : 'unavailable'],
    ['Owed by plugins', String(node.owed.length)],
  ];
}

/** Names of the drivers of a kind that plugins bring. */
function driversOf(kind: string, plugins: readonly plugin.Info[]): readonly string[] {
  return plugins
    .filter((one) => one.enabled)
    .flatMap((one) => objectsAt(parseObject(one.manifest), 'drives'))
    .filter((drive) => stringAt(drive, 'kind') === kind)
    .map((drive) => stringAt(drive, 'name'));
}

/** Plugins that judge requests; null when there is none, as Docker has it. */
function judgesOf(plugins: readonly plugin.Info[]): readonly string[] | null {
  const names = plugins
    .filter((one) => one.enabled && stringsAt(parseObject(one.manifest), 'intercepts').length > 0)
    .map((one) => one.name);
  return names.length === 0 ? null : names;
}

function warningsOf(collected: Collected): readonly string[] {
  return [
    ...collected.node.warnings,
    ...collected.node.owed.map(
      (owed) => `WARNING: plugin ${owed.provider} owes ${owed.operation} of ${owed.kind} for container ${owed.container.slice(0, 12)}`,
    ),
    ...collected.plugins
      .filter((one) => one.enabled && one.state !== 'ready')
      .map((one) => `WARNING: plugin ${one.name} is ${one.state}${one.reason === '' ? '' : `: ${one.reason}`}`),
    ...collected.warnings,
  ];
}

/** What the kernel can always limit. */
const LIMITS: JsonObject = {
  MemoryLimit: true,
  SwapLimit: true,
  CpuCfsPeriod: true,
  CpuCfsQuota: true,
  CPUShares: true,
  CPUSet: true,
  PidsLimit: true,
};

/** The same on every node: members of a dockerd that have no counterpart, and what is always so. */
const CONSTANT: JsonObject = {
  Debug: false,
  NFd: 0,
  NGoroutines: 0,
  IndexServerAddress: '',
  RegistryConfig: { InsecureRegistryCIDRs: [], IndexConfigs: {}, Mirrors: [] },
  GenericResources: null,
  HttpProxy: '',
  HttpsProxy: '',
  NoProxy: '',
  Labels: [],
  ExperimentalBuild: false,
  // Containers run on without the kernel, always.
  LiveRestoreEnabled: true,
  Isolation: '',
  InitBinary: 'docker-init',
  ContainerdCommit: { ID: '' },
  InitCommit: { ID: '' },
  CDISpecDirs: [],
  DiscoveredDevices: [],
};

/** GET /info, in the newest shape. */
export async function infoObject(scope: Scope, parts: InfoParts): Promise<JsonObject> {
  const [collected, system, forwarding] = await Promise.all([
    collect(scope),
    operatingSystem(),
    text('/proc/sys/net/ipv4/ip_forward'),
    parts.cache.refresh(scope.principal, scope.call),
  ]);
  const { node } = collected;
  const isV2 = parts.facts.cgroupVersion === 2;
  return {
    ...CONSTANT,
    ID: node.node,
    ...counts(parts.cache),
    Images: collected.images.length,
    Driver: 'overlay2',
    DriverStatus: driverStatus(collected),
    Plugins: {
      Volume: ['local', ...driversOf('volume', collected.plugins)],
      Network: ['bridge', 'host', 'null', ...driversOf('network', collected.plugins)],
      Authorization: judgesOf(collected.plugins),
      Log: collected.logs.drivers.map((driver) => driver.name),
    },
    ...LIMITS,
    OomKillDisable: !isV2,
    IPv4Forwarding: forwarding.trim() === '1',
    SystemTime: new Date().toISOString(),
    LoggingDriver: collected.logs.defaultDriver,
    CgroupDriver: node.cgroupDriver,
    CgroupVersion: isV2 ? '2' : '1',
    NEventsListener: parts.hub.size,
    KernelVersion: release(),
    OperatingSystem: system.name,
    OSVersion: system.version,
    OSType: 'linux',
    Architecture: MACHINES[process.arch] ?? process.arch,
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    DockerRootDir: node.stateDir,
    Name: node.name,
    ServerVersion: parts.version,
    Runtimes: runtimesOf(node),
    DefaultRuntime: node.defaultRuntime,
    Swarm: swarm(),
    RuncCommit: { ID: node.runtimes.find((runtime) => runtime.name === 'runc')?.version ?? '' },
    SecurityOptions: securityOptions(parts.facts),
    FirewallBackend: { Driver: 'nftables' },
    Warnings: warningsOf(collected),
  };
}
