import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const BLOCK = 512;

/** Bytes on disk of a tree: blocks, hard links once. What vanishes meanwhile counts nothing. */
export async function bytesIn(root: string): Promise<number> {
  const seen = new Set<string>();
  let total = 0;
  const waiting = [root];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const entry of await entriesOf(directory)) {
      const path = join(directory, entry.name);
      const size = await sizeOf(path, seen);
      total += size;
      if (entry.isDirectory()) waiting.push(path);
    }
  }
  return total;
}

async function entriesOf(directory: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch {
    // Removed while we look, or not readable: it counts nothing.
    return [];
  }
}

async function sizeOf(path: string, seen: Set<string>): Promise<number> {
  try {
    const stat = await lstat(path);
    if (stat.nlink > 1 && !stat.isDirectory()) {
      const key = `${stat.dev}:${stat.ino}`;
      if (seen.has(key)) return 0;
      seen.add(key);
    }
    return stat.blocks * BLOCK;
  } catch {
    // Removed while we look.
    return 0;
  }
}
