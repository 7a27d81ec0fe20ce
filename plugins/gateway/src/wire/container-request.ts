import type { containerTypes } from '@cleat/schemas';
import type { ContainerRequest, HealthOptions, HostFacts, LogOptions, MountRequest } from '@cleat/sdk/container';
import { badRequest, unsupported } from '../errors.ts';
import type { Fields } from './fields.ts';
import { compact, parseObject, stringAt } from './json.ts';
import { requestedMounts, trimmed } from './mount-request.ts';
import { type FindContainer, networkRequest } from './network-request.ts';
import { exposedPorts, publishedPorts } from './port-request.ts';
import { resourcesRequest, restartRequest } from './resources-request.ts';
import { securityRequest } from './security-request.ts';

export interface ParsedContainer {
  /** As the user wrote it. */
  readonly image: string;
  readonly request: ContainerRequest;
  readonly warnings: readonly string[];
}

export interface ParseOptions {
  readonly facts: HostFacts;
  readonly find: FindContainer;
}

const MAX_HOSTNAME = 64;
/** Annotations that are claims of other kinds, so that the clients there are can make them. */
const CLAIM_ANNOTATION = 'cleat.claim/';

/** The body of POST /containers/create. */
export async function parseContainer(body: Fields, options: ParseOptions): Promise<ParsedContainer> {
  const host = body.object('HostConfig');
  const networking = body.object('NetworkingConfig');
  const image = body.string('Image');
  if (image === '') throw badRequest('No image specified');
  refuseUnsupported(host);
  const network = await networkRequest({ config: body, host, networking, find: options.find });
  const restart = restartRequest(host);
  if (host.boolean('AutoRemove') && restart.name !== 'no') throw badRequest("can't create 'AutoRemove' container with restart policy");
  const request: ContainerRequest = {
    ...processRequest(body, host),
    ...hostRequest(host),
    imageReference: image,
    namespaces: await namespacesRequest(host, body, network.namespace, options),
    resources: resourcesRequest(host, options.facts),
    restart,
    security: securityRequest(host),
    mounts: await allMounts(body, host, options.find),
    networks: network.networks,
    publish: network.namespace === 'private' ? publishedPorts(host) : [],
    expose: exposedPorts(body),
    publishAll: host.boolean('PublishAllPorts'),
    log: logRequest(host),
  };
  return { image, request, warnings: warningsOf(host) };
}

function refuseUnsupported(host: Fields): void {
  const isolation = host.string('Isolation');
  if (isolation !== '' && isolation !== 'default') throw badRequest(`invalid isolation "${isolation}": linux supports "default" only`);
  if (host.string('Cgroup') !== '') throw badRequest(`invalid cgroup mode: "${host.string('Cgroup')}"`);
  const userns = host.string('UsernsMode');
  if (userns !== '' && userns !== 'host') throw badRequest(`invalid user namespace mode: ${userns}`);
  if (host.string('ContainerIDFile').includes('\0')) throw badRequest('invalid ContainerIDFile');
}

function processRequest(body: Fields, host: Fields): Partial<ContainerRequest> {
  const hostname = body.string('Hostname');
  if (hostname.length > MAX_HOSTNAME) throw badRequest(`invalid hostname: ${hostname} is longer than ${MAX_HOSTNAME} characters`);
  const consoleSize = host.raw['ConsoleSize'];
  const [rows, columns] = Array.isArray(consoleSize) ? consoleSize.map(Number) : [];
  const stopTimeoutS = body.optionalInteger('StopTimeout');
  return compact({
    entrypoint: body.stringsOrString('Entrypoint'),
    command: body.stringsOrString('Cmd'),
    env: body.strings('Env'),
    workingDir: body.optionalString('WorkingDir'),
    user: body.optionalString('User'),
    groups: host.strings('GroupAdd'),
    hostname,
    domainname: body.string('Domainname'),
    terminal: body.boolean('Tty'),
    openStdin: body.boolean('OpenStdin'),
    stdinOnce: body.boolean('StdinOnce'),
    consoleSize: rows !== undefined && columns !== undefined ? { rows, columns } : undefined,
    stopSignal: body.optionalString('StopSignal'),
    stopTimeoutS,
    labels: body.stringMap('Labels'),
    health: healthRequest(body),
  });
}

/** Durations below a millisecond are Docker's own error, except 0, which means "as in the image". */
function healthRequest(body: Fields): Partial<HealthOptions> | undefined {
  const check = body.optionalObject('Healthcheck');
  if (check === undefined) return undefined;
  const durations: readonly (readonly [keyof HealthOptions, string])[] = [
    ['intervalNs', 'Interval'],
    ['timeoutNs', 'Timeout'],
    ['startPeriodNs', 'StartPeriod'],
    ['startIntervalNs', 'StartInterval'],
  ];
  const values = durations.map(([name, wire]) => {
    const value = check.integer(wire);
    if (value !== 0 && value < 1_000_000) throw badRequest(`${wire} in Healthcheck cannot be less than 1ms`);
    return [name, value] as const;
  });
  if (check.integer('Retries') < 0) throw badRequest('Retries in Healthcheck cannot be negative');
  const test = check.optionalStrings('Test');
  return { ...Object.fromEntries(values), retries: check.integer('Retries'), ...(test === undefined ? {} : { test }) };
}

function hostRequest(host: Fields): Partial<ContainerRequest> {
  const score = host.integer('OomScoreAdj');
  if (score < -1000 || score > 1000) throw badRequest(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  if (host.integer('ShmSize') < 0) throw badRequest('SHM size can not be less than 0');
  const annotations = host.stringMap('Annotations');
  return {
    autoRemove: host.boolean('AutoRemove'),
    init: host.boolean('Init'),
    runtime: host.string('Runtime'),
    cgroupParent: host.string('CgroupParent'),
    shmSizeBytes: host.integer('ShmSize'),
    ...(score === 0 ? {} : { oomScoreAdj: score }),
    sysctls: host.stringMap('Sysctls'),
    ulimits: host
      .objects('Ulimits')
      .map((limit) => ({ name: limit.string('Name'), soft: limit.integer('Soft'), hard: limit.integer('Hard') })),
    privileged: host.boolean('Privileged'),
    readonlyRootfs: host.boolean('ReadonlyRootfs'),
    capAdd: host.strings('CapAdd'),
    capDrop: host.strings('CapDrop'),
    devices: host.objects('Devices').map(deviceRequest),
    deviceRules: host.strings('DeviceCgroupRules'),
    storage: host.stringMap('StorageOpt'),
    extraHosts: host.strings('ExtraHosts'),
    dns: { servers: host.strings('Dns'), search: host.strings('DnsSearch'), options: host.strings('DnsOptions') },
    annotations: Object.fromEntries(Object.entries(annotations).filter(([name]) => !name.startsWith(CLAIM_ANNOTATION))),
    claims: claimsOf(annotations),
  };
}

function claimsOf(annotations: Readonly<Record<string, string>>): NonNullable<ContainerRequest['claims']> {
  return Object.entries(annotations)
    .filter(([name]) => name.startsWith(CLAIM_ANNOTATION))
    .map(([name, text]) => {
      const kind = name.slice(CLAIM_ANNOTATION.length);
      let options: unknown;
      try {
        options = JSON.parse(text === '' ? '{}' : text);
      } catch {
        throw badRequest(`annotation ${name}: the options of a claim are a JSON object`);
      }
      if (!/^[a-z0-9][a-z0-9-]*$/.test(kind) || typeof options !== 'object' || options === null || Array.isArray(options)) {
        throw badRequest(`annotation ${name}: it names a kind, and its value is a JSON object`);
      }
      return { kind, options: { ...options } };
    });
}

function deviceRequest(device: Fields): { hostPath: string; containerPath: string; permissions: string } {
  const hostPath = device.string('PathOnHost');
  const permissions = device.string('CgroupPermissions') || 'rwm';
  if (!hostPath.startsWith('/')) throw badRequest(`${hostPath} is not an absolute path`);
  if (!/^[rwm]{1,3}$/.test(permissions)) throw badRequest(`invalid device mode: ${permissions}`);
  return { hostPath, containerPath: device.string('PathInContainer') || hostPath, permissions };
}

/** Absent or empty: the node's default. */
function logRequest(host: Fields): LogOptions {
  const log = host.object('LogConfig');
  const driver = log.string('Type');
  return { ...(driver === '' ? {} : { driver }), ...(log.has('Config') ? { options: log.stringMap('Config') } : {}) };
}

async function namespacesRequest(
  host: Fields,
  body: Fields,
  network: string,
  options: ParseOptions,
): Promise<containerTypes.NamespacesInput> {
  const uts = host.string('UTSMode');
  const cgroup = host.string('CgroupnsMode');
  if (uts !== '' && uts !== 'host') throw badRequest(`invalid UTS mode: ${uts}`);
  if (uts === 'host' && body.string('Hostname') !== '') throw badRequest('conflicting options: hostname and the UTS mode');
  if (cgroup !== '' && cgroup !== 'host' && cgroup !== 'private') throw badRequest(`invalid cgroup namespace mode: ${cgroup}`);
  const isPrivateCgroup = options.facts.cgroupVersion === 2 && !host.boolean('Privileged');
  return {
    network,
    uts: uts || 'private',
    pid: await sharedNamespace(host.string('PidMode'), ['host'], 'PID', options.find),
    ipc: await sharedNamespace(host.string('IpcMode'), ['host', 'private', 'shareable', 'none'], 'IPC', options.find),
    cgroup: cgroup || (isPrivateCgroup ? 'private' : 'host'),
  };
}

async function sharedNamespace(mode: string, words: readonly string[], what: string, find: FindContainer): Promise<string> {
  if (mode === '') return 'private';
  if (words.includes(mode)) return mode;
  if (mode.startsWith('container:') && mode.length > 'container:'.length)
    return `container:${(await find(mode.slice('container:'.length))).id}`;
  throw badRequest(`invalid ${what} mode: ${mode}`);
}

/** Mounts of the request, and before them those of other containers at places that are left. */
async function allMounts(body: Fields, host: Fields, find: FindContainer): Promise<readonly MountRequest[]> {
  const own = requestedMounts(body, host);
  const taken = new Set(own.map((mount) => trimmed(mount.target)));
  const inherited = new Map<string, MountRequest>();
  for (const from of host.strings('VolumesFrom')) {
    for (const mount of await mountsFrom(from, find)) {
      const target = trimmed(mount.target);
      if (!taken.has(target)) inherited.set(target, mount);
    }
  }
  return [...inherited.values(), ...own];
}

/** `--volumes-from name[:ro]`: the volumes by their names, the binds as they are. */
async function mountsFrom(text: string, find: FindContainer): Promise<readonly MountRequest[]> {
  const [name = '', mode = ''] = text.split(':');
  if (name === '') throw badRequest(`invalid volumes-from specification: ${text}`);
  if (mode !== '' && mode !== 'ro' && mode !== 'rw') throw badRequest(`invalid mode for volumes-from: ${mode}`);
  const other = await find(name);
  const isReadonly = mode === 'ro';
  const volumes = other.claims
    .filter((state) => state.claim.kind === 'volume')
    .map((state): MountRequest => {
      const options = parseObject(state.claim.options);
      const status = parseObject(state.status);
      return {
        type: 'volume',
        target: stringAt(options, 'target'),
        name: stringAt(status, 'name') || stringAt(options, 'name'),
        readonly: isReadonly || options['readonly'] === true,
        nocopy: true,
        ...(options['anonymous'] === true ? { anonymous: true } : {}),
      };
    });
  const binds = other.spec.mounts
    .filter((mount) => mount.type === 'bind')
    .map((mount): MountRequest => {
      const isReadonlyThere = mount.options.includes('ro') || mount.options.includes('rro');
      const propagation = mount.options.find((option) => /^r?(private|shared|slave)$/.test(option));
      return {
        type: 'bind',
        source: mount.source,
        target: mount.target,
        readonly: isReadonly || isReadonlyThere,
        ...(propagation === undefined ? {} : { propagation }),
      };
    });
  return [...volumes, ...binds];
}

function warningsOf(host: Fields): readonly string[] {
  const warnings: string[] = [];
  for (const [port, bindings] of host.objectLists('PortBindings')) {
    if (bindings.length === 0) warnings.push(`The empty list of bindings of port ${port} is taken as one with a free port of the host`);
  }
  if (host.integer('KernelMemory') !== 0 || host.integer('KernelMemoryTCP') !== 0) {
    throw unsupported('Specifying a kernel memory limit is not supported: Linux has dropped it');
  }
  return warnings;
}
