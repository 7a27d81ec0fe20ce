import { type FileHandle, open } from 'node:fs/promises';
import type { logdata } from '@cleat/schemas';

/** Tells what segments a container has now. */
export type ListSegments = () => Promise<logdata.SegmentsResponse>;

/** A segment that was opened: it can be read to its end whatever becomes of its name. */
export interface SegmentFile {
  readonly number: number;
  readonly run: number;
  readonly handle: FileHandle;
  /** When it was opened. */
  readonly sizeBytes: number;
}

/** How often a name that moves is run after before it is taken for missing. */
const TRIES = 20;

/**
 * Opens a segment by what the kernel says of it. The newest one gets another name when it is full, and its old name then stands for the
 * next: so the list is asked again whether the name still means what it meant. Undefined when the segment is gone.
 */
export async function openSegment(segment: logdata.Segment, list: ListSegments): Promise<SegmentFile | undefined> {
  let wanted = segment;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const handle = await openIfThere(wanted.path);
    const now = (await list()).segments.find(({ number }) => number === segment.number);
    if (now === undefined) {
      await handle?.close();
      return undefined;
    }
    if (handle !== undefined && now.path === wanted.path) {
      const { size } = await handle.stat();
      return { number: segment.number, run: now.run, handle, sizeBytes: size };
    }
    await handle?.close();
    wanted = now;
  }
  return undefined;
}

/** Opens a segment that is not the newest: its name is for good. */
export async function openClosedSegment(segment: logdata.Segment): Promise<SegmentFile | undefined> {
  const handle = await openIfThere(segment.path);
  if (handle === undefined) return undefined;
  const { size } = await handle.stat();
  return { number: segment.number, run: segment.run, handle, sizeBytes: size };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
