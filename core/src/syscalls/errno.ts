import { constants } from 'node:os';
import { CleatError, type ErrorClass, isCleatError } from '@cleat/schemas';

const CLASS_BY_ERRNO: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ['ENOENT', 'not_found'],
  ['ESRCH', 'not_found'],
  ['EEXIST', 'already_exists'],
  ['EBUSY', 'conflict'],
  ['ENOTEMPTY', 'conflict'],
  ['EADDRINUSE', 'conflict'],
  ['EPERM', 'permission_denied'],
  ['EACCES', 'permission_denied'],
  ['ENOSPC', 'resource_exhausted'],
  ['EDQUOT', 'resource_exhausted'],
  ['EMFILE', 'resource_exhausted'],
  ['ENFILE', 'resource_exhausted'],
  ['ENOMEM', 'resource_exhausted'],
  ['ENOSYS', 'unimplemented'],
  ['EOPNOTSUPP', 'unimplemented'],
  ['EINVAL', 'invalid_argument'],
  ['ENAMETOOLONG', 'invalid_argument'],
  ['ENOTDIR', 'invalid_argument'],
  ['ELOOP', 'invalid_argument'],
  ['ECONNREFUSED', 'unavailable'],
  ['EAGAIN', 'unavailable'],
  ['EISDIR', 'conflict'],
]);

let namesByNumber: ReadonlyMap<number, string> | undefined;

/** `EBUSY` for 16; a number without a name is `E<number>`. */
export function errnoName(errno: number): string {
  namesByNumber ??= new Map(
    Object.entries(constants.errno)
      // Two names share a number; these are the ones used throughout.
      .filter(([name]) => name !== 'EWOULDBLOCK' && name !== 'ENOTSUP')
      .map(([name, number]) => [number, name]),
  );
  return namesByNumber.get(errno) ?? `E${errno}`;
}

function named(name: string, call: string, message: string, cause?: unknown): CleatError {
  return new CleatError(CLASS_BY_ERRNO.get(name) ?? 'internal', `SYSCALL_${name}`, message, { details: { errno: name, call }, cause });
}

/** A failed system call as an error: code `SYSCALL_<ERRNO>`, and `details.errno` and `details.call`. */
export function systemError(errno: number, call: string, subject: string): CleatError {
  const name = errnoName(errno);
  return named(name, call, `${call} ${subject}: ${name}`);
}

/** An error of node:fs as the same kind of error; anything else comes back unchanged. */
export function fromNodeError(error: unknown, subject: string): unknown {
  if (!(error instanceof Error) || isCleatError(error)) return error;
  const name = nodeErrno(error);
  if (name === undefined) return error;
  const call = 'syscall' in error && typeof error.syscall === 'string' ? error.syscall : 'system call';
  return named(name === 'ENOTSUP' ? 'EOPNOTSUPP' : name, call, `${call} ${subject}: ${name}`, error);
}

function nodeErrno(error: Error): string | undefined {
  if (!('code' in error) || typeof error.code !== 'string') return undefined;
  // Errors of Node itself have codes too (ERR_...), which are no errno.
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** The errno name of an error of this package or of node:fs. */
export function errnoOf(error: unknown): string | undefined {
  if (isCleatError(error)) return error.details['errno'];
  return error instanceof Error ? nodeErrno(error) : undefined;
}

/** Runs a call of node:fs and turns its error into a system error about `subject`. */
export function translated<T>(subject: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromNodeError(error, subject);
  }
}
