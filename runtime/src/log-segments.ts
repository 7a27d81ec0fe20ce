import { createReadStream, readdirSync, statSync } from 'node:fs';

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
  let lines = 0;
  // Not at once: a segment may be as large as the user's bound for it.
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  }
  return lines;
}
