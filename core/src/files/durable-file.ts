import { constants } from 'node:fs';
import { open, readFile, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, fromNodeError } from '../syscalls/index.ts';

let written = 0;

/** Makes what was created, renamed or removed in a directory outlive a power loss. */
export async function fsyncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    throw fromNodeError(error, path);
  }
}

/**
 * Writes a file so that at any moment, also after a power loss, it has either all of its old or all of its new content.
 * On return it has the new one for good. On failure the old file is untouched and nothing is left beside it.
 */
export async function writeDurable(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  written += 1;
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${written}.tmp`);
  try {
    await writeSynced(temporary, data, mode);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw fromNodeError(error, path);
  }
  await fsyncDirectory(dirname(path));
}

async function writeSynced(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  // One left by a killed process of the same pid is replaced, never followed or reused.
  await unlink(path).catch(ignoreMissing);
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(data);
    // Not by open, which would take the umask away.
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

function ignoreMissing(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}

/** The content of a file; undefined when there is none. */
export async function readIfExists(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromNodeError(error, path);
  }
}
