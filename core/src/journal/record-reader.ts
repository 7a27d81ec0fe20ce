import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../syscalls/index.ts';
import { type Frame, FrameParser, KIND_RECORD, KIND_SNAPSHOT_BEGIN } from './frame.ts';
import { corruptJournal, positionGone } from './journal-error.ts';
import { decodeSegmentHeader, type ReadStart } from './segment.ts';
import type { JournalRecord } from './segment-scan.ts';

const CHUNK_BYTES = 256 * 1024;

/** Where the records from one position on are to be found. */
export interface ReadableSegment {
  readonly path: string;
  readonly base: number;
  /** The last position to take from it; Infinity for the one that is written to. */
  readonly last: number;
  /** Given when this process has written or replayed it. */
  readonly start: ReadStart | undefined;
}

export interface ReadOptions {
  readonly from: number;
  readonly last: number;
  readonly filter: ((schema: string) => boolean) | undefined;
  /** The segment that holds a position, at the moment of the call; undefined when it has been removed. */
  readonly locate: (position: number) => ReadableSegment | undefined;
  readonly firstRetained: () => number;
}

/** The ordinary records of the positions `from` to `last`, one chunk of a file at a time in memory. */
export async function* readRecords(options: ReadOptions): AsyncGenerator<JournalRecord, void, undefined> {
  let next = options.from;
  while (next <= options.last) {
    const opened = await openSegment(options, next);
    try {
      for await (const record of recordsOf(opened, next)) {
        next = record.position + 1;
        if (options.filter === undefined || options.filter(record.schema)) yield record;
      }
    } finally {
      await opened.handle.close();
    }
  }
}

interface OpenedSegment {
  readonly handle: FileHandle;
  readonly segment: ReadableSegment;
}

async function openSegment(options: ReadOptions, position: number): Promise<OpenedSegment> {
  const located = options.locate(position);
  if (located === undefined) throw positionGone(position, options.firstRetained());
  const segment = { ...located, last: Math.min(located.last, options.last) };
  try {
    return { handle: await open(segment.path, 'r'), segment };
  } catch (error) {
    // Removed between the two lines above.
    if (errnoOf(error) === 'ENOENT') throw positionGone(position, options.firstRetained());
    throw error;
  }
}

async function* recordsOf(opened: OpenedSegment, from: number): AsyncGenerator<JournalRecord, void, undefined> {
  const { segment } = opened;
  const near = segment.start?.index.near(from);
  let position = near?.position ?? segment.base;
  for await (const frame of framesOf(opened, near?.offset)) {
    if (frame.kind !== KIND_RECORD) continue;
    if (position >= from) {
      yield { type: 'record', position, schema: frame.schema, payload: Buffer.from(frame.payload) };
    }
    if (position >= segment.last) return;
    position += 1;
  }
  const what = `it ends before position ${segment.last}, which it should hold`;
  throw corruptJournal(segment.path, (await opened.handle.stat()).size, what);
}

async function* framesOf(opened: OpenedSegment, start: number | undefined): AsyncGenerator<Frame, void, undefined> {
  const { handle, segment } = opened;
  const isAtRecord = start !== undefined && segment.start !== undefined;
  const parser = new FrameParser({ salt: isAtRecord ? segment.start.salt : 0, offset: isAtRecord ? start : 0 });
  for (let readOffset = parser.offset; ; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, readOffset);
    if (bytesRead === 0) return;
    readOffset += bytesRead;
    parser.feed(chunk.subarray(0, bytesRead));
    for (let result = parser.next(); result.state !== 'incomplete'; result = parser.next()) {
      if (result.state === 'damaged') {
        throw corruptJournal(segment.path, parser.offset, 'a frame has a wrong length or checksum');
      }
      const { frame } = result;
      if (frame.offset === 0) parser.salt = decodeSegmentHeader(frame, segment.path, segment.base).salt;
      if (frame.kind !== KIND_SNAPSHOT_BEGIN) yield frame;
    }
  }
}
