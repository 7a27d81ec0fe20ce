import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** Numbers of the segments in a directory, lowest first; none when it is not there. */
export function listSegments(directory: string): readonly number[] {
  let names: readonly string[] = [];
  try {
    names = readdirSync(directory);
  } catch {
    // No run has made it yet.
  }
  return names
    .flatMap((name) => (/^\d+\.log$/.test(name) ? [Number.parseInt(name, 10)] : []))
    .sort((left, right) => left - right);
}

/** Bytes of a file; 0 when it is not there. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Line feeds in a file. */
export async function countLines(path: string): Promise<number> {
  const bytes = await readFile(path);
  let lines = 0;
  for (const byte of bytes) if (byte === 10) lines += 1;
  return lines;
}
