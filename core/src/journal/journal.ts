import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CleatError } from '@cleat/schemas';
import { fromNodeError } from '../syscalls/index.ts';
import { ensureJournalDirectory, listSegments, removeUnfinishedSegments, syncDirectoryNow } from './directory.ts';
import { MAX_PAYLOAD_BYTES } from './frame.ts';
import { closedJournal, failedJournal, positionGone } from './journal-error.ts';
import { LockFile } from './lock-file.ts';
import { type ReadableSegment, readRecords } from './record-reader.ts';
import { Rotation, type RotationStep, type SnapshotItem } from './rotation.ts';
import { encodeSchema } from './schema-fingerprint.ts';
import { type SealedSegment, segmentName } from './segment.ts';
import { type JournalRecord, scanSegment } from './segment-scan.ts';
import { SegmentWriter } from './segment-writer.ts';

const MIB = 1024 * 1024;

export type FaultPoint = 'before-write' | 'after-write';

export interface JournalOptions {
  readonly dir: string;
  /** False when the caller already holds a lock that covers `dir`. */
  readonly lock?: boolean;
  /** A rotation is due after this many bytes (or as many as the snapshot has, if that is more) since the last one. */
  readonly segmentBytes?: number;
  /** A rotation is due after this many records since the last one. */
  readonly segmentRecords?: number;
  /** Older segments are removed when all together are larger. */
  readonly retainBytes?: number;
  /** Disk space kept for records written as critical. */
  readonly reserveBytes?: number;
  /**
   * Gets the state: the items of the latest snapshot, then the records written since, in order. When it throws, the
   * journal is not opened and nothing on disk has been changed.
   */
  readonly replay?: (record: JournalRecord) => void;
  /** For crash tests: called around the write of each record. */
  readonly onFault?: (point: FaultPoint, position: number, schema: string) => void;
  /** For crash tests: called after each step of a rotation. */
  readonly onRotationStep?: (step: RotationStep) => void;
}

export interface WriteOptions {
  /** May use the reserve of a full disk. For what has happened already, such as the end of a process. */
  readonly critical?: boolean;
}

/** The tail that an open has cut off: bytes of records that had never been synced. */
export interface TornTail {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

interface Opened {
  readonly options: JournalOptions;
  readonly lock: LockFile | undefined;
  readonly writer: SegmentWriter;
  readonly sealed: SealedSegment[];
  readonly tornTail: TornTail | undefined;
}

/**
 * The append-only store of one writer: records, opaque but for the fingerprint of their schema, each with a position that
 * only grows. What has been written survives the death of the process; what has been synced survives loss of power.
 *
 * The owner keeps its state in memory, writes each change here before it acts on it, and now and then hands over the
 * whole state (`rotate`), so that a restart reads that and what came after it.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #lock: LockFile | undefined;
  readonly #reserveBytes: number;
  readonly #schemas = new Map<string, Buffer>();
  readonly tornTail: TornTail | undefined;
  #sealed: SealedSegment[];
  #writer: SegmentWriter;
  #rotation: Rotation | undefined;
  #rotating: Promise<void> | undefined;
  #keepFrom = Number.POSITIVE_INFINITY;
  #lastPosition: number;
  #syncedPosition: number;
  /** Never rejects. */
  #runningSync: Promise<unknown> = Promise.resolve();
  #queuedSync: Promise<number> | undefined;
  #failure: CleatError | undefined;
  #closing: Promise<void> | undefined;
  #isClosed = false;
  /** After a rotation that failed, the next is due when this much has been written. */
  #rotateAtBytes = 0;

  private constructor(opened: Opened) {
    this.#options = opened.options;
    this.#lock = opened.lock;
    this.#reserveBytes = opened.options.reserveBytes ?? MIB;
    this.#writer = opened.writer;
    this.#sealed = opened.sealed;
    this.tornTail = opened.tornTail;
    this.#lastPosition = opened.writer.base + opened.writer.records - 1;
    // Of what was read nobody knows whether it had been synced, so the first sync covers it.
    this.#syncedPosition = -1;
    try {
      opened.writer.takeReserve();
    } catch {
      // A full disk must not keep a restart from reading its state. Each ordinary record tries again, or is refused.
    }
  }

  /**
   * Opens the journal in a directory, which is made if it is not there, and replays it.
   *
   * @throws CleatError `conflict` `JOURNAL_LOCKED`: another process has it open. `internal` `JOURNAL_CORRUPT`: damage
   * other than an end that was never synced; `JOURNAL_FORMAT_UNKNOWN`: written by a newer version.
   */
  static open(options: JournalOptions): Journal {
    const { dir } = options;
    try {
      ensureJournalDirectory(dir);
    } catch (error) {
      throw fromNodeError(error, dir);
    }
    const lock =
      options.lock === false ? undefined : LockFile.acquire(join(dir, 'lock'), { code: 'JOURNAL_LOCKED', what: `the journal in ${dir}` });
    try {
      return new Journal({ options, lock, ...openNewest(options) });
    } catch (error) {
      lock?.release();
      throw fromNodeError(error, dir);
    }
  }

  /** The position of the record written last; 0 in an empty journal. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** The first position that `read` can still give. */
  get firstRetainedPosition(): number {
    return this.#sealed[0]?.base ?? this.#writer.base;
  }

  /** Bytes of all segments. */
  get totalBytes(): number {
    return this.#sealed.reduce((sum, segment) => sum + segment.bytes, this.#writer.end);
  }

  get needsRotation(): boolean {
    if (this.#rotation !== undefined || this.#isClosed || this.#failure !== undefined) return false;
    const { segmentBytes = 16 * MIB, segmentRecords = 10_000 } = this.#options;
    const bytes = this.#writer.bytesSinceSnapshot;
    if (bytes < this.#rotateAtBytes) return false;
    return bytes >= Math.max(segmentBytes, this.#writer.snapshotBytes) || this.#writer.records >= segmentRecords;
  }

  /**
   * Writes a record and returns its position. It is whole or not there; the kernel has it, the disk perhaps not yet.
   *
   * @throws CleatError `resource_exhausted` `JOURNAL_FULL`: no space left but the reserve, or, for a critical record, not
   * even that. `internal` `JOURNAL_FAILED`: an earlier sync has failed. `unavailable` `JOURNAL_CLOSED`.
   */
  write(schema: string, payload: Uint8Array, options: WriteOptions = {}): number {
    this.#throwIfUnusable();
    if (payload.length > MAX_PAYLOAD_BYTES) throw tooLarge(payload.length);
    const position = this.#lastPosition + 1;
    const record = { schema: this.#schemaBytes(schema), payload, isCritical: options.critical === true };
    this.#options.onFault?.('before-write', position, schema);
    const takeBack = this.#rotation?.add(record);
    try {
      this.#writer.appendRecord(record.schema, payload, record.isCritical);
    } catch (error) {
      takeBack?.();
      throw error;
    }
    this.#lastPosition = position;
    this.#options.onFault?.('after-write', position, schema);
    return position;
  }

  /** Resolves with the last position on disk, when all that was written before the call is there. Calls share their syncs. */
  async sync(): Promise<number> {
    this.#throwIfUnusable();
    if (this.#syncedPosition >= this.#lastPosition) return this.#syncedPosition;
    this.#queuedSync ??= this.#startSync();
    return this.#queuedSync;
  }

  /** Writes a record and syncs it. */
  async append(schema: string, payload: Uint8Array, options: WriteOptions = {}): Promise<number> {
    const position = this.write(schema, payload, options);
    await this.sync();
    return position;
  }

  /**
   * Begins a new segment with a snapshot, and removes the oldest ones that are over the limit and not kept. Records may
   * be written meanwhile; `items` is read over several turns of the event loop and must give the state as it is at the
   * call (a generator over a copied list of values that are never changed, say). When it fails, the journal goes on in
   * the segment it has.
   *
   * @throws CleatError `conflict` `JOURNAL_ROTATING`: a rotation is under way. `resource_exhausted` `JOURNAL_FULL`.
   */
  async rotate(items: Iterable<SnapshotItem>): Promise<void> {
    this.#throwIfUnusable();
    if (this.#rotation !== undefined) {
      throw new CleatError('conflict', 'JOURNAL_ROTATING', `the journal in ${this.#options.dir} is being rotated`);
    }
    this.#rotating = this.#rotate(items);
    try {
      await this.#rotating;
    } finally {
      this.#rotating = undefined;
    }
    this.#trim();
  }

  async #rotate(items: Iterable<SnapshotItem>): Promise<void> {
    const rotation = new Rotation({
      dir: this.#options.dir,
      base: this.#lastPosition + 1,
      reserveBytes: this.#reserveBytes,
      onStep: (step) => this.#options.onRotationStep?.(step),
    });
    this.#rotation = rotation;
    const old = this.#writer;
    try {
      await rotation.writeSnapshot(items);
      // The old segment stays for its events; its records up to the new one's beginning must be there.
      await this.sync();
      rotation.catchUp();
      this.#writer = await rotation.publish();
    } catch (error) {
      await this.#giveUp(rotation, error);
      throw fromNodeError(error, this.#options.dir);
    }
    this.#rotation = undefined;
    this.#rotateAtBytes = 0;
    // A segment without records has been replaced by the new one, which has the same name.
    if (old.base < this.#writer.base) this.#sealed.push(old.sealed());
    // A sync of both may still be on its way.
    await this.#runningSync;
    await old.retire();
  }

  /** Goes on without a rotation that has failed. */
  async #giveUp(rotation: Rotation, error: unknown): Promise<void> {
    this.#rotation = undefined;
    this.#rotateAtBytes = this.#writer.bytesSinceSnapshot + MIB;
    // The new segment may be what a restart finds, but nobody knows whether its name is on disk.
    if (rotation.hasName) this.#fail(error);
    await this.#runningSync;
    if (!rotation.hasName) await rotation.abandon();
  }

  /**
   * Segments that hold this position or a later one are not removed: events from there on are still to be published.
   * Until the first call none is kept, so an owner with events calls it before it rotates.
   */
  keepFrom(position: number): void {
    this.#keepFrom = position;
    this.#trim();
  }

  /**
   * The ordinary records from a position up to the last one written at the time of the call, oldest first.
   *
   * @throws CleatError `not_found` `JOURNAL_POSITION_GONE`: the position is older than what is kept, or is removed while
   * it is read. `internal` `JOURNAL_CORRUPT`.
   */
  read(from: number, filter?: (schema: string) => boolean): AsyncGenerator<JournalRecord, void, undefined> {
    if (from < this.firstRetainedPosition) throw positionGone(from, this.firstRetainedPosition);
    return readRecords({
      from,
      last: this.#lastPosition,
      filter,
      locate: (position) => this.#locate(position),
      firstRetained: () => this.firstRetainedPosition,
    });
  }

  /** Syncs and lets go of the directory; a rotation under way is waited for. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // What a rotation fails with is told to who asked for it.
    await this.#rotating?.catch(() => undefined);
    try {
      if (this.#failure === undefined) await this.sync();
    } finally {
      this.#isClosed = true;
      await this.#runningSync;
      await this.#writer.close();
      this.#lock?.release();
    }
  }

  #startSync(): Promise<number> {
    const queued = this.#syncAfter(this.#runningSync);
    this.#runningSync = queued.catch(() => undefined);
    return queued;
  }

  async #syncAfter(previous: Promise<unknown>): Promise<number> {
    await previous;
    // Who asks from here on may have written after this sync began, and shares the next one.
    this.#queuedSync = undefined;
    if (this.#failure !== undefined) throw this.#failure;
    const upTo = this.#lastPosition;
    try {
      await Promise.all([this.#writer.sync(), this.#rotation?.successor?.sync()]);
    } catch (error) {
      throw this.#fail(error);
    }
    this.#syncedPosition = upTo;
    return upTo;
  }

  #fail(cause: unknown): CleatError {
    this.#failure ??= failedJournal(this.#writer.path, cause);
    return this.#failure;
  }

  #throwIfUnusable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isClosed) throw closedJournal(this.#options.dir);
  }

  #schemaBytes(schema: string): Buffer {
    const known = this.#schemas.get(schema);
    if (known !== undefined) return known;
    const bytes = encodeSchema(schema);
    this.#schemas.set(schema, bytes);
    return bytes;
  }

  #locate(position: number): ReadableSegment | undefined {
    const writer = this.#writer;
    let last = Number.POSITIVE_INFINITY;
    for (const segment of [{ path: writer.path, base: writer.base, start: writer.start }, ...this.#sealed.toReversed()]) {
      if (segment.base <= position) return { path: segment.path, base: segment.base, start: segment.start, last };
      last = segment.base - 1;
    }
    return undefined;
  }

  #trim(): void {
    const { retainBytes = 64 * MIB } = this.#options;
    for (let total = this.totalBytes; total > retainBytes; ) {
      const [oldest, second] = this.#sealed;
      if (oldest === undefined || this.#keepFrom < (second?.base ?? this.#writer.base)) return;
      rmSync(oldest.path, { force: true });
      this.#sealed.shift();
      total -= oldest.bytes;
    }
  }
}

function tooLarge(bytes: number): CleatError {
  const message = `a record of ${bytes} bytes is larger than ${MAX_PAYLOAD_BYTES}`;
  return new CleatError('invalid_argument', 'JOURNAL_RECORD_TOO_LARGE', message);
}

type Found = Pick<Opened, 'writer' | 'sealed' | 'tornTail'>;

/** Replays the newest segment and gets ready to write it on. */
function openNewest(options: JournalOptions): Found {
  const { dir, reserveBytes = MIB, replay = () => undefined } = options;
  const sealed = listSegments(dir);
  const newest = sealed.pop();
  if (newest === undefined) {
    removeUnfinishedSegments(dir);
    return { writer: createFirstSegment(dir, reserveBytes), sealed, tornTail: undefined };
  }
  const { path, base, bytes: sizeBytes } = newest;
  const fd = openSync(path, 'r+');
  try {
    const scanned = scanSegment({ fd, path, base, sizeBytes }, replay);
    removeUnfinishedSegments(dir);
    const tornBytes = sizeBytes - scanned.end;
    const tornTail = tornBytes === 0 ? undefined : { path, offset: scanned.end, bytes: tornBytes };
    return { writer: SegmentWriter.resume({ fd, path, scanned, sizeBytes, reserveBytes }), sealed, tornTail };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function createFirstSegment(dir: string, reserveBytes: number): SegmentWriter {
  const path = join(dir, segmentName(1));
  const writer = SegmentWriter.create({ path: `${path}.tmp`, base: 1, reserveBytes });
  writer.endSnapshot(0);
  writer.syncNow();
  renameSync(`${path}.tmp`, path);
  writer.renamed(path);
  syncDirectoryNow(dir);
  return writer;
}
