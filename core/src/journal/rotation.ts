import { rename, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fsyncDirectory } from '../files/index.ts';
import { type FrameContent, KIND_SNAPSHOT_ITEM } from './frame.ts';
import { encodeSchema } from './schema-fingerprint.ts';
import { segmentName } from './segment.ts';
import { SegmentWriter } from './segment-writer.ts';

const renameAsync = promisify(rename);

/** Snapshot items are written in pieces of about this size, between which the process does its other work. */
const PIECE_BYTES = 128 * 1024;

export interface SnapshotItem {
  readonly schema: string;
  readonly payload: Uint8Array;
}

/** The moments of a rotation at which a crash leaves something different on disk. */
export type RotationStep = 'snapshot-written' | 'caught-up' | 'synced' | 'renamed' | 'durable';

export interface RotationOptions {
  readonly dir: string;
  /** The position that the new segment begins with. */
  readonly base: number;
  readonly reserveBytes: number;
  readonly onStep: (step: RotationStep) => void;
}

interface Pending {
  readonly schema: Uint8Array;
  readonly payload: Uint8Array;
  readonly isCritical: boolean;
}

/**
 * The making of a new segment while records go on being written.
 *
 * Until its snapshot is written, records are remembered here. Then they are added to it, and from there on every record
 * goes into both files, and every sync syncs both, until the new one has its name on disk. So whichever of the two a
 * restart finds holds all that was written, and all that was acknowledged after a power failure.
 */
export class Rotation {
  readonly #options: RotationOptions;
  readonly #path: string;
  readonly #unfinishedPath: string;
  #writer: SegmentWriter | undefined;
  #pending: Pending[] = [];
  #hasCaughtUp = false;
  #hasName = false;

  constructor(options: RotationOptions) {
    this.#options = options;
    this.#path = join(options.dir, segmentName(options.base));
    this.#unfinishedPath = `${this.#path}.tmp`;
  }

  /** The new segment, once records go into both. */
  get successor(): SegmentWriter | undefined {
    return this.#hasCaughtUp ? this.#writer : undefined;
  }

  /** Whether the new segment may be what a restart finds. */
  get hasName(): boolean {
    return this.#hasName;
  }

  /**
   * Adds a record that the current segment is about to get. It goes here first: were it refused there after the current
   * segment had taken it, taking it back would cost that one its reserve. Returns how to take it back.
   */
  add(record: Pending): () => void {
    const successor = this.successor;
    if (successor === undefined) {
      this.#pending.push({ ...record, payload: Uint8Array.from(record.payload) });
      return () => void this.#pending.pop();
    }
    const offset = successor.appendRecord(record.schema, record.payload, record.isCritical);
    return () => successor.takeBackRecord(offset);
  }

  async writeSnapshot(items: Iterable<SnapshotItem>): Promise<void> {
    const { base, reserveBytes } = this.#options;
    const writer = SegmentWriter.create({ path: this.#unfinishedPath, base, reserveBytes });
    this.#writer = writer;
    let piece: FrameContent[] = [];
    let pieceBytes = 0;
    let count = 0;
    for (const { schema, payload } of items) {
      piece.push({ kind: KIND_SNAPSHOT_ITEM, schema: encodeSchema(schema), payload });
      pieceBytes += payload.length;
      count += 1;
      if (pieceBytes < PIECE_BYTES) continue;
      await writer.appendSnapshot(piece);
      piece = [];
      pieceBytes = 0;
    }
    await writer.appendSnapshot(piece);
    writer.endSnapshot(count);
    // The bulk goes to the disk now, so that the sync that others wait for is short.
    await writer.sync();
    this.#options.onStep('snapshot-written');
  }

  /** Adds what was written meanwhile. From here on `add` writes at once. */
  catchUp(): void {
    const writer = this.#writerOrThrow();
    for (const { schema, payload } of this.#pending) writer.appendRecord(schema, payload, true);
    this.#pending = [];
    this.#hasCaughtUp = true;
    this.#options.onStep('caught-up');
  }

  /** Gives the new segment its name. */
  async publish(): Promise<SegmentWriter> {
    const writer = this.#writerOrThrow();
    await writer.sync();
    // With a full disk the current segment, which has its reserve, is the better place.
    writer.takeReserve();
    this.#options.onStep('synced');
    await renameAsync(this.#unfinishedPath, this.#path);
    this.#hasName = true;
    writer.renamed(this.#path);
    this.#options.onStep('renamed');
    await fsyncDirectory(this.#options.dir);
    this.#options.onStep('durable');
    return writer;
  }

  /** Removes what has been made; only before it has its name. */
  async abandon(): Promise<void> {
    this.#hasCaughtUp = false;
    rmSync(this.#unfinishedPath, { force: true });
    await this.#writer?.close();
  }

  #writerOrThrow(): SegmentWriter {
    if (this.#writer === undefined) throw new Error('the snapshot of this rotation has not been written');
    return this.#writer;
  }
}
