import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '../layer/errno.ts';

const TEMPORARY = '.tmp';

/** Removes what a kill in the middle of a write left in a directory. */
export async function removeTemporaries(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (name.endsWith(TEMPORARY)) await rm(join(directory, name));
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Puts a synced file in its place for good. */
export async function renameDurable(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
}

/** The whole file or none of it, also after a power cut. One writer a path at a time. */
export async function writeDurable(path: string, data: string): Promise<void> {
  const temporary = path + TEMPORARY;
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'w', 0o600);
    await file.writeFile(data);
    await file.sync();
    await file.close();
    file = undefined;
    await renameDurable(temporary, path);
  } catch (error) {
    await file?.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The whole file or none of it after a kill; after a power cut it may be missing. For what can be made again. */
export async function writeWhole(path: string, data: string): Promise<void> {
  const temporary = path + TEMPORARY;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(data);
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

export async function readTextIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export async function ensurePrivateDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}
