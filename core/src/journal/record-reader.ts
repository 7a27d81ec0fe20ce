import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf, fromNodeError } from '../syscalls/index.ts';
import { type Frame, FrameParser, KIND_RECORD } from './frame.ts';
import { corruptJournal, positionGone } from './journal-error.ts';
import { decodeSegmentHeader, FIRST_FRAME_BYTES, type ReadStart } from './segment.ts';
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
    const reader = new SegmentReader(await openSegment(options, next), next);
    try {
      // A whole chunk at once: an await a record would cost more than the reading.
      for await (const records of reader.pieces()) {
        for (const record of records) {
          next = record.position + 1;
          if (options.filter === undefined || options.filter(record.schema)) yield record;
        }
      }
    } finally {
      await reader.close();
    }
  }
}

interface OpenedSegment {
  readonly handle: FileHandle;
  readonly segment: ReadableSegment;
  /** The salt in the file. */
  readonly salt: number;
}

async function openSegment(options: ReadOptions, position: number): Promise<OpenedSegment> {
  const located = options.locate(position);
  if (located === undefined) throw positionGone(position, options.firstRetained());
  const segment = { ...located, last: Math.min(located.last, options.last) };
  let handle: FileHandle | undefined;
  try {
    handle = await open(segment.path, 'r');
    return { handle, segment, salt: await readSalt(handle, segment) };
  } catch (error) {
    await handle?.close();
    // Removed between the look-up and the opening.
    if (errnoOf(error) === 'ENOENT') throw positionGone(position, options.firstRetained());
    throw fromNodeError(error, segment.path);
  }
}

async function readSalt(handle: FileHandle, segment: ReadableSegment): Promise<number> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(FIRST_FRAME_BYTES), 0, FIRST_FRAME_BYTES, 0);
  const parser = new FrameParser({ salt: 0, offset: 0 });
  parser.feed(buffer.subarray(0, bytesRead));
  const result = parser.next();
  if (result.state !== 'frame') throw corruptJournal(segment.path, 0, 'it does not begin like a segment');
  return decodeSegmentHeader(result.frame, segment.path, segment.base).salt;
}

/** The records of one segment from a position to the last that is to be taken from it. */
class SegmentReader {
  readonly #handle: FileHandle;
  readonly #segment: ReadableSegment;
  readonly #from: number;
  readonly #parser: FrameParser;
  #position: number;

  constructor(opened: OpenedSegment, from: number) {
    const { segment, salt } = opened;
    // A rotation may have put a new file of the same name in place meanwhile; what is known is of the old one then.
    const near = segment.start?.salt === salt ? segment.start.index.near(from) : undefined;
    this.#handle = opened.handle;
    this.#segment = segment;
    this.#from = from;
    this.#position = near?.position ?? segment.base;
    this.#parser = new FrameParser({ salt, offset: near?.offset ?? FIRST_FRAME_BYTES });
  }

  async *pieces(): AsyncGenerator<JournalRecord[], void, undefined> {
    for (let readOffset = this.#parser.offset; this.#position <= this.#segment.last; ) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, readOffset);
      if (bytesRead === 0) throw this.#damaged(`it ends before position ${this.#segment.last}, which it should hold`);
      readOffset += bytesRead;
      this.#parser.feed(chunk.subarray(0, bytesRead));
      yield this.#takeRecords();
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** The records of what has been read. What lies behind the last one is not looked at: it may be torn. */
  #takeRecords(): JournalRecord[] {
    const records: JournalRecord[] = [];
    while (this.#position <= this.#segment.last) {
      const result = this.#parser.next();
      if (result.state === 'incomplete') break;
      if (result.state === 'damaged') throw this.#damaged('a frame has a wrong length or checksum');
      const { frame } = result;
      if (frame.kind !== KIND_RECORD) continue;
      if (this.#position >= this.#from) records.push(recordOf(frame, this.#position));
      this.#position += 1;
    }
    return records;
  }

  #damaged(what: string): Error {
    return corruptJournal(this.#segment.path, this.#parser.offset, what);
  }
}

function recordOf(frame: Frame, position: number): JournalRecord {
  // Copied: a decoder may keep a slice, which would hold the whole chunk in memory.
  return { type: 'record', position, schema: frame.schema, payload: Buffer.from(frame.payload) };
}
