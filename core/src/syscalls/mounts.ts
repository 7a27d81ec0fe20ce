import { realpathSync } from 'node:fs';
import { errnoName, systemError } from './errno.ts';
import { bind, checked, cPath, lastErrno } from './libc.ts';
import { mountTable } from './mount-table.ts';

export const MS_RDONLY = 0x1;
export const MS_NOSUID = 0x2;
export const MS_NODEV = 0x4;
export const MS_NOEXEC = 0x8;
export const MS_REMOUNT = 0x20;
export const MS_NOATIME = 0x400;
export const MS_BIND = 0x1000;
export const MS_MOVE = 0x2000;
export const MS_REC = 0x4000;
export const MS_UNBINDABLE = 0x20000;
export const MS_PRIVATE = 0x40000;
export const MS_SLAVE = 0x80000;
export const MS_SHARED = 0x100000;
export const MS_RELATIME = 0x200000;

export const MNT_DETACH = 0x2;
export const UMOUNT_NOFOLLOW = 0x8;

const mountCall = bind<[string | null, string, string | null, number, string | null]>(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
);
const umountCall = bind<[string, number]>('int umount2(const char *target, int flags)');
const statfsCall = bind<[string, Uint8Array]>('int statfs(const char *path, void *buffer)');

/** What to mount where; an absent field is NULL or zero to the system call. */
export interface MountRequest {
  readonly source?: string;
  readonly target: string;
  readonly type?: string;
  readonly flags?: number;
  readonly data?: string;
}

export function mount(request: MountRequest): void {
  const { source, target, type, flags = 0, data } = request;
  const result = mountCall(source === undefined ? null : cPath(source), cPath(target), type ?? null, flags, data ?? null);
  checked(result, 'mount', `${source ?? type ?? 'propagation'} on ${target}`);
}

export interface BindOptions {
  /** Take what is mounted below the source along. */
  readonly recursive?: boolean;
  readonly readOnly?: boolean;
}

/**
 * Binds source on target. A bind takes its flags only from a further mount call, one for each mount that came along; when one fails the
 * bind is undone.
 */
export function bindMount(source: string, target: string, options: BindOptions = {}): void {
  const { recursive = false, readOnly = false } = options;
  mount({ source, target, flags: MS_BIND | (recursive ? MS_REC : 0) });
  if (!readOnly) return;
  try {
    for (const point of recursive ? mountPointsBelow(target) : [target]) {
      // Flags that the source's mount has must be repeated, or in a user namespace the remount is refused.
      mount({ target: point, flags: MS_REMOUNT | MS_BIND | MS_RDONLY | lockedFlags(point) });
    }
  } catch (error) {
    umount(target, { lazy: true });
    throw error;
  }
}

function mountPointsBelow(target: string): string[] {
  const path = realpathSync(target);
  const points = mountTable().map(({ mountPoint }) => mountPoint);
  return [...new Set(points.filter((point) => point === path || point.startsWith(`${path}/`)))];
}

function lockedFlags(path: string): number {
  const buffer = Buffer.alloc(256);
  checked(statfsCall(cPath(path), buffer), 'statfs', path);
  // f_flags of struct statfs; ST_NOSUID, ST_NODEV, ST_NOEXEC and ST_NOATIME have the values of their MS_ namesakes.
  return Number(buffer.readBigInt64LE(80)) & (MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME);
}

/** The type of the file system that holds `path`, as f_type says it (0x6e736673 is nsfs, 0x63677270 cgroup2). */
export function fileSystemType(path: string): number {
  const buffer = Buffer.alloc(256);
  checked(statfsCall(cPath(path), buffer), 'statfs', path);
  return Number(buffer.readBigInt64LE(0));
}

export interface UmountOptions {
  /** Take it out of the tree now, and free it when its last user is gone. */
  readonly lazy?: boolean;
}

/** Unmounts what is on top at `target`, without following a link there. False when nothing is mounted or nothing is there. */
export function umount(target: string, options: UmountOptions = {}): boolean {
  const result = umountCall(cPath(target), UMOUNT_NOFOLLOW | (options.lazy === true ? MNT_DETACH : 0));
  if (result === 0) return true;
  const errno = lastErrno();
  const name = errnoName(errno);
  if (name === 'EINVAL' || name === 'ENOENT') return false;
  throw systemError(errno, 'umount', target);
}

/** Mounts and unmounts at or (recursive) below `target` no longer travel to or from other mount namespaces. */
export function makePrivate(target: string, options: { readonly recursive?: boolean } = {}): void {
  mount({ target, flags: MS_PRIVATE | (options.recursive === true ? MS_REC : 0) });
}

export function makeShared(target: string, options: { readonly recursive?: boolean } = {}): void {
  mount({ target, flags: MS_SHARED | (options.recursive === true ? MS_REC : 0) });
}
