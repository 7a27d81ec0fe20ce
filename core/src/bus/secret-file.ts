import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, fromNodeError } from '../syscalls/index.ts';

/** Makes a directory that only its owner may look into, whatever the umask says. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
}

export interface ReplaceOptions {
  readonly mode: number;
  /** On disk when it returns; else only in place of the old one. */
  readonly isDurable: boolean;
}

/**
 * Replaces a file: after a crash it holds the old text or the new. Synchronous, as the account book changes in one turn: what is
 * decided by one caller must be on file before another one decides.
 */
export function replaceFile(path: string, text: string, options: ReplaceOptions): void {
  try {
    replace(path, text, options);
  } catch (error) {
    throw fromNodeError(error, path);
  }
}

function replace(path: string, text: string, options: ReplaceOptions): void {
  const temporary = `${path}.new`;
  const fd = openSync(temporary, 'w', options.mode);
  try {
    writeFileSync(fd, text);
    chmodSync(temporary, options.mode);
    if (options.isDurable) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  if (options.isDurable) syncDirectory(dirname(path));
}

/** Undefined when there is none. */
export function readFileIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromNodeError(error, path);
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
