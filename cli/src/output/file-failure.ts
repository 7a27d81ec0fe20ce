import { CleatError } from '@cleat/schemas/errors';

/** "no such file or directory" of "ENOENT: no such file or directory, open '/x'". */
export function systemReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /^E[A-Z0-9]+: ([^,]+)/.exec(message)?.[1] ?? message;
}

/** A file of the user that could not be read or written. */
export function fileFailure(path: string, cause: unknown): CleatError {
  return new CleatError('invalid_argument', 'FILE_UNUSABLE', `${path === '-' ? 'standard input' : path}: ${systemReason(cause)}`, {
    cause,
  });
}
