import { CleatError, type containerTypes } from '@cleat/schemas';
import { capabilitiesOf } from './capabilities.ts';
import type { ExposedPort, NetworkOptions, RootOptions } from './claims.ts';
import { checkResources } from './limits.ts';
import { mountsOf } from './mounts.ts';
import { commandOf, environmentOf, healthOf, rlimitsOf, workingDirOf } from './process.ts';
import type { ContainerParts, ContainerRequest, HostFacts, ImageDefaults } from './request.ts';

/** Docker's lists: what of /proc and /sys a container may not see, and what it may not change. */
export const DEFAULT_MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];
export const DEFAULT_READONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export interface ContainerFromImageOptions {
  /** The container's id: its first 12 digits are the default host name. */
  readonly id: string;
  readonly image?: ImageDefaults | undefined;
  readonly request: ContainerRequest;
  readonly host?: HostFacts | undefined;
}

/**
 * The one place where an image's defaults and a request become a complete spec and its claims. Pure: asks nobody.
 *
 * @throws CleatError `invalid_argument`: the request can never work as written.
 */
export function containerFromImage(options: ContainerFromImageOptions): ContainerParts {
  const { image, request } = options;
  const host = options.host ?? {};
  if (image === undefined && (request.rootfs ?? '') === '') {
    throw new CleatError('invalid_argument', 'ROOT_MISSING', 'a container needs an image or a root file system directory');
  }
  const plan = mountsOf(request, image, host);
  checkResources(request.resources ?? {}, host);
  return {
    spec: { ...fixedParts(request, image, options.id), process: processOf(request, image, host), mounts: plan.mounts },
    claims: [
      ...rootClaims(request, image),
      ...plan.volumes.map((volume, index) => claim(`volume-${index + 1}`, 'volume', volume.options, volume.fromImage)),
      ...networkClaims(request, image),
      ...otherClaims(request, image),
    ],
    attributes: request.imageReference === undefined ? {} : { image: request.imageReference },
    warnings: warningsOf(request),
  };
}

/** What is left undefined is the contract's own default. */
function processOf(request: ContainerRequest, image: ImageDefaults | undefined, host: HostFacts): containerTypes.ProcessInput {
  const { entrypoint, command } = commandOf(request, image?.config);
  return {
    args: [...entrypoint, ...command],
    env: environmentOf(request.env ?? [], image?.config.env ?? []),
    cwd: workingDirOf(request, image?.config),
    user: request.user || image?.config.user,
    groups: request.groups,
    terminal: request.terminal,
    openStdin: request.openStdin,
    stdinOnce: request.stdinOnce,
    rlimits: rlimitsOf(request.ulimits),
    oomScoreAdj: request.oomScoreAdj,
    ...confinementOf(request, host),
    ...consoleOf(request),
  };
}

function confinementOf(request: ContainerRequest, host: HostFacts): Partial<containerTypes.ProcessInput> {
  const security = request.security ?? {};
  return {
    capabilities: capabilitiesOf({
      privileged: request.privileged,
      add: request.capAdd,
      drop: request.capDrop,
      available: host.capabilities,
    }),
    noNewPrivileges: security.noNewPrivileges,
    apparmorProfile: security.apparmor === 'unconfined' ? '' : security.apparmor,
    seccomp: security.seccomp ?? (request.privileged === true ? 'unconfined' : undefined),
  };
}

function consoleOf({ terminal, consoleSize }: ContainerRequest): Partial<containerTypes.ProcessInput> {
  if (terminal !== true || consoleSize === undefined) return {};
  return { consoleRows: consoleSize.rows, consoleColumns: consoleSize.columns };
}

function fixedParts(
  request: ContainerRequest,
  image: ImageDefaults | undefined,
  id: string,
): Omit<containerTypes.SpecInput, 'process' | 'mounts'> {
  return {
    namespaces: request.namespaces,
    hostname: hostnameOf(request, id),
    domainname: request.domainname,
    rootfs: request.rootfs,
    readonlyRootfs: request.readonlyRootfs,
    devices: request.devices,
    deviceRules: request.deviceRules,
    resources: request.resources,
    sysctls: request.sysctls,
    ...pathsOf(request),
    shmSizeBytes: request.shmSizeBytes || undefined,
    stopSignal: request.stopSignal || image?.config.stopSignal || undefined,
    stopTimeoutS: request.stopTimeoutS,
    restart: request.restart,
    init: request.init,
    privileged: request.privileged,
    cgroupParent: request.cgroupParent,
    runtime: request.runtime,
    autoRemove: request.autoRemove,
    labels: { ...image?.config.labels, ...request.labels },
    annotations: request.annotations,
    hosts: (request.extraHosts ?? []).map(hostLine),
    dns: request.dns,
  };
}

function pathsOf({ privileged, security }: ContainerRequest): Partial<containerTypes.SpecInput> {
  const isOpen = privileged === true;
  return {
    maskedPaths: security?.maskedPaths ?? (isOpen ? [] : DEFAULT_MASKED_PATHS),
    readonlyPaths: security?.readonlyPaths ?? (isOpen ? [] : DEFAULT_READONLY_PATHS),
  };
}

/** A shared UTS or network namespace brings its name along. */
function hostnameOf(request: ContainerRequest, id: string): string {
  if (request.hostname !== undefined && request.hostname !== '') return request.hostname;
  if (request.namespaces?.uts === 'host' || request.namespaces?.network === 'host') return '';
  if (request.namespaces?.network?.startsWith('container:') === true) return '';
  return id.slice(0, 12);
}

/** "name:address" (or name=address) as a line of /etc/hosts; the address may hold colons itself. */
function hostLine(entry: string): string {
  const at = entry.search(/[:=]/);
  const name = at > 0 ? entry.slice(0, at) : '';
  const address = at > 0 ? entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1') : '';
  if (name === '' || address === '') {
    throw new CleatError('invalid_argument', 'EXTRA_HOST_INVALID', `bad format for add-host: "${entry}"`);
  }
  return `${address}\t${name}`;
}

function claim(name: string, kind: string, options: object, fromImage = false): containerTypes.ClaimInput {
  return { name, kind, options: JSON.stringify(options), fromImage };
}

function rootClaims(request: ContainerRequest, image: ImageDefaults | undefined): readonly containerTypes.ClaimInput[] {
  if (image === undefined) return [];
  const root: RootOptions = {
    image: image.id,
    ...(request.imageReference === undefined ? {} : { reference: request.imageReference }),
    ...(request.storage === undefined || Object.keys(request.storage).length === 0 ? {} : { storage: request.storage }),
  };
  return [claim('root', 'root', root)];
}

const PORT = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/;

/** "80", "80/tcp", "8000-8010/udp". */
export function parseExposedPorts(text: string): readonly ExposedPort[] {
  const match = PORT.exec(text.toLowerCase());
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || last < first || last > 65_535) {
    throw new CleatError('invalid_argument', 'PORT_INVALID', `invalid containerPort: ${text}`);
  }
  const protocol = match[3] === 'udp' || match[3] === 'sctp' ? match[3] : 'tcp';
  return Array.from({ length: last - first + 1 }, (_, index) => ({ port: first + index, protocol }));
}

function networkClaims(request: ContainerRequest, image: ImageDefaults | undefined): readonly containerTypes.ClaimInput[] {
  const exposed = new Map<string, ExposedPort>();
  const all = [...(request.expose ?? []), ...(image?.config.exposedPorts ?? []).flatMap(parseExposedPorts)];
  for (const port of all) exposed.set(`${port.port}/${port.protocol}`, port);
  const publish = request.publish ?? [];
  return (request.networks ?? []).map((network, index) => {
    const first: Partial<NetworkOptions> = {
      ...(publish.length > 0 ? { publish } : {}),
      ...(exposed.size > 0 ? { expose: [...exposed.values()] } : {}),
      ...(request.publishAll === true ? { publishAll: true } : {}),
    };
    const dns = request.dns === undefined ? {} : { dns: request.dns };
    return claim(`network-${index + 1}`, 'network', { ...network, ...(index === 0 ? first : {}), ...dns });
  });
}

function otherClaims(request: ContainerRequest, image: ImageDefaults | undefined): readonly containerTypes.ClaimInput[] {
  const health = healthOf(request, image?.config);
  const extra = new Map<string, number>();
  return [
    ...(request.log === undefined || request.log.driver === 'none'
      ? []
      : [claim('log', 'log', request.log, request.log.driver === undefined)]),
    ...(health === undefined ? [] : [claim('health', 'health', health.options, health.fromImage)]),
    ...(request.claims ?? []).map(({ kind, options }) => {
      const count = (extra.get(kind) ?? 0) + 1;
      extra.set(kind, count);
      return claim(`${kind}-x${count}`, kind, options);
    }),
  ];
}

/** What Docker says at create about requests that contradict themselves. */
function warningsOf(request: ContainerRequest): readonly string[] {
  const warnings: string[] = [];
  const hasPorts = (request.publish ?? []).length > 0 || request.publishAll === true;
  if (request.namespaces?.network === 'host' && hasPorts) warnings.push('Published ports are discarded when using host network mode');
  if (request.resources?.oomKillDisable === true && (request.resources.memoryBytes ?? 0) === 0) {
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    );
  }
  return warnings;
}
