import { constants } from 'node:fs';
import { chmod, chown, lstat, mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CleatError } from '@cleat/schemas';
import { closeDescriptor, errnoOf, fromNodeError, O_PATH, type Owner, openat2, removeTreeAt } from '../syscalls/index.ts';

/** Makes a directory, and those above it with 0755, and gives it exactly this mode and owner, whatever the umask and whether or not it was there. */
export async function ensureDirectory(path: string, mode: number, owner?: Owner): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
    const stat = await lstat(path);
    if (!stat.isDirectory()) throw new CleatError('already_exists', 'NOT_A_DIRECTORY', `${path} exists and is not a directory`);
    if (owner !== undefined && (stat.uid !== owner.uid || stat.gid !== owner.gid)) await chown(path, owner.uid, owner.gid);
    // After chown, which may take bits away.
    await chmod(path, mode);
  } catch (error) {
    throw fromNodeError(error, path);
  }
}

/**
 * Removes a file or a directory with all that is in it; what is gone already is fine. It follows no link and enters no other mount:
 * mount points in the tree are left, with the directories that lead to them, and reported as a conflict that names them.
 */
export async function removeTree(path: string, signal?: AbortSignal): Promise<void> {
  const name = basename(path);
  if (name === '' || name === '.' || name === '..') {
    throw new CleatError('invalid_argument', 'PATH_INVALID', `${path} can't be removed: it names no entry of a directory`);
  }
  const parent = openParent(dirname(path));
  if (parent === undefined) return;
  try {
    const { mountPoints } = await removeTreeAt(parent, name, path, signal);
    if (mountPoints.length === 0) return;
    throw new CleatError('conflict', 'TREE_HAS_MOUNTS', `${path} can't be removed: ${mountPoints.join(', ')} is a mount point`, {
      hint: 'Unmount it first.',
      details: { errno: 'EBUSY' },
    });
  } finally {
    closeDescriptor(parent);
  }
}

function openParent(path: string): number | undefined {
  try {
    return openat2({ root: -100, path, flags: O_PATH | constants.O_DIRECTORY, resolve: 0 });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
