import type { FileHandle } from 'node:fs/promises';
import { MESSAGE_MOST_BYTES } from './message-assembler.ts';
import { type LogRecord, parseRecord, RECORD_MOST_BYTES, type StreamNumber } from './record.ts';

const BLOCK_BYTES = 64 * 1024;
/** How far beyond the tail lines that have not ended, and the beginning of its first lines, are looked for: pieces of a line lie together. */
const BEYOND_BYTES = 256 * 1024;
const LINE_FEED = 10;
const STREAMS = 2;

/**
 * Counts messages from the end of a log towards its beginning, until there are at least so many. It may pass over the beginning of what is
 * wanted, never stop short of it: the exact number is counted forwards from where it stops.
 */
export class TailSearch {
  readonly #wanted: number;
  #found = 0;
  #beyondBytes = 0;
  /** Bytes of the line of each stream whose beginning has not been seen. */
  readonly #open = new Map<StreamNumber, number>();
  readonly #seen = new Set<StreamNumber>();
  #isOver = false;

  constructor(wanted: number) {
    this.#wanted = wanted;
    this.#isOver = wanted <= 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes a record, each older than the one before. False: it is not needed, reading begins after it. */
  take(record: LogRecord, lineBytes: number): boolean {
    const { stream, isEnd, data } = record;
    const isEnough = this.#found >= this.#wanted;
    // The end of an older line: the one after it is complete now.
    if (isEnd) this.#open.delete(stream);
    // The newest record of a stream: without an end it belongs to a line that is the last of all when the log is over.
    const isNewest = !this.#seen.has(stream);
    this.#seen.add(stream);
    const isUnended = isNewest && !isEnd;
    if (isEnough) {
      this.#beyondBytes += lineBytes;
      const isComplete = this.#open.size === 0 && this.#seen.size === STREAMS && !isUnended;
      if (isComplete || this.#beyondBytes > BEYOND_BYTES) {
        this.#isOver = true;
        return false;
      }
      // Other lines that come in between are passed over again when it is read forwards.
      if (!isUnended && (isEnd || !this.#open.has(stream))) return true;
    }
    const before = this.#open.get(stream) ?? 0;
    const bytes = before + (isEnd ? data.length - 1 : data.length);
    this.#open.set(stream, bytes);
    if (!isEnough) this.#found += (isEnd ? 1 : 0) + whole(bytes) - whole(before);
    return true;
  }
}

function whole(bytes: number): number {
  return Math.floor(bytes / MESSAGE_MOST_BYTES);
}

/** Searches one segment backwards from `end`. The offset where reading has to begin: 0 when all of it is needed. */
export async function searchBackwards(handle: FileHandle, end: number, search: TailSearch): Promise<number> {
  let needed = end;
  let position = end;
  let rest: Buffer = Buffer.alloc(0);
  while (position > 0 && !search.isOver) {
    const size = Math.min(BLOCK_BYTES, position);
    position -= size;
    const block = Buffer.concat([await readAt(handle, position, size), rest]);
    let stop = block.length;
    for (let start = startOf(block, stop); start > 0; start = startOf(block, stop)) {
      if (!takeLine(block.subarray(start, stop), search)) return needed;
      needed = position + start;
      stop = start;
    }
    // What is far longer than a record and has no line feed is none, and has no beginning to look for.
    rest = stop > RECORD_MOST_BYTES ? Buffer.alloc(0) : block.subarray(0, stop);
  }
  if (search.isOver) return needed;
  return rest.length > 0 && !takeLine(rest, search) ? needed : 0;
}

/** Where the line that ends before `stop` begins; 0 when that is not in the block, or at its very beginning. */
function startOf(block: Buffer, stop: number): number {
  return stop < 2 ? 0 : block.lastIndexOf(LINE_FEED, stop - 2) + 1;
}

function takeLine(line: Buffer, search: TailSearch): boolean {
  const record = parseRecord(line);
  return record === undefined || search.take(record, line.length);
}

async function readAt(handle: FileHandle, position: number, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  const { bytesRead } = await handle.read(buffer, 0, size, position);
  return buffer.subarray(0, bytesRead);
}
