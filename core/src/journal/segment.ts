import { randomBytes } from 'node:crypto';
import { FRAME_HEADER_BYTES, type Frame, KIND_SNAPSHOT_BEGIN } from './frame.ts';
import { corruptJournal, unknownJournalFormat } from './journal-error.ts';

// A segment is one file. It begins with a complete snapshot: a frame that says what it is, the items, a frame with their
// number. The ordinary records follow, the first with the position that names the file. A segment gets its name only
// when its snapshot is on disk, so the newest one alone holds the whole state and the older ones serve to read events again.

const MAGIC = Buffer.from('CLEATJNL');
const FORMAT_VERSION = 1;
const HEADER_BYTES = 22;

/** The first frame of a segment has this size. */
export const FIRST_FRAME_BYTES: number = FRAME_HEADER_BYTES + HEADER_BYTES;

const SEGMENT_NAME = /^(\d{20})\.segment$/;
const UNFINISHED_NAME = /^\d{20}\.segment\.tmp$/;

export interface SegmentHeader {
  /** The position of its first ordinary record. */
  readonly base: number;
  readonly salt: number;
}

/** A segment that is no longer written to. */
export interface SealedSegment {
  readonly path: string;
  readonly base: number;
  readonly bytes: number;
  /** Absent when this process has not seen its records. */
  readonly start: ReadStart | undefined;
}

/** What lets a reader begin in the middle of a segment. */
export interface ReadStart {
  readonly salt: number;
  readonly index: PositionIndex;
}

export function newSegmentHeader(base: number): SegmentHeader {
  return { base, salt: randomBytes(4).readUInt32BE() };
}

export function segmentName(base: number): string {
  return `${String(base).padStart(20, '0')}.segment`;
}

/** The position that names a segment, or undefined for another file. */
export function segmentBase(fileName: string): number | undefined {
  const digits = SEGMENT_NAME.exec(fileName)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Whether a file is what a rotation leaves when it is cut off. */
export function isUnfinishedSegment(fileName: string): boolean {
  return UNFINISHED_NAME.test(fileName);
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const payload = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(payload);
  payload.writeUInt16BE(FORMAT_VERSION, 8);
  payload.writeBigUInt64BE(BigInt(header.base), 10);
  payload.writeUInt32BE(header.salt, 18);
  return payload;
}

/** The header in the first frame of the file at `path`. */
export function decodeSegmentHeader(frame: Frame, path: string, base: number): SegmentHeader {
  const { payload } = frame;
  if (frame.kind !== KIND_SNAPSHOT_BEGIN || payload.length < HEADER_BYTES || !payload.subarray(0, 8).equals(MAGIC)) {
    throw corruptJournal(path, 0, 'it does not begin like a segment');
  }
  const version = payload.readUInt16BE(8);
  if (version !== FORMAT_VERSION) throw unknownJournalFormat(path, `format ${version}`);
  const ownBase = Number(payload.readBigUInt64BE(10));
  if (ownBase !== base) throw corruptJournal(path, 0, `it begins with position ${ownBase}, its name says otherwise`);
  return { base, salt: payload.readUInt32BE(18) };
}

/** Where the records of a segment begin, one of every 256: a reader starts near its first record. */
export class PositionIndex {
  static readonly #step = 256;
  readonly #offsets: number[] = [];
  readonly #base: number;

  constructor(base: number) {
    this.#base = base;
  }

  /** Called for each record in order. */
  add(position: number, offset: number): void {
    if ((position - this.#base) % PositionIndex.#step === 0) this.#offsets.push(offset);
  }

  /** Forgets a record that has been taken back. */
  dropFrom(offset: number): void {
    while ((this.#offsets.at(-1) ?? -1) >= offset) this.#offsets.pop();
  }

  /** The nearest known record at or before `position`. */
  near(position: number): { readonly position: number; readonly offset: number } | undefined {
    const slot = Math.min(Math.floor((position - this.#base) / PositionIndex.#step), this.#offsets.length - 1);
    const offset = this.#offsets[slot];
    return offset === undefined ? undefined : { position: this.#base + slot * PositionIndex.#step, offset };
  }
}
