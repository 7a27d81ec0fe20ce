import { createReadStream, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a file takes at least: small ones fill a disk as well. */
const BLOCK_BYTES = 4_096;

/** A part of a container's output that nobody writes to any more. */
export interface LogSegment {
  readonly number: number;
  /** Whose output it is. */
  readonly run: number;
  readonly path: string;
}

export function segmentPath(directory: string, number: number, run: number): string {
  return join(directory, `${number}-${run}.log`);
}

/** The segments in a directory, lowest first; none when it is not there. */
export function listSegments(directory: string): readonly LogSegment[] {
  let names: readonly string[] = [];
  try {
    names = readdirSync(directory);
  } catch {
    // No run has made it yet.
  }
  return names
    .flatMap((name) => {
      const [, number, run] = /^(\d+)-(\d+)\.log$/.exec(name) ?? [];
      return number === undefined ? [] : [{ number: Number(number), run: Number(run), path: join(directory, name) }];
    })
    .sort((left, right) => left.number - right.number);
}

/** Bytes of a file; 0 when it is not there. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Gives what was written its name for good, once; what is empty goes. True when there is a segment. */
export function sealSegment(current: string, target: string): boolean {
  if (sizeOf(current) === 0) rmSync(current, { force: true });
  else if (!existsSync(target)) renameSync(current, target);
  return existsSync(target);
}

export function spaceOf({ path }: LogSegment): number {
  return Math.max(sizeOf(path), BLOCK_BYTES);
}

/** What a container's output takes, with what is being written. */
export function spaceTaken(directory: string, current: string): number {
  return listSegments(directory).reduce((sum, segment) => sum + spaceOf(segment), sizeOf(current));
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
