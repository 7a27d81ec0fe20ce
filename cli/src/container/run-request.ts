import { resolve } from 'node:path';
import type { containerTypes } from '@cleat/schemas';
import type { ContainerRequest, HostFacts, NetworkOptions } from '@cleat/sdk/container';
import type { FlagValues } from '../command/command.ts';
import { usageError } from '../command/usage-error.ts';
import { isRecord } from '../output/json.ts';
import { terminalSize } from '../streams/signals.ts';
import { environment, keyValues } from './key-values.ts';
import { integerFlag, resourcesOf, restartOf, sizeFlag, ulimitsOf } from './limit-flags.ts';
import { parseTmpfs, parseVolume } from './mount-flags.ts';
import { parseExpose, parsePublish } from './port-flags.ts';
import type { RUN_OPTIONS } from './run-options.ts';
import { deviceOf, securityOf } from './security-flags.ts';

export type RunFlags = FlagValues<typeof RUN_OPTIONS>;

/** What of the node decides how flags become a request. */
export interface RunSurroundings {
  readonly host: HostFacts;
  readonly env: NodeJS.ProcessEnv;
  /** Kinds that a plugin provides; undefined: not asked, taken as all. */
  readonly kinds?: ReadonlySet<string>;
  /** The id of another container by name or id. */
  readonly find: (container: string) => Promise<string>;
}

/** The flags of "cleat run" as the request that every client makes. Throws USAGE. */
export async function runRequest(flags: RunFlags, operands: readonly string[], around: RunSurroundings): Promise<ContainerRequest> {
  const [image, ...afterImage] = operands;
  const command = flags.rootfs === undefined ? afterImage : operands;
  refuseContradictions(flags);
  return {
    ...(flags.rootfs === undefined ? { imageReference: image ?? '' } : { rootfs: resolve(flags.rootfs) }),
    ...(flags.entrypoint === undefined ? {} : { entrypoint: [flags.entrypoint] }),
    command,
    ...processPart(flags, around),
    ...resourcePart(flags, around),
    ...securityPart(flags),
    ...(await networkPart(flags, around)),
    ...logPart(flags, around),
    mounts: [...flags.volume.map(parseVolume), ...flags.tmpfs.map(parseTmpfs)],
    claims: flags.claim.map(parseClaim),
  };
}

function refuseContradictions(flags: RunFlags): void {
  const policy = restartOf(flags.restart).name;
  if (flags.rm && policy !== 'no') throw usageError('--rm and --restart contradict each other');
  if (flags.detach && flags['detach-keys'] !== undefined) throw usageError('--detach-keys has no meaning with --detach');
}

function processPart(flags: RunFlags, { env }: RunSurroundings): Partial<ContainerRequest> {
  const size = flags.tty ? terminalSize() : undefined;
  const stopTimeoutS = integerFlag('--stop-timeout', flags['stop-timeout'], -1);
  return {
    env: environment(flags.env, flags['env-file'], env),
    terminal: flags.tty,
    openStdin: flags.interactive,
    stdinOnce: flags.interactive && !flags.detach,
    groups: flags['group-add'],
    labels: keyValues('--label', flags.label, { valueIsNeeded: false }),
    annotations: keyValues('--annotation', flags.annotation, { valueIsNeeded: false }),
    autoRemove: flags.rm,
    init: flags.init,
    restart: restartOf(flags.restart),
    ...(flags.workdir === undefined ? {} : { workingDir: flags.workdir }),
    ...(flags.user === undefined ? {} : { user: flags.user }),
    ...(flags.hostname === undefined ? {} : { hostname: flags.hostname }),
    ...(flags['stop-signal'] === undefined ? {} : { stopSignal: flags['stop-signal'] }),
    ...(stopTimeoutS === undefined ? {} : { stopTimeoutS }),
    ...(size === undefined ? {} : { consoleSize: size }),
  };
}

function resourcePart(flags: RunFlags, { host }: RunSurroundings): Partial<ContainerRequest> {
  return {
    resources: resourcesOf(flags, host),
    ulimits: ulimitsOf(flags.ulimit),
    shmSizeBytes: sizeFlag('--shm-size', flags['shm-size']),
    ...(flags.runtime === undefined ? {} : { runtime: flags.runtime }),
  };
}

function securityPart(flags: RunFlags): Partial<ContainerRequest> {
  return {
    privileged: flags.privileged,
    readonlyRootfs: flags['read-only'],
    capAdd: flags['cap-add'],
    capDrop: flags['cap-drop'],
    security: securityOf(flags['security-opt']),
    devices: flags.device.map(deviceOf),
    sysctls: keyValues('--sysctl', flags.sysctl, { valueIsNeeded: true }),
  };
}

async function networkPart(flags: RunFlags, around: RunSurroundings): Promise<Partial<ContainerRequest>> {
  const { network, networks } = await networksOf(flags, around);
  const first = networks[0];
  const own: Partial<NetworkOptions> = {
    ...(flags['network-alias'].length > 0 ? { aliases: flags['network-alias'] } : {}),
    ...(flags.ip === undefined ? {} : { ipv4: flags.ip }),
  };
  if (network !== 'private' || first === undefined) refuseNetworkFlags(flags, flags.network[0] ?? 'none');
  return {
    namespaces: await namespacesOf(flags, network, around),
    networks: networks.map((options, index) => (index === 0 ? { ...options, ...own } : options)),
    publish: flags.publish.flatMap(parsePublish),
    publishAll: flags['publish-all'],
    expose: flags.expose.flatMap(parseExpose),
    extraHosts: flags['add-host'],
    ...(flags.dns.length + flags['dns-search'].length === 0 ? {} : { dns: { servers: flags.dns, search: flags['dns-search'] } }),
  };
}

/** Without a network of its own there is nothing to publish a port at, and no other name or address. */
function refuseNetworkFlags(flags: RunFlags, network: string): void {
  const given = [
    ...flags.publish.slice(0, 1).map(() => '--publish'),
    ...(flags['publish-all'] ? ['--publish-all'] : []),
    ...(flags.ip === undefined ? [] : ['--ip']),
    ...flags['network-alias'].slice(0, 1).map(() => '--network-alias'),
  ];
  if (given[0] !== undefined) throw usageError(`${given[0]} has no meaning with --network ${network}`);
}

async function networksOf(
  flags: RunFlags,
  around: RunSurroundings,
): Promise<{ readonly network: string; readonly networks: readonly NetworkOptions[] }> {
  const names = flags.network;
  const [only = ''] = names;
  const special = names.find((name) => name === 'none' || name === 'host' || name.startsWith('container:'));
  if (special !== undefined && names.length > 1) throw usageError(`--network ${special} cannot be combined with another one`);
  const hasProvider = around.kinds?.has('network') ?? true;
  // A bare kernel, asked for nothing in particular, gives what it can by itself.
  if (names.length === 0) return { network: 'private', networks: hasProvider ? [{ network: 'bridge' }] : [] };
  if (only === 'none') return { network: 'private', networks: [] };
  if (only === 'host') return { network: 'host', networks: hasProvider ? [{ network: 'host' }] : [] };
  if (only.startsWith('container:')) return { network: `container:${await around.find(only.slice('container:'.length))}`, networks: [] };
  return { network: 'private', networks: names.map((network) => ({ network })) };
}

async function namespacesOf(flags: RunFlags, network: string, around: RunSurroundings): Promise<containerTypes.NamespacesInput> {
  const isPrivateCgroup = around.host.cgroupVersion === 2 && !flags.privileged;
  return {
    network,
    pid: await sharedNamespace('--pid', flags.pid, ['host', 'private'], around),
    ipc: await sharedNamespace('--ipc', flags.ipc, ['host', 'private', 'shareable', 'none'], around),
    cgroup: isPrivateCgroup ? 'private' : 'host',
  };
}

async function sharedNamespace(flag: string, mode: string | undefined, words: readonly string[], around: RunSurroundings): Promise<string> {
  if (mode === undefined) return 'private';
  if (words.includes(mode)) return mode;
  if (mode.startsWith('container:')) return `container:${await around.find(mode.slice('container:'.length))}`;
  throw usageError(`${flag} ${mode}: neither ${words.join(', ')} nor container:NAME`);
}

function logPart(flags: RunFlags, around: RunSurroundings): Partial<ContainerRequest> {
  const options = keyValues('--log-opt', flags['log-opt'], { valueIsNeeded: true });
  const hasOptions = Object.keys(options).length > 0;
  const driver = flags['log-driver'];
  if (driver === 'none' && hasOptions) throw usageError('--log-opt has no meaning with --log-driver none');
  if (driver === 'none') return {};
  if (driver === undefined && !hasOptions && around.kinds?.has('log') === false) return {};
  return { log: { ...(driver === undefined ? {} : { driver }), ...(hasOptions ? { options } : {}) } };
}

/** "--claim KIND=JSON". */
export function parseClaim(text: string): { readonly kind: string; readonly options: Readonly<Record<string, unknown>> } {
  const equals = text.indexOf('=');
  const kind = equals < 0 ? text : text.slice(0, equals);
  if (!/^[a-z0-9][a-z0-9-]*$/.test(kind)) throw usageError(`--claim ${text}: "${kind}" is no name of a kind`);
  let options: unknown;
  try {
    options = equals < 0 ? {} : JSON.parse(text.slice(equals + 1));
  } catch {
    // Told below, like every other value that is no object.
  }
  if (!isRecord(options)) throw usageError(`--claim ${text}: the options are no JSON object`);
  return { kind, options };
}
