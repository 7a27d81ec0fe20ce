import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes a directory that only its owner may look into, whatever the umask says. */
export function makePrivateDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
}

/** Replaces a file at once and for good: after a crash it holds the old text or the new. */
export function replaceFile(path: string, text: string, options: { mode: number; isDurable: boolean }): void {
  const temporary = `${path}.new`;
  const fd = openSync(temporary, 'w', options.mode);
  try {
    writeSync(fd, text);
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
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
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
