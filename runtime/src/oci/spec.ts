import { CleatError, type common, type containerTypes, type providerTypes } from '@cleat/schemas';
import { DEFAULT_DEVICE_RULES, type FoundDevice, parseDeviceRule } from './devices.ts';
import type { HostFacts } from './host.ts';
import { type ContainerFiles, containerMounts, INIT_TARGET, rootPropagation } from './mounts.ts';
import type { HookName, OciDeviceRule, OciHook, OciIdMapping, OciLimits, OciLinux, OciNamespace, OciProcess, OciSpec } from './oci-spec.ts';
import { buildProcess } from './process.ts';
import { seccompFor } from './seccomp.ts';
import type { ResolvedUser } from './user.ts';

/** Everything that a specification is made of; nothing is looked up elsewhere. */
export interface SpecParts {
  readonly spec: containerTypes.Spec;
  /** Host path of the mounted root file system. */
  readonly root: string;
  readonly user: ResolvedUser;
  readonly host: HostFacts;
  /** See `cgroupsPathOf`. */
  readonly cgroupsPath: string;
  /** What the providers gave, merged. */
  readonly contribution?: ContributedParts;
  /** Devices of the spec and of contributions, by `findDevices`; all of the host for a privileged container. */
  readonly devices?: readonly FoundDevice[];
  readonly files?: ContainerFiles;
  /** Pinned namespaces, and those of containers that are joined. */
  readonly namespacePaths?: NamespacePaths;
  /** Mapping of the user namespace that is joined, when it is another container's; else the spec's. */
  readonly idMapping?: common.IdMapping;
  /** Host directory for /dev/shm of a container that shares it. */
  readonly shm?: string;
}

export type NamespacePaths = Readonly<Partial<Record<'network' | 'user' | 'pid' | 'ipc', string>>>;

export type ContributedParts = Readonly<Partial<Pick<providerTypes.Contribution, 'mounts' | 'environment' | 'annotations' | 'hooks'>>>;

const OCI_VERSION = '1.0.2';

/**
 * The OCI specification of a container.
 * @throws CleatError `invalid_argument` for what this host or the combination does not allow
 */
export function buildSpec(parts: SpecParts): OciSpec {
  const { spec, contribution = {} } = parts;
  checkCombination(spec);
  const mounts = mountsOf(parts);
  const hasOwnName = spec.namespaces.uts !== 'host' && spec.hostname !== '';
  return {
    ociVersion: OCI_VERSION,
    process: processOf(parts),
    root: { path: parts.root, readonly: spec.readonlyRootfs },
    hostname: hasOwnName ? spec.hostname : undefined,
    mounts,
    hooks: hooksOf(contribution.hooks ?? []),
    annotations: { ...contribution.annotations, ...spec.annotations },
    linux: { ...linuxOf(parts), rootfsPropagation: rootPropagation(mounts) },
  };
}

/** Docker refuses the same: the kernel would, later and with a worse text. */
function checkCombination({ namespaces, privileged }: containerTypes.Spec): void {
  if (namespaces.user === 'host') return;
  const shared = [
    [namespaces.network === 'host', "cannot share the host's network namespace when user namespaces are enabled"],
    [namespaces.pid === 'host', 'cannot share the host PID namespace when user namespaces are enabled'],
    [
      privileged,
      'privileged mode is incompatible with user namespaces. You must run the container in the host namespace when running privileged mode',
    ],
  ] as const;
  const found = shared.find(([isShared]) => isShared);
  if (found !== undefined) throw new CleatError('invalid_argument', 'USER_NAMESPACE_CONFLICT', found[1]);
}

function hasInit(spec: containerTypes.Spec): boolean {
  // In another's pid namespace there is an init already.
  return spec.init && spec.namespaces.pid === 'private';
}

function processOf(parts: SpecParts): OciProcess {
  const { spec, user, host, contribution } = parts;
  const process = buildProcess({
    process: spec.process,
    user,
    host,
    isPrivileged: spec.privileged,
    environment: contribution?.environment ?? [],
    hostname: spec.hostname,
  });
  return hasInit(spec) ? { ...process, args: [INIT_TARGET, '--', ...process.args] } : process;
}

function mountsOf(parts: SpecParts): OciSpec['mounts'] {
  const { spec, host } = parts;
  const { ipc } = spec.namespaces;
  if (hasInit(spec) && host.initPath === undefined) {
    throw new CleatError('invalid_argument', 'INIT_MISSING', 'this host has no init program for containers', {
      hint: 'Install docker-init or tini-static.',
    });
  }
  const mapping = mappingOf(parts);
  return containerMounts({
    user: spec.mounts,
    contributed: parts.contribution?.mounts ?? [],
    files: parts.files ?? {},
    shmSizeBytes: spec.shmSizeBytes,
    shm: ipc === 'host' ? '/dev/shm' : parts.shm,
    hasIpc: ipc !== 'none',
    isPrivileged: spec.privileged,
    isReadonly: spec.readonlyRootfs,
    hasUserNamespace: mapping !== undefined,
    hasTtyGroup: mapping === undefined || mapping.gids.some((range) => range.containerId <= 5 && range.containerId + range.size > 5),
    initPath: hasInit(spec) ? host.initPath : undefined,
  });
}

function linuxOf(parts: SpecParts): OciLinux {
  const { spec, host } = parts;
  const mapping = mappingOf(parts);
  const capabilities = spec.process.capabilities.filter((name) => host.capabilities.includes(name));
  return {
    namespaces: namespacesOf(parts, mapping !== undefined),
    uidMappings: mapping?.uids.map(toOciMapping),
    gidMappings: mapping?.gids.map(toOciMapping),
    devices: (parts.devices ?? []).map(({ access: _access, ...device }) => device),
    cgroupsPath: parts.cgroupsPath,
    resources: { devices: deviceRulesOf(parts), ...resourcesOf(spec.resources) },
    sysctl: sysctlOf(spec),
    seccomp: seccompFor(spec.process.seccomp, { capabilities }),
    maskedPaths: spec.maskedPaths,
    readonlyPaths: spec.readonlyPaths,
  };
}

/** Undefined in the host's user namespace. */
function mappingOf({ spec, idMapping, namespacePaths }: SpecParts): common.IdMapping | undefined {
  if (spec.namespaces.user === 'host' && namespacePaths?.user === undefined) return undefined;
  const mapping = idMapping ?? spec.namespaces.idMapping;
  if (mapping.uids.length > 0 && mapping.gids.length > 0) return mapping;
  throw new CleatError('invalid_argument', 'ID_MAPPING_MISSING', 'a user namespace needs a mapping of user and group ids');
}

function toOciMapping({ containerId, hostId, size }: common.IdRange): OciIdMapping {
  return { containerID: containerId, hostID: hostId, size };
}

function namespacesOf(parts: SpecParts, hasUser: boolean): OciNamespace[] {
  const { namespaces } = parts.spec;
  const paths = parts.namespacePaths ?? {};
  const result: OciNamespace[] = [{ type: 'mount' }];
  for (const type of ['network', 'pid', 'ipc'] as const) {
    const mode = namespaces[type];
    if (mode === 'host') continue;
    const path = paths[type];
    if (path === undefined && mode.startsWith('container:')) {
      throw new CleatError('internal', 'NAMESPACE_PATH_MISSING', `the ${type} namespace of ${mode} was not resolved`);
    }
    result.push({ type, path });
  }
  if (namespaces.uts !== 'host') result.push({ type: 'uts' });
  if (namespaces.cgroup !== 'host') result.push({ type: 'cgroup' });
  if (hasUser) result.push({ type: 'user', path: paths.user });
  return result;
}

function sysctlOf(spec: containerTypes.Spec): Readonly<Record<string, string>> {
  if (spec.domainname === '' || spec.namespaces.uts === 'host') return spec.sysctls;
  return { 'kernel.domainname': spec.domainname, ...spec.sysctls };
}

function deviceRulesOf({ spec, devices = [] }: SpecParts): OciDeviceRule[] {
  if (spec.privileged) return [{ allow: true, access: 'rwm' }];
  const ofDevices = devices.map(({ type, major, minor, access }) => ({ allow: true, type, major, minor, access }));
  return [...DEFAULT_DEVICE_RULES, ...ofDevices, ...spec.deviceRules.map(parseDeviceRule)];
}

/** Limits as a specification or an update has them. */
export function resourcesOf(resources: containerTypes.Resources): OciLimits {
  const { memorySwappiness, cpuQuotaUs, pidsLimit, blkioWeight } = resources;
  return {
    memory: {
      limit: unless(0, resources.memoryBytes),
      swap: unless(0, resources.memorySwapBytes),
      reservation: unless(0, resources.memoryReservationBytes),
      swappiness: memorySwappiness < 0 ? undefined : memorySwappiness,
      disableOOMKiller: resources.oomKillDisable ? true : undefined,
    },
    cpu: {
      shares: unless(0, resources.cpuShares),
      period: unless(0, resources.cpuPeriodUs),
      quota: unless(0, cpuQuotaUs),
      cpus: unless('', resources.cpusetCpus),
      mems: unless('', resources.cpusetMems),
    },
    pids: pidsLimit === 0 ? undefined : { limit: pidsLimit },
    blockIO: blkioWeight === 0 ? undefined : { weight: blkioWeight },
  };
}

function unless<T>(none: T, value: T): T | undefined {
  return value === none ? undefined : value;
}

/** Never run, but looked up by the runtime before it waits: this name for itself needs no file of the container. */
const VIEW_PROCESS: OciProcess = {
  terminal: false,
  user: { uid: 0, gid: 0, additionalGids: [] },
  args: ['/proc/self/exe'],
  env: [],
  cwd: '/',
  capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
  rlimits: [],
  noNewPrivileges: true,
  oomScoreAdj: 0,
};

/**
 * The specification of a view: the same file system, with nothing that only a running process needs. Namespaces that the container's
 * run would join may not exist now, so the view has its own.
 */
export function viewSpec(spec: OciSpec, cgroupsPath: string): OciSpec {
  const { ociVersion, root, mounts, linux } = spec;
  const own: OciNamespace['type'][] = ['mount', 'pid', 'ipc', 'uts', 'network'];
  if (linux.uidMappings !== undefined) own.push('user');
  const namespaces = own.map((type) => ({ type }));
  const resources = { devices: linux.resources.devices, memory: {}, cpu: {} };
  const kept = { ...linux, sysctl: {}, seccomp: undefined, namespaces, cgroupsPath, resources };
  return { ociVersion, process: VIEW_PROCESS, root, mounts, linux: kept };
}

function hooksOf(hooks: readonly providerTypes.Hook[]): NonNullable<OciSpec['hooks']> {
  const result: Partial<Record<HookName, OciHook[]>> = {};
  for (const { at, path, args, env, timeoutS } of hooks) {
    if (!isHookName(at)) {
      throw new CleatError('invalid_argument', 'HOOK_INVALID', `${at} is no point at which a runtime calls hooks`);
    }
    result[at] = [...(result[at] ?? []), { path, args, env, timeout: timeoutS }];
  }
  return result;
}

function isHookName(name: string): name is HookName {
  return ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].includes(name);
}
