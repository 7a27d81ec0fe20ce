import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { flock, fromNodeError } from '../syscalls/index.ts';

export interface LockFileOptions {
  /** The code of the error when another process holds the lock. */
  readonly code: string;
  /** What is locked, as it stands in that error: "the journal in /var/lib/cleat". */
  readonly what: string;
}

/** An exclusive lock that ends with the process, however it ends. The file names the holder and is never removed. */
export class LockFile {
  #fd: number | undefined;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws CleatError `conflict` with the code of the options: another process holds it; `details.pid` says which. */
  static acquire(path: string, options: LockFileOptions): LockFile {
    const fd = open(path);
    try {
      if (!flock(fd, { exclusive: true, nonBlocking: true })) throw held(path, options);
      ftruncateSync(fd);
      writeSync(fd, `${process.pid}\n`, 0);
    } catch (error) {
      closeSync(fd);
      throw fromNodeError(error, path);
    }
    return new LockFile(fd);
  }

  /** May be called again. */
  release(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    closeSync(fd);
  }
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw fromNodeError(error, path);
  }
}

function held(path: string, options: LockFileOptions): CleatError {
  const pid = readFileSync(path, 'utf8').trim();
  const holder = pid === '' ? 'another process' : `process ${pid}`;
  return new CleatError('conflict', options.code, `${options.what} is in use by ${holder}`, {
    hint: 'Stop that process first; two must not write to one directory.',
    details: pid === '' ? { file: path } : { file: path, pid },
  });
}
