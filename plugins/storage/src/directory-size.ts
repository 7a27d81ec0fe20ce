import { setImmediate as nextTurn } from 'node:timers/promises';
import { CleatError } from '@cleat/schemas';

/** Other work of the process gets its turn after so many entries. */
const ENTRIES_PER_TURN = 200;

/**
 * The size of all files in a directory, each counted once, as Docker counts it: directories themselves are not counted.
 * What vanishes meanwhile is passed over, and no link is followed out of it.
 */
export async function directorySizeBytes(path: string, signal: AbortSignal): Promise<number> {
  const { SafeRoot } = await import('@cleat/sdk/filesystem');
  const root = new SafeRoot(path);
  const seen = new Set<string>();
  const pending = ['.'];
  let bytes = 0;
  let entries = 0;
  try {
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      const here = directory;
      for (const name of unlessGone(() => root.readdir(here)) ?? []) {
        entries += 1;
        if (entries % ENTRIES_PER_TURN === 0) await nextTurn(undefined, { signal });
        const entry = `${here}/${name}`;
        const stat = unlessGone(() => root.lstat(entry));
        if (stat === undefined) continue;
        if (stat.isDirectory()) pending.push(entry);
        else if (stat.nlink === 1) bytes += stat.size;
        else if (!seen.has(`${stat.dev}:${stat.ino}`)) {
          seen.add(`${stat.dev}:${stat.ino}`);
          bytes += stat.size;
        }
      }
    }
    return bytes;
  } finally {
    root.close();
  }
}

function unlessGone<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof CleatError && ['not_found', 'invalid_argument'].includes(error.class)) return undefined;
    throw error;
  }
}
