import { crc32 } from 'node:zlib';

// A frame on disk, numbers big-endian:
//   u32 length of what follows the checksum | u32 CRC-32 of that | u8 kind | 8 bytes schema fingerprint | payload
// The CRC starts from a number that each segment draws for itself (its salt). So no payload, whoever chose its bytes, can
// pose as a frame when the end of a damaged file is searched, and blocks of a deleted segment that the file system hands
// out again are not taken for frames of the new one.

const LENGTH_AND_CHECKSUM_BYTES = 8;
const KIND_OFFSET = 8;
const SCHEMA_OFFSET = 9;
const SCHEMA_BYTES = 8;
export const FRAME_HEADER_BYTES = 17;
const MIN_LENGTH = FRAME_HEADER_BYTES - LENGTH_AND_CHECKSUM_BYTES;

/** No record of Cleat comes near; a larger length in a frame is damage, not a record. */
export const MAX_PAYLOAD_BYTES: number = 8 * 1024 * 1024;

export const KIND_RECORD = 1;
export const KIND_SNAPSHOT_BEGIN = 2;
export const KIND_SNAPSHOT_ITEM = 3;
export const KIND_SNAPSHOT_END = 4;
/** Says that all before a certain offset of the segment had reached the disk when it was written. */
export const KIND_SYNCED = 5;

export const NO_SCHEMA: Buffer = Buffer.alloc(SCHEMA_BYTES);

export interface FrameContent {
  readonly kind: number;
  /** The 8 bytes of the fingerprint. */
  readonly schema: Uint8Array;
  readonly payload: Uint8Array;
}

export interface Frame {
  readonly kind: number;
  /** The fingerprint in 16 hexadecimal digits. */
  readonly schema: string;
  /** Shares memory with the chunk it was read from: copy what is kept. */
  readonly payload: Buffer;
  /** Where in the file it begins and ends. */
  readonly offset: number;
  readonly end: number;
}

export type ParseResult =
  | { readonly state: 'frame'; readonly frame: Frame }
  /** What has been fed ends before the frame does. */
  | { readonly state: 'incomplete' }
  | { readonly state: 'damaged' };

const INCOMPLETE: ParseResult = { state: 'incomplete' };
const DAMAGED: ParseResult = { state: 'damaged' };

export function encodeFrame(content: FrameContent, salt: number): Buffer {
  const { payload } = content;
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame.writeUInt32BE(MIN_LENGTH + payload.length, 0);
  frame.writeUInt8(content.kind, KIND_OFFSET);
  frame.set(content.schema, SCHEMA_OFFSET);
  frame.set(payload, FRAME_HEADER_BYTES);
  frame.writeUInt32BE(crc32(frame.subarray(LENGTH_AND_CHECKSUM_BYTES), salt), 4);
  return frame;
}

/** Cuts a file, given in pieces, into frames. Knows nothing of what the frames mean. */
export class FrameParser {
  #salt: number;
  #buffer: Buffer = Buffer.alloc(0);
  #used = 0;
  #offset: number;

  constructor(options: { readonly salt: number; readonly offset: number }) {
    this.#salt = options.salt;
    this.#offset = options.offset;
  }

  /** Where in the file the next frame begins. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes that have been fed and belong to no frame yet. */
  get pendingBytes(): number {
    return this.#buffer.length - this.#used;
  }

  /** The salt is in the first frame, which itself has none. */
  set salt(salt: number) {
    this.#salt = salt;
  }

  /** The parser keeps the chunk; the caller must not write to it again. */
  feed(chunk: Buffer): void {
    this.#buffer = this.pendingBytes === 0 ? chunk : Buffer.concat([this.#buffer.subarray(this.#used), chunk]);
    this.#used = 0;
  }

  next(): ParseResult {
    const pending = this.pendingBytes;
    if (pending < LENGTH_AND_CHECKSUM_BYTES) return INCOMPLETE;
    const start = this.#used;
    const length = this.#buffer.readUInt32BE(start);
    if (length < MIN_LENGTH || length > MIN_LENGTH + MAX_PAYLOAD_BYTES) return DAMAGED;
    const size = LENGTH_AND_CHECKSUM_BYTES + length;
    if (pending < size) return INCOMPLETE;
    const end = start + size;
    const checked = this.#buffer.subarray(start + LENGTH_AND_CHECKSUM_BYTES, end);
    if (crc32(checked, this.#salt) !== this.#buffer.readUInt32BE(start + 4)) return DAMAGED;
    const frame: Frame = {
      kind: this.#buffer.readUInt8(start + KIND_OFFSET),
      schema: this.#buffer.toString('hex', start + SCHEMA_OFFSET, start + FRAME_HEADER_BYTES),
      payload: this.#buffer.subarray(start + FRAME_HEADER_BYTES, end),
      offset: this.#offset,
      end: this.#offset + size,
    };
    this.#used = end;
    this.#offset = frame.end;
    return { state: 'frame', frame };
  }
}
