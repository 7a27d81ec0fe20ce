import { realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const PASSABLE_BY_OTHERS = 0o001;

/** What follows, for people: of a directory that `closedDirectories` has found. */
export const CLOSED_MEANS = 'containers in a user namespace of their own cannot reach their root file system';

/**
 * Directories on the way to a path, and at its end, that only owner and group may pass. The root of a container in a user namespace
 * is none of these on the host: for it the way ends there.
 */
export function closedDirectories(path: string): readonly string[] {
  const named = upwards(resolve(path));
  // A link leads elsewhere, and its target lies on a way of its own.
  const real = named.flatMap((directory) => upwards(realPath(directory)));
  return [...new Set([...named, ...real])].filter(isClosed).sort();
}

function upwards(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...upwards(parent)];
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Not made yet, or not to be seen by this user.
    return path;
  }
}

function isClosed(directory: string): boolean {
  try {
    return (statSync(directory).mode & PASSABLE_BY_OTHERS) === 0;
  } catch {
    // As above: whoever makes it makes it passable.
    return false;
  }
}
