import { CleatError, isCleatError } from '@cleat/schemas';

/** The name of the errno behind an error of node:fs or of a system call ("ENOSPC"). */
export function errnoOf(error: unknown): string | undefined {
  if (isCleatError(error)) return error.details['errno'];
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  if (error.code === 'ENOTSUP') return 'EOPNOTSUPP';
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** A failure of the file system below the store as an error with a class; others come back unchanged. */
export function storageError(error: unknown, what: string): unknown {
  if (isCleatError(error) && !error.code.startsWith('SYSCALL_')) return error;
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  if (errno === 'ENOSPC' || errno === 'EDQUOT') {
    return new CleatError('resource_exhausted', 'IMAGE_STORE_FULL', `${what}: no space left on the file system of the image store`, {
      hint: 'Remove what is not needed with "docker image prune", or give the state directory more room.',
      cause: error,
    });
  }
  const message = error instanceof Error ? error.message : errno;
  return new CleatError('internal', 'IMAGE_STORE_FAILED', `${what}: ${message}`, { details: { errno }, cause: error });
}
