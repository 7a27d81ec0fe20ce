import { CleatError, type common, type containerTypes, type providerTypes } from '@cleat/schemas';
import { DEFAULT_DEVICE_RULES, type FoundDevice, parseDeviceRule } from './devices.ts';
import type { HostFacts } from './host.ts';
import { type ContainerFiles, containerMounts, INIT_TARGET, rootPropagation } from './mounts.ts';
import {
  type HookName,
  type OciDevice,
  type OciDeviceRule,
  type OciHook,
  type OciHooks,
  type OciIdMapping,
  type OciLinux,
  type OciNamespace,
  type OciProcess,
  type OciResources,
  type OciSpec,
  withoutUndefined,
} from './oci-spec.ts';
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

export type ContributedParts = Readonly<
  Partial<Pick<providerTypes.Contribution, 'mounts' | 'environment' | 'annotations' | 'hooks'>>
>;

const OCI_VERSION = '1.0.2';

/**
 * The OCI specification of a container.
 * @throws CleatError `invalid_argument` for what this host or the combination does not allow
 */
export function buildSpec(parts: SpecParts): OciSpec {
  const { spec, contribution = {} } = parts;
  checkCombination(spec);
  const mounts = mountsOf(parts);
  const annotations = { ...contribution.annotations, ...spec.annotations };
  const hooks = hooksOf(contribution.hooks ?? []);
  const hasOwnName = spec.namespaces.uts !== 'host' && spec.hostname !== '';
  const propagation = rootPropagation(mounts);
  return {
    ociVersion: OCI_VERSION,
    process: processOf(parts),
    root: { path: parts.root, readonly: spec.readonlyRootfs },
    ...(hasOwnName ? { hostname: spec.hostname } : {}),
    mounts,
    ...(Object.keys(hooks).length === 0 ? {} : { hooks }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    linux: { ...linuxOf(parts), ...(propagation === undefined ? {} : { rootfsPropagation: propagation }) },
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
    throw new CleatError('unimplemented', 'INIT_PROGRAM_MISSING', 'this host has no init program for containers', {
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
    hasTtyGroup:
      mapping === undefined ||
      mapping.gids.some((range) => range.containerId <= 5 && range.containerId + range.size > 5),
    initPath: hasInit(spec) ? host.initPath : undefined,
  });
}

function linuxOf(parts: SpecParts): OciLinux {
  const { spec, host } = parts;
  const mapping = mappingOf(parts);
  const devices = (parts.devices ?? []).map(toNode);
  const sysctl = sysctlOf(spec);
  const seccomp = seccompFor(spec.process.seccomp, {
    capabilities: spec.process.capabilities.filter((name) => host.capabilities.includes(name)),
  });
  return {
    namespaces: namespacesOf(parts, mapping !== undefined),
    ...(mapping === undefined
      ? {}
      : { uidMappings: mapping.uids.map(toOciMapping), gidMappings: mapping.gids.map(toOciMapping) }),
    ...(devices.length === 0 ? {} : { devices }),
    cgroupsPath: parts.cgroupsPath,
    resources: { devices: deviceRulesOf(parts), ...resourcesOf(spec.resources) },
    ...(Object.keys(sysctl).length === 0 ? {} : { sysctl }),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(spec.maskedPaths.length === 0 ? {} : { maskedPaths: spec.maskedPaths }),
    ...(spec.readonlyPaths.length === 0 ? {} : { readonlyPaths: spec.readonlyPaths }),
  };
}

/** Undefined in the host's user namespace. */
function mappingOf({ spec, idMapping, namespacePaths }: SpecParts): common.IdMapping | undefined {
  if (spec.namespaces.user === 'host' && namespacePaths?.user === undefined) return undefined;
  const mapping = idMapping ?? spec.namespaces.idMapping;
  if (mapping.uids.length > 0 && mapping.gids.length > 0) return mapping;
  throw new CleatError(
    'invalid_argument',
    'ID_MAPPING_MISSING',
    'a user namespace needs a mapping of user and group ids',
  );
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
    result.push({ type, ...(path === undefined ? {} : { path }) });
  }
  if (namespaces.uts !== 'host') result.push({ type: 'uts' });
  if (namespaces.cgroup !== 'host') result.push({ type: 'cgroup' });
  if (hasUser) result.push({ type: 'user', ...(paths.user === undefined ? {} : { path: paths.user }) });
  return result;
}

function sysctlOf(spec: containerTypes.Spec): Readonly<Record<string, string>> {
  if (spec.domainname === '' || spec.namespaces.uts === 'host') return spec.sysctls;
  return { 'kernel.domainname': spec.domainname, ...spec.sysctls };
}

function toNode({ path, type, major, minor, fileMode, uid, gid }: FoundDevice): OciDevice {
  return {
    path,
    type,
    major,
    minor,
    ...(fileMode === undefined ? {} : { fileMode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

function deviceRulesOf({ spec, devices = [] }: SpecParts): OciDeviceRule[] {
  if (spec.privileged) return [{ allow: true, access: 'rwm' }];
  const ofDevices = devices.map(({ type, major, minor, access }) => ({ allow: true, type, major, minor, access }));
  return [...DEFAULT_DEVICE_RULES, ...ofDevices, ...spec.deviceRules.map(parseDeviceRule)];
}

/** Limits as a specification or an update has them: what is not set is not mentioned. */
export function resourcesOf(resources: containerTypes.Resources): Omit<OciResources, 'devices'> {
  const memory = withoutUndefined({
    limit: positive(resources.memoryBytes),
    swap: resources.memorySwapBytes === 0 ? undefined : resources.memorySwapBytes,
    reservation: positive(resources.memoryReservationBytes),
    swappiness: resources.memorySwappiness < 0 ? undefined : resources.memorySwappiness,
    disableOOMKiller: resources.oomKillDisable ? true : undefined,
  });
  const cpu = withoutUndefined({
    shares: positive(resources.cpuShares),
    period: positive(resources.cpuPeriodUs),
    quota: resources.cpuQuotaUs === 0 ? undefined : resources.cpuQuotaUs,
    cpus: resources.cpusetCpus === '' ? undefined : resources.cpusetCpus,
    mems: resources.cpusetMems === '' ? undefined : resources.cpusetMems,
  });
  return {
    ...(Object.keys(memory).length === 0 ? {} : { memory }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(resources.pidsLimit === 0 ? {} : { pids: { limit: resources.pidsLimit } }),
    ...(resources.blkioWeight === 0 ? {} : { blockIO: { weight: resources.blkioWeight } }),
  };
}

/** Never run, but looked up by the runtime before it waits: this name for itself needs no file of the container. */
const VIEW_PROCESS: OciProcess = {
  terminal: false,
  user: { uid: 0, gid: 0 },
  args: ['/proc/self/exe'],
  env: [],
  cwd: '/',
  capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
  noNewPrivileges: true,
  oomScoreAdj: 0,
};

/**
 * The specification of a view: the same file system, with nothing that only a running process needs. Namespaces that the container's
 * run would join may not exist now, so the view has its own.
 */
export function viewSpec(spec: OciSpec, cgroupsPath: string): OciSpec {
  const { uidMappings, gidMappings, devices, maskedPaths, readonlyPaths, rootfsPropagation } = spec.linux;
  const kept = withoutUndefined({ uidMappings, gidMappings, devices, maskedPaths, readonlyPaths, rootfsPropagation });
  const hasUser = uidMappings !== undefined;
  const types: OciNamespace['type'][] = [
    'mount',
    'pid',
    'ipc',
    'uts',
    'network',
    ...(hasUser ? (['user'] as const) : []),
  ];
  return {
    ociVersion: spec.ociVersion,
    process: VIEW_PROCESS,
    root: spec.root,
    mounts: spec.mounts,
    linux: {
      ...kept,
      namespaces: types.map((type) => ({ type })),
      cgroupsPath,
      resources: { devices: spec.linux.resources.devices },
    },
  };
}

function positive(value: number): number | undefined {
  return value > 0 ? value : undefined;
}

function hooksOf(hooks: readonly providerTypes.Hook[]): OciHooks {
  const result: Partial<Record<HookName, OciHook[]>> = {};
  for (const hook of hooks) {
    if (!isHookName(hook.at)) {
      throw new CleatError('invalid_argument', 'HOOK_INVALID', `${hook.at} is no point at which a runtime calls hooks`);
    }
    const { path, args, env, timeoutS } = hook;
    result[hook.at] = [...(result[hook.at] ?? []), { path, args, env, timeout: timeoutS }];
  }
  return result;
}

function isHookName(name: string): name is HookName {
  return ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].includes(name);
}
