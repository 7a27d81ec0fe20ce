import { mkdirSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { fromNodeError } from '@cleat/core/syscalls';
import { CleatError, type containerTypes } from '@cleat/schemas';
import type { OciMount } from './oci-spec.ts';

/** A mount as the user or a provider describes it. */
export interface DescribedMount {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
}

/** The kernel's own files of a container, each bound over the one of its root unless something is mounted there. */
export interface ContainerFiles {
  readonly hosts?: string;
  readonly resolvConf?: string;
  readonly hostname?: string;
}

export interface MountInput {
  readonly user: readonly DescribedMount[];
  readonly contributed: readonly DescribedMount[];
  readonly files: ContainerFiles;
  readonly shmSizeBytes: number;
  /** A host directory for /dev/shm; without one the container has a tmpfs of its own. */
  readonly shm?: string | undefined;
  readonly hasIpc: boolean;
  readonly isPrivileged: boolean;
  readonly isReadonly: boolean;
  readonly hasUserNamespace: boolean;
  /** Whether group 5 (tty) exists in the user namespace. */
  readonly hasTtyGroup: boolean;
  readonly initPath?: string | undefined;
}

export const INIT_TARGET = '/sbin/docker-init';

const PROPAGATIONS: ReadonlySet<string> = new Set([
  'private',
  'rprivate',
  'shared',
  'rshared',
  'slave',
  'rslave',
  'unbindable',
  'runbindable',
]);

/** All mounts of a container: Docker's own, then the others, shallow ones first so that none hides a deeper one. */
export function containerMounts(input: MountInput): OciMount[] {
  const own = new Set(input.user.map((mount) => cleanTarget(mount.target)));
  const described = [...input.contributed.filter((mount) => !own.has(cleanTarget(mount.target))), ...input.user].map(toOciMount);
  const taken = new Set(described.map((mount) => mount.destination));
  const isFree = (mount: OciMount): boolean => !isTaken(mount.destination, taken);
  const mounts = [...fileMounts(input).filter(isFree), ...described];
  if (input.initPath !== undefined) mounts.push(bind(input.initPath, INIT_TARGET, ['bind', 'ro']));
  return [...defaultMounts(input).filter(isFree), ...sortedByDepth(mounts)];
}

/** Docker leaves its own mount out where the user has one, and everything below /dev where the user brings a /dev. */
function isTaken(destination: string, taken: ReadonlySet<string>): boolean {
  return taken.has(destination) || (destination.startsWith('/dev/') && taken.has('/dev'));
}

/** What the root's mount must let through, for mounts that ask to see mounts of the host; undefined when none does. */
export function rootPropagation(mounts: readonly OciMount[]): string | undefined {
  const has = (...names: string[]): boolean => mounts.some((mount) => mount.options?.some((option) => names.includes(option)) === true);
  if (has('shared', 'rshared')) return 'shared';
  return has('slave', 'rslave') ? 'rslave' : undefined;
}

/**
 * Makes the sources of binds that ask for it (as `docker run -v` does) and refuses those that are not there.
 * @throws CleatError `invalid_argument` BIND_SOURCE_MISSING
 */
export function prepareBindSources(mounts: readonly containerTypes.Mount[]): void {
  for (const { type, source, createSource } of mounts) {
    if (type !== 'bind') continue;
    try {
      if (createSource) mkdirSync(source, { recursive: true, mode: 0o755 });
    } catch (error) {
      // Something else than a directory may be bound as well.
      if (!exists(source)) throw fromNodeError(error, source);
    }
    if (exists(source)) continue;
    throw new CleatError(
      'invalid_argument',
      'BIND_SOURCE_MISSING',
      `invalid mount config for type "bind": bind source path does not exist: ${source}`,
    );
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function cleanTarget(target: string): string {
  const path = posix.normalize(`/${target}`);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function toOciMount(mount: DescribedMount): OciMount {
  const { type, source, options } = mount;
  const destination = cleanTarget(mount.target);
  if (destination === '/') {
    throw new CleatError('invalid_argument', 'MOUNT_INVALID', `invalid mount config: destination can't be '/'`);
  }
  if (type === 'tmpfs') return { destination, type, source: 'tmpfs', options };
  if (type !== 'bind') {
    throw new CleatError('invalid_argument', 'MOUNT_INVALID', `invalid mount config: mount type unknown: "${type}"`);
  }
  return bind(source, destination, options);
}

function bind(source: string, destination: string, options: readonly string[]): OciMount {
  const isBind = options.includes('bind') || options.includes('rbind');
  const hasPropagation = options.some((option) => PROPAGATIONS.has(option));
  const full = [...(isBind ? [] : ['rbind']), ...options, ...(hasPropagation ? [] : ['rprivate'])];
  return { destination, type: 'bind', source, options: full };
}

function fileMounts(input: MountInput): OciMount[] {
  const { hosts, resolvConf, hostname } = input.files;
  const pairs = [
    [resolvConf, '/etc/resolv.conf'],
    [hostname, '/etc/hostname'],
    [hosts, '/etc/hosts'],
  ] as const;
  const options = input.isReadonly ? ['rbind', 'ro'] : ['rbind'];
  return pairs.flatMap(([source, target]) => (source === undefined ? [] : [bind(source, target, options)]));
}

function defaultMounts(input: MountInput): OciMount[] {
  const safe = ['nosuid', 'noexec', 'nodev'];
  const pts = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...(input.hasTtyGroup ? ['gid=5'] : [])];
  // In a user namespace a cgroup mount can't be made read-only again by a remount.
  const isCgroupWritable = input.isPrivileged || input.hasUserNamespace;
  const mounts: OciMount[] = [
    { destination: '/proc', type: 'proc', source: 'proc', options: safe },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: pts },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...safe, ...(input.isPrivileged ? [] : ['ro'])] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...(isCgroupWritable ? [] : ['ro']), ...safe] },
  ];
  if (!input.hasIpc) return mounts;
  mounts.push({ destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: safe });
  if (input.shm !== undefined) mounts.push(bind(input.shm, '/dev/shm', ['rbind', ...safe]));
  else {
    const options = [...safe, 'mode=1777', `size=${input.shmSizeBytes}`];
    mounts.push({ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options });
  }
  return mounts;
}

function sortedByDepth(mounts: readonly OciMount[]): OciMount[] {
  const depth = (mount: OciMount): number => mount.destination.split('/').length;
  return [...mounts].sort((one, other) => depth(one) - depth(other));
}
