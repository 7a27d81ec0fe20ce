import { errnoName, systemError } from './errno.ts';
import { bind, cFilePath, checked, cPath, type FilePath, lastErrno, shownPath } from './libc.ts';

// The l- forms: none of these follows a link at the end of the path.
const getCall = bind<[FilePath, string, Uint8Array | null, number]>(
  'long lgetxattr(const char *path, const char *name, void *value, unsigned long size)',
);
const setCall = bind<[FilePath, string, Uint8Array, number, number]>(
  'int lsetxattr(const char *path, const char *name, const void *value, unsigned long size, int flags)',
);
const listCall = bind<[FilePath, Uint8Array | null, number]>('long llistxattr(const char *path, void *names, unsigned long size)');
const removeCall = bind<[FilePath, string]>('int lremovexattr(const char *path, const char *name)');

/** Asks for the size, then for the bytes, and again when they have grown in between. */
function sized(call: (buffer: Uint8Array | null, size: number) => number): Buffer | number {
  for (;;) {
    const size = call(null, 0);
    if (size < 0) return lastErrno();
    if (size === 0) return Buffer.alloc(0);
    const buffer = Buffer.alloc(size);
    const length = call(buffer, size);
    if (length >= 0) return buffer.subarray(0, length);
    const errno = lastErrno();
    if (errnoName(errno) !== 'ERANGE') return errno;
  }
}

/** The value of an extended attribute; undefined when the file has none of that name or its file system has none at all. */
export function getXattr(path: FilePath, name: string): Buffer | undefined {
  const value = sized((buffer, size) => getCall(cFilePath(path), cPath(name), buffer, size));
  if (typeof value !== 'number') return value;
  if (errnoName(value) === 'ENODATA' || errnoName(value) === 'EOPNOTSUPP') return undefined;
  throw systemError(value, 'lgetxattr', `${name} of ${shownPath(path)}`);
}

export function setXattr(path: FilePath, name: string, value: Uint8Array): void {
  checked(setCall(cFilePath(path), cPath(name), value, value.length, 0), 'lsetxattr', `${name} of ${shownPath(path)}`);
}

/** The names of a file's extended attributes; none when its file system has none. */
export function listXattrs(path: FilePath): string[] {
  const names = sized((buffer, size) => listCall(cFilePath(path), buffer, size));
  if (typeof names !== 'number')
    return names
      .toString()
      .split('\0')
      .filter((name) => name !== '');
  if (errnoName(names) === 'EOPNOTSUPP') return [];
  throw systemError(names, 'llistxattr', shownPath(path));
}

/** False when the file has none of that name. */
export function removeXattr(path: FilePath, name: string): boolean {
  if (removeCall(cFilePath(path), cPath(name)) === 0) return true;
  const errno = lastErrno();
  if (errnoName(errno) === 'ENODATA') return false;
  throw systemError(errno, 'lremovexattr', `${name} of ${shownPath(path)}`);
}
