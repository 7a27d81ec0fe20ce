import { chmodSync } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { translated } from './errno.ts';
import { bind, cFilePath, checked, type FilePath, shownPath } from './libc.ts';

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
/** glibc before 2.33 has no mknod to bind, so the system call is made by its number. */
const SYS_MKNODAT: ReadonlyMap<string, number> = new Map([
  ['x64', 259],
  ['arm64', 33],
  ['riscv64', 33],
]);
const TYPE_BITS = { fifo: 0o010000, char: 0o020000, block: 0o060000, socket: 0o140000 } as const;

const mknodatCall = bind<[number, number, FilePath, number, number]>(
  'long syscall(long number, long directory, const char *path, unsigned long mode, unsigned long device)',
);
const utimensatCall = bind<[number, FilePath, Uint8Array, number]>(
  'int utimensat(int directory, const char *path, const void *times, int flags)',
);

export interface NodeRequest {
  readonly type: 'fifo' | 'char' | 'block' | 'socket';
  readonly mode: number;
  /** Of a device; 0 for the rest. */
  readonly major?: number;
  readonly minor?: number;
}

/** Makes a device, named pipe or socket file with exactly this mode. */
export function makeNode(path: FilePath, request: NodeRequest): void {
  const { type, mode, major = 0, minor = 0 } = request;
  const number = SYS_MKNODAT.get(process.arch);
  if (number === undefined) {
    throw new CleatError('unimplemented', 'SYSCALL_ENOSYS', `making device nodes is not supported on ${process.arch}`);
  }
  const device = (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
  checked(mknodatCall(number, AT_FDCWD, cFilePath(path), TYPE_BITS[type] | mode, device >>> 0), 'mknodat', shownPath(path));
  // The umask was taken away from it.
  translated(shownPath(path), () => {
    chmodSync(typeof path === 'string' ? path : Buffer.from(path), mode);
  });
}

export interface FileTimes {
  /** Nanoseconds since 1970. */
  readonly accessedNs: bigint;
  readonly modifiedNs: bigint;
}

/** Sets the times of a file, or of a link itself, to the nanosecond (what node:fs takes is a float of seconds). */
export function setFileTimes(path: FilePath, times: FileTimes): void {
  const bytes = Buffer.alloc(32);
  writeTimespec(bytes, 0, times.accessedNs);
  writeTimespec(bytes, 16, times.modifiedNs);
  checked(utimensatCall(AT_FDCWD, cFilePath(path), bytes, AT_SYMLINK_NOFOLLOW), 'utimensat', shownPath(path));
}

function writeTimespec(target: Buffer, offset: number, nanoseconds: bigint): void {
  const billion = 1_000_000_000n;
  const fraction = ((nanoseconds % billion) + billion) % billion;
  target.writeBigInt64LE((nanoseconds - fraction) / billion, offset);
  target.writeBigInt64LE(fraction, offset + 8);
}
