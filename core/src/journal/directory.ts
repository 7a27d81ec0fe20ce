import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isUnfinishedSegment, type SealedSegment, segmentBase } from './segment.ts';

/** Makes renames and removals in a directory outlive a power failure, holding up the process: for the start. */
export function syncDirectoryNow(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

export function ensureJournalDirectory(dir: string): void {
  const first = mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (first !== undefined) syncDirectoryNow(dirname(first));
}

/** The segments of a directory, oldest first. */
export function listSegments(dir: string): SealedSegment[] {
  const segments: SealedSegment[] = [];
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    const base = segmentBase(name);
    if (base !== undefined) segments.push({ path, base, bytes: statSync(path).size, start: undefined });
  }
  return segments.sort((a, b) => a.base - b.base);
}

/** Removes what a rotation that was cut off has left. */
export function removeUnfinishedSegments(dir: string): void {
  for (const name of readdirSync(dir)) if (isUnfinishedSegment(name)) rmSync(join(dir, name));
}
