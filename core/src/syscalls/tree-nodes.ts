import { bind, checked, lastErrno } from './libc.ts';
import { errnoName, systemError } from './errno.ts';

// What a copy or an unpacked archive of a file tree needs and node:fs lacks. Paths are bytes: a file name need not be UTF-8.

const lsetxattr = bind<[Buffer, string, Uint8Array, number, number]>(
  'int lsetxattr(const void *path, const char *name, const void *value, size_t size, int flags)',
);
const lgetxattr = bind<[Buffer, string, Uint8Array, number]>(
  'ssize_t lgetxattr(const void *path, const char *name, void *value, size_t size)',
);
const llistxattr = bind<[Buffer, Uint8Array, number]>('ssize_t llistxattr(const void *path, void *list, size_t size)');
const mknodCall = bind<[Buffer, number, bigint]>('int mknod(const void *path, unsigned int mode, uint64_t dev)');
const syncfs = bind<[number]>('int syncfs(int fd)');

/** The kernel's own limit on a value and on a list of names (XATTR_SIZE_MAX). */
const XATTR_BYTES_LIMIT = 65536;

function terminated(path: Uint8Array): Buffer {
  return Buffer.concat([path, Buffer.alloc(1)]);
}

function shown(path: Uint8Array): string {
  return Buffer.from(path).toString();
}

/** Sets an extended attribute of the path itself: a symbolic link is not followed. */
export function setXattr(path: Uint8Array, name: string, value: Uint8Array): void {
  checked(lsetxattr(terminated(path), name, value, value.byteLength, 0), 'lsetxattr', `${shown(path)} ${name}`);
}

/** An extended attribute of the path itself, or undefined where it has none of that name. */
export function getXattr(path: Uint8Array, name: string): Buffer | undefined {
  const value = Buffer.alloc(XATTR_BYTES_LIMIT);
  const size = lgetxattr(terminated(path), name, value, value.byteLength);
  if (size >= 0) return Buffer.from(value.subarray(0, size));
  const errno = lastErrno();
  const errorName = errnoName(errno);
  if (errorName === 'ENODATA' || errorName === 'EOPNOTSUPP') return undefined;
  throw systemError(errno, 'lgetxattr', `${shown(path)} ${name}`);
}

/** The names of the extended attributes of the path itself; none on a file system without them. */
export function listXattrs(path: Uint8Array): string[] {
  const cPath = terminated(path);
  // Most files have none, and asking for the size alone needs no buffer of 64 KiB for each.
  const size = llistxattr(cPath, Buffer.alloc(0), 0);
  if (size === 0) return [];
  const list = Buffer.alloc(XATTR_BYTES_LIMIT);
  const filled = size < 0 ? size : llistxattr(cPath, list, list.byteLength);
  if (filled >= 0) return list.toString('latin1', 0, filled).split('\0').filter((name) => name !== '');
  const errno = lastErrno();
  if (errnoName(errno) === 'EOPNOTSUPP') return [];
  throw systemError(errno, 'llistxattr', shown(path));
}

/** Makes a device node, fifo or socket node; `mode` holds the type. */
export function makeNode(path: Uint8Array, mode: number, device: { readonly major: number; readonly minor: number }): void {
  checked(mknodCall(terminated(path), mode, deviceNumber(device.major, device.minor)), 'mknod', shown(path));
}

/** dev_t as glibc and the kernel's 64-bit interface write it: 12 + 20 bits of major, 8 + 24 of minor, interleaved. */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn);
}

/** Writes all of a file system that is still in memory to its disk; `fd` is any open file on it. */
export function syncFilesystem(fd: number): void {
  checked(syncfs(fd), 'syncfs', `fd ${fd}`);
}
