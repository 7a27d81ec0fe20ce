import { constants, fstatSync, type Stats } from 'node:fs';
import { errnoName, systemError, translated } from './errno.ts';
import { bind, cFilePath, type FilePath, lastErrno, shownPath } from './libc.ts';
import { closeDescriptor } from './sockets.ts';

// Both have the same value on every architecture that Node runs on.
const SYS_OPENAT2 = 437;
const AT_FDCWD = -100;

export const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** An entry of another mount is EXDEV. */
export const RESOLVE_NO_XDEV = 0x01;
/** A link to a place that no path names (/proc/PID/fd/N) is ELOOP. */
export const RESOLVE_NO_MAGICLINKS = 0x02;
/** Any link on the way is ELOOP. */
export const RESOLVE_NO_SYMLINKS = 0x04;
/** A step out of the directory is EXDEV. */
export const RESOLVE_BENEATH = 0x08;
/** The directory is what `/` and `..` stop at, as after chroot. */
export const RESOLVE_IN_ROOT = 0x10;

/** A rename or mount at the same time makes the kernel give up a walk with EAGAIN; it asks to be called again. */
const ATTEMPTS = 64;

const openat2Call = bind<[number, number, FilePath, Uint8Array, number]>(
  'long syscall(long number, long directory, const char *path, const void *how, unsigned long size)',
);

export interface OpenRequest {
  /** Where the path starts: an open directory, or its path, which is trusted. */
  readonly root: number | string;
  readonly path: FilePath;
  readonly flags: number;
  readonly mode?: number;
  readonly resolve: number;
}

/** openat2(2), with close-on-exec. ENOSYS before Linux 5.6. */
export function openat2(request: OpenRequest): number {
  const { root, path, flags, mode = 0, resolve } = request;
  if (typeof root === 'string') return withDirectory(root, (fd) => openat2({ ...request, root: fd }));
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(mode), 8);
  how.writeBigUInt64LE(BigInt(resolve), 16);
  const name = cFilePath(path);
  let errno = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const fd = openat2Call(SYS_OPENAT2, root, name, how, how.length);
    if (fd >= 0) return fd;
    errno = lastErrno();
    if (errnoName(errno) !== 'EAGAIN') break;
  }
  throw systemError(errno, 'openat2', shownPath(path));
}

function withDirectory<T>(path: string, use: (fd: number) => T): T {
  const fd = openat2({ root: AT_FDCWD, path, flags: O_PATH | constants.O_DIRECTORY, resolve: 0 });
  try {
    return use(fd);
  } finally {
    closeDescriptor(fd);
  }
}

/** Opens a path below `root`, whose links and `..` can't lead out of it. */
export function openInRoot(root: number | string, path: string, flags: number, mode = 0): number {
  return openat2({ root, path: path === '' ? '.' : path, flags, mode, resolve: RESOLVE_IN_ROOT });
}

/** What a path below `root` leads to. Opens nothing: a device or a pipe is only looked at. */
export function statInRoot(root: number | string, path: string): Stats {
  return statOpened(openInRoot(root, path, O_PATH), path);
}

/** As statInRoot, for the link itself when the path ends in one. */
export function lstatInRoot(root: number | string, path: string): Stats {
  return statOpened(openInRoot(root, path, O_PATH | constants.O_NOFOLLOW), path);
}

function statOpened(fd: number, path: string): Stats {
  try {
    return translated(path, () => fstatSync(fd));
  } finally {
    closeDescriptor(fd);
  }
}

/** The text of a link below `root`. */
export function readlinkInRoot(root: number | string, path: string): string {
  const fd = openInRoot(root, path, O_PATH | constants.O_NOFOLLOW);
  try {
    return readlinkOfDescriptor(fd, path);
  } finally {
    closeDescriptor(fd);
  }
}

const readlinkatCall = bind<[number, string, Uint8Array, number]>(
  'long readlinkat(int directory, const char *path, void *buffer, unsigned long size)',
);

/** The text of the link that an O_PATH descriptor stands for. */
export function readlinkOfDescriptor(fd: number, subject: string): string {
  const buffer = Buffer.alloc(4096);
  const length = readlinkatCall(fd, '', buffer, buffer.length);
  if (length < 0) throw systemError(lastErrno(), 'readlinkat', subject);
  return buffer.toString('utf8', 0, length);
}
