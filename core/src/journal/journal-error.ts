import { CleatError } from '@cleat/schemas';
import { errnoOf, fromNodeError } from '../syscalls/index.ts';

/** A damaged place that is not the torn end of the newest segment. Nothing on disk has been changed. */
export function corruptJournal(path: string, offset: number, what: string): CleatError {
  return new CleatError('internal', 'JOURNAL_CORRUPT', `${path} is damaged at byte ${offset}: ${what}`, {
    hint: 'Restore the directory from a backup, or move it away to begin with an empty state.',
    details: { file: path, offset: String(offset) },
  });
}

/** What a replay throws for a record with a right checksum whose schema it does not have: its data is good, this program is too old. */
export function unknownJournalSchema(schema: string, position: number): CleatError {
  const message = `record ${position} of the journal has the schema ${schema}, which this version does not know`;
  return new CleatError('internal', 'JOURNAL_SCHEMA_UNKNOWN', message, {
    hint: 'Install the version of Cleat that wrote it, or a newer one.',
    details: { schema, position: String(position) },
  });
}

export function unknownJournalFormat(path: string, what: string): CleatError {
  return new CleatError('internal', 'JOURNAL_FORMAT_UNKNOWN', `${path} has ${what}, which this version does not know`, {
    hint: 'Install the version of Cleat that wrote it, or a newer one.',
    details: { file: path },
  });
}

export function positionGone(position: number, first: number): CleatError {
  const message = `position ${position} is no longer in the journal; the first that is has number ${first}`;
  return new CleatError('not_found', 'JOURNAL_POSITION_GONE', message, { details: { first: String(first) } });
}

/** The error of a failed write, as what its caller can do about it. */
export function writeFailure(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (errno !== 'ENOSPC' && errno !== 'EDQUOT') return fromNodeError(error, path);
  return new CleatError('resource_exhausted', 'JOURNAL_FULL', `there is no space left on the disk for ${path}`, {
    hint: 'Free space on that file system; the request can then be repeated.',
    retryable: true,
    details: { file: path },
    cause: error,
  });
}

/** After a failed fdatasync nobody knows which bytes reached the disk, and asking again would report a success that is none. */
export function failedJournal(path: string, cause: unknown): CleatError {
  return new CleatError('internal', 'JOURNAL_FAILED', `the disk refused to store ${path}; no further change is accepted`, {
    hint: 'Look at the log of the Linux kernel for errors of this disk, then restart.',
    details: { file: path },
    cause,
  });
}

export function closedJournal(dir: string): CleatError {
  return new CleatError('unavailable', 'JOURNAL_CLOSED', `the journal in ${dir} is closed`);
}
