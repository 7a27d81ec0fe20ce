import { readSync } from 'node:fs';
import { type Frame, FrameParser, KIND_RECORD, KIND_SNAPSHOT_BEGIN, KIND_SNAPSHOT_END, KIND_SNAPSHOT_ITEM, KIND_SYNCED } from './frame.ts';
import { corruptJournal, unknownJournalFormat } from './journal-error.ts';
import { decodeSegmentHeader, PositionIndex, type SegmentHeader } from './segment.ts';
import { lastSyncedEnd } from './sync-mark.ts';

const CHUNK_BYTES = 1024 * 1024;

/** One record of the journal. */
export interface JournalRecord {
  /** `snapshot`: an item of the state as of `position`. `record`: what was written at `position`. */
  readonly type: 'snapshot' | 'record';
  readonly position: number;
  /** The fingerprint of its schema in 16 hexadecimal digits. */
  readonly schema: string;
  readonly payload: Buffer;
}

export interface SegmentFile {
  readonly fd: number;
  readonly path: string;
  readonly base: number;
  readonly sizeBytes: number;
}

/** What was read of the newest segment, and where it is to be written on. */
export interface ScannedSegment {
  readonly header: SegmentHeader;
  readonly index: PositionIndex;
  readonly snapshotEnd: number;
  /** The end of its last whole frame; less than the file's size when its tail is torn. */
  readonly end: number;
  readonly records: number;
}

/**
 * Reads a whole segment and hands out its records in order.
 *
 * A frame that is not whole ends the segment when nothing shows that it ever was: it had not been synced when the power
 * failed, or the writer was killed while writing it.
 *
 * @throws CleatError `internal` `JOURNAL_CORRUPT`: a frame is damaged that had once reached the disk.
 */
export function scanSegment(file: SegmentFile, onRecord: (record: JournalRecord) => void): ScannedSegment {
  return new SegmentScan(file, onRecord).run();
}

class SegmentScan {
  readonly #file: SegmentFile;
  readonly #onRecord: (record: JournalRecord) => void;
  readonly #parser = new FrameParser({ salt: 0, offset: 0 });
  readonly #index: PositionIndex;
  #header: SegmentHeader | undefined;
  #snapshotEnd: number | undefined;
  #items = 0;
  #records = 0;

  constructor(file: SegmentFile, onRecord: (record: JournalRecord) => void) {
    this.#file = file;
    this.#onRecord = onRecord;
    this.#index = new PositionIndex(file.base);
  }

  run(): ScannedSegment {
    for (let read = 0; read < this.#file.sizeBytes; ) {
      const chunk = this.#read(read);
      read += chunk.length;
      this.#parser.feed(chunk);
      if (!this.#takeFrames()) break;
    }
    const end = this.#parser.offset;
    if (this.#header === undefined || this.#snapshotEnd === undefined) throw this.#damaged('its snapshot is not whole');
    if (end < this.#file.sizeBytes) this.#refuseDamage(this.#header);
    return { header: this.#header, index: this.#index, snapshotEnd: this.#snapshotEnd, end, records: this.#records };
  }

  #read(offset: number): Buffer {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, this.#file.sizeBytes - offset));
    const bytes = readSync(this.#file.fd, chunk, 0, chunk.length, offset);
    if (bytes === 0) throw this.#damaged('the file became shorter while it was read');
    return chunk.subarray(0, bytes);
  }

  /** False when the next frame is damaged. */
  #takeFrames(): boolean {
    for (;;) {
      const result = this.#parser.next();
      if (result.state !== 'frame') return result.state === 'incomplete';
      this.#take(result.frame);
    }
  }

  #take(frame: Frame): void {
    if (this.#header === undefined) {
      this.#header = decodeSegmentHeader(frame, this.#file.path, this.#file.base);
      this.#parser.salt = this.#header.salt;
      return;
    }
    const inSnapshot = this.#snapshotEnd === undefined;
    switch (frame.kind) {
      case KIND_SNAPSHOT_ITEM:
        if (!inSnapshot) throw corruptJournal(this.#file.path, frame.offset, 'a snapshot item among ordinary records');
        this.#items += 1;
        this.#give('snapshot', this.#file.base - 1, frame);
        return;
      case KIND_SNAPSHOT_END:
        if (!inSnapshot || frame.payload.length !== 4 || frame.payload.readUInt32BE() !== this.#items) {
          throw corruptJournal(this.#file.path, frame.offset, 'its snapshot does not have the number of items it names');
        }
        this.#snapshotEnd = frame.end;
        return;
      case KIND_RECORD:
        if (inSnapshot) throw corruptJournal(this.#file.path, frame.offset, 'an ordinary record inside the snapshot');
        this.#takeRecord(frame);
        return;
      case KIND_SYNCED:
        return;
      case KIND_SNAPSHOT_BEGIN:
        throw corruptJournal(this.#file.path, frame.offset, 'a second snapshot');
      default:
        throw unknownJournalFormat(this.#file.path, `a frame of kind ${frame.kind}`);
    }
  }

  #takeRecord(frame: Frame): void {
    const position = this.#file.base + this.#records;
    this.#index.add(position, frame.offset);
    this.#records += 1;
    this.#give('record', position, frame);
  }

  #give(type: JournalRecord['type'], position: number, frame: Frame): void {
    // Copied: a decoder may keep a slice, which would hold the whole chunk in memory.
    this.#onRecord({ type, position, schema: frame.schema, payload: Buffer.from(frame.payload) });
  }

  #refuseDamage(header: SegmentHeader): void {
    const { fd, sizeBytes } = this.#file;
    const offset = this.#parser.offset;
    const syncedEnd = lastSyncedEnd({ fd, from: offset, to: sizeBytes, salt: header.salt });
    if (syncedEnd > offset) throw this.#damaged('a record that had been synced has a wrong length or checksum');
  }

  #damaged(what: string): Error {
    return corruptJournal(this.#file.path, this.#parser.offset, what);
  }
}
