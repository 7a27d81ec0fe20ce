import { close, constants, fdatasync, fsyncSync, ftruncateSync, openSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { allocateBlocks, errnoOf } from '../syscalls/index.ts';
import { encodeFrame, type FrameContent, KIND_RECORD, KIND_SNAPSHOT_BEGIN, KIND_SNAPSHOT_END, NO_SCHEMA } from './frame.ts';
import { writeFailure } from './journal-error.ts';
import { encodeSegmentHeader, newSegmentHeader, PositionIndex, type ReadStart, type SealedSegment, type SegmentHeader } from './segment.ts';
import type { ScannedSegment } from './segment-scan.ts';
import { encodeSyncMark } from './sync-mark.ts';

const closeAsync = promisify(close);
const fdatasyncAsync = promisify(fdatasync);
const writeAsync = promisify(write);

/** Blocks are taken in steps of this, so that most writes need no call for them. */
const ALLOCATION_STEP_BYTES = 256 * 1024;

interface WriterState {
  readonly fd: number;
  readonly path: string;
  readonly header: SegmentHeader;
  readonly index: PositionIndex;
  readonly snapshotEnd: number;
  readonly end: number;
  readonly records: number;
  readonly reserveBytes: number;
}

/**
 * Writes one segment: whole frames at its end, or nothing.
 *
 * The reserve is blocks that the file already owns beyond its end. An ordinary record must leave it untouched, a critical
 * one may use it up; a container that fills the disk can't take it. (A spare file that is deleted when the disk is full
 * would be eaten by whatever filled the disk.) The next ordinary record takes it anew, or is refused.
 */
export class SegmentWriter {
  readonly #fd: number;
  readonly #reserveBytes: number;
  readonly #header: SegmentHeader;
  readonly #index: PositionIndex;
  #path: string;
  #snapshotEnd: number;
  #records: number;
  #end: number;
  /** Up to where blocks are known to be there. */
  #allocatedEnd: number;
  #canAllocate = true;
  /** Bytes of a failed write may lie beyond the end. */
  #hasStrayTail = false;
  #truncations = 0;
  #lastRecordEnd: number;
  #syncedRecordEnd = 0;

  private constructor(state: WriterState) {
    this.#fd = state.fd;
    this.#path = state.path;
    this.#header = state.header;
    this.#index = state.index;
    this.#snapshotEnd = state.snapshotEnd;
    this.#end = state.end;
    this.#records = state.records;
    this.#reserveBytes = state.reserveBytes;
    this.#allocatedEnd = state.end;
    this.#lastRecordEnd = state.end;
  }

  /** A new file that holds the beginning of a snapshot. */
  static create(options: { readonly path: string; readonly base: number; readonly reserveBytes: number }): SegmentWriter {
    const { path, base, reserveBytes } = options;
    const header = newSegmentHeader(base);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    const fd = openForWriting(path, flags);
    const index = new PositionIndex(base);
    const writer = new SegmentWriter({ fd, path, header, index, snapshotEnd: 0, end: 0, records: 0, reserveBytes });
    // The salt is read from this frame, so it cannot be part of its own checksum.
    const frame = { kind: KIND_SNAPSHOT_BEGIN, schema: NO_SCHEMA, payload: encodeSegmentHeader(header) };
    writer.#writeFrame(encodeFrame(frame, 0), true);
    return writer;
  }

  /** Goes on where a scan has ended; a torn tail is cut off. */
  static resume(options: {
    readonly fd: number;
    readonly path: string;
    readonly scanned: ScannedSegment;
    readonly sizeBytes: number;
    readonly reserveBytes: number;
  }): SegmentWriter {
    const { fd, path, scanned, sizeBytes, reserveBytes } = options;
    if (scanned.end < sizeBytes) {
      ftruncateSync(fd, scanned.end);
      fsyncSync(fd);
    }
    return new SegmentWriter({ fd, path, reserveBytes, ...scanned });
  }

  get path(): string {
    return this.#path;
  }

  get base(): number {
    return this.#header.base;
  }

  get salt(): number {
    return this.#header.salt;
  }

  get start(): ReadStart {
    return { salt: this.salt, index: this.#index };
  }

  get end(): number {
    return this.#end;
  }

  /** How many ordinary records it holds. */
  get records(): number {
    return this.#records;
  }

  get snapshotBytes(): number {
    return this.#snapshotEnd;
  }

  get bytesSinceSnapshot(): number {
    return this.#end - this.#snapshotEnd;
  }

  /**
   * Takes the blocks of the reserve now, while there is space.
   *
   * @throws CleatError `resource_exhausted` `JOURNAL_FULL`: there is none.
   */
  takeReserve(): void {
    this.#allocate(0, false);
  }

  /** Appends an ordinary record and returns where it begins. */
  appendRecord(schema: Uint8Array, payload: Uint8Array, isCritical: boolean): number {
    const offset = this.#end;
    this.#writeFrame(encodeFrame({ kind: KIND_RECORD, schema, payload }, this.salt), isCritical);
    this.#index.add(this.base + this.#records, offset);
    this.#records += 1;
    this.#lastRecordEnd = this.#end;
    return offset;
  }

  /** Takes the last record back, which began at `offset`. */
  takeBackRecord(offset: number): void {
    this.#end = offset;
    this.#lastRecordEnd = offset;
    this.#records -= 1;
    this.#index.dropFrom(offset);
    this.#cutStrayTail();
  }

  /** Appends frames of a snapshot without holding up the process. */
  async appendSnapshot(frames: readonly FrameContent[]): Promise<void> {
    const bytes = Buffer.concat(frames.map((frame) => encodeFrame(frame, this.salt)));
    try {
      for (let done = 0; done < bytes.length; ) {
        const result = await writeAsync(this.#fd, bytes, done, bytes.length - done, this.#end + done);
        done += result.bytesWritten;
      }
    } catch (error) {
      throw writeFailure(error, this.#path);
    }
    this.#end += bytes.length;
  }

  /** Ends the snapshot; ordinary records follow. */
  endSnapshot(itemCount: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(itemCount);
    this.#writeFrame(encodeFrame({ kind: KIND_SNAPSHOT_END, schema: NO_SCHEMA, payload }, this.salt), true);
    this.#snapshotEnd = this.#end;
    this.#lastRecordEnd = this.#end;
  }

  /** Like `sync`, holding up the process: for the first segment of all. */
  syncNow(): void {
    fsyncSync(this.#fd);
  }

  /** Resolves when everything appended before the call is on the disk. */
  async sync(): Promise<void> {
    const recordEnd = this.#lastRecordEnd;
    if (recordEnd <= this.#syncedRecordEnd) return;
    const truncations = this.#truncations;
    await fdatasyncAsync(this.#fd);
    if (truncations !== this.#truncations) return;
    this.#syncedRecordEnd = recordEnd;
    this.#markSynced(recordEnd);
  }

  /** The file has got another name. */
  renamed(path: string): void {
    this.#path = path;
  }

  /** What readers need when the file is not written to any more. */
  sealed(): SealedSegment {
    return { path: this.#path, base: this.base, bytes: this.#end, start: this.start };
  }

  /** Ends the use of a segment that has a successor, and gives back the blocks of its reserve. */
  async retire(): Promise<void> {
    try {
      ftruncateSync(this.#fd, this.#end);
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    await closeAsync(this.#fd);
  }

  #markSynced(syncedEnd: number): void {
    try {
      this.#writeFrame(encodeSyncMark(syncedEnd, this.salt), false);
    } catch {
      // A full disk: a mark is a help at the next start, and what it would tell has been done all the same.
    }
  }

  #writeFrame(frame: Buffer, isCritical: boolean): void {
    if (this.#hasStrayTail) this.#cutStrayTail();
    this.#allocate(frame.length, isCritical);
    try {
      for (let done = 0; done < frame.length; ) {
        done += writeSync(this.#fd, frame, done, frame.length - done, this.#end + done);
      }
    } catch (error) {
      this.#hasStrayTail = true;
      this.#tryCutStrayTail();
      throw writeFailure(error, this.#path);
    }
    this.#end += frame.length;
  }

  #tryCutStrayTail(): void {
    try {
      this.#cutStrayTail();
    } catch {
      // The next write tries it again before it writes, and fails with the reason if it still cannot be done.
    }
  }

  #cutStrayTail(): void {
    this.#hasStrayTail = true;
    try {
      ftruncateSync(this.#fd, this.#end);
    } catch (error) {
      throw writeFailure(error, this.#path);
    }
    this.#hasStrayTail = false;
    this.#truncations += 1;
    // A truncate gives back the blocks beyond the end.
    this.#allocatedEnd = this.#end;
  }

  /** Sees to it that there are blocks for `bytes` more and, unless the record is critical, for the reserve after them. */
  #allocate(bytes: number, isCritical: boolean): void {
    const needed = this.#end + bytes + (isCritical ? 0 : this.#reserveBytes);
    if (needed <= this.#allocatedEnd || !this.#canAllocate || this.#reserveBytes === 0) return;
    try {
      this.#allocateTo(needed + ALLOCATION_STEP_BYTES);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EOPNOTSUPP' || errno === 'ENOSYS') {
        // Without it there is no reserve on this file system, and a full disk is noticed by the write itself.
        this.#canAllocate = false;
        return;
      }
      // A critical record may still find the last free block.
      if (isCritical) return;
      this.#allocateExactly(needed);
    }
  }

  #allocateExactly(needed: number): void {
    try {
      this.#allocateTo(needed);
    } catch (error) {
      throw writeFailure(error, this.#path);
    }
  }

  #allocateTo(end: number): void {
    const from = Math.max(this.#allocatedEnd, this.#end);
    allocateBlocks(this.#fd, from, end - from);
    this.#allocatedEnd = end;
  }
}

function openForWriting(path: string, flags: number): number {
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    throw writeFailure(error, path);
  }
}
