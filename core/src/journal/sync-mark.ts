import { readSync } from 'node:fs';
import { encodeFrame, FRAME_HEADER_BYTES, type Frame, FrameParser, KIND_SYNCED, NO_SCHEMA } from './frame.ts';

// After each sync the writer notes, in the segment itself, up to where it had come. The note is not synced: a killed
// process leaves it in the page cache, and after a power failure its absence only says that the end is uncertain. When a
// damaged frame is found, a later note that covers it tells damage (refuse) from an end that never got to the disk (cut off).

const PAYLOAD_BYTES = 8;
const MARK_BYTES = FRAME_HEADER_BYTES + PAYLOAD_BYTES;
const CHUNK_BYTES = 1024 * 1024;

export function encodeSyncMark(syncedEnd: number, salt: number): Buffer {
  const payload = Buffer.alloc(PAYLOAD_BYTES);
  payload.writeBigUInt64BE(BigInt(syncedEnd));
  return encodeFrame({ kind: KIND_SYNCED, schema: NO_SCHEMA, payload }, salt);
}

export interface SearchRange {
  readonly fd: number;
  readonly from: number;
  readonly to: number;
  readonly salt: number;
}

/** The furthest end that any whole mark in the range names, wherever it begins; 0 without one. */
export function lastSyncedEnd(range: SearchRange): number {
  const prefix = encodeSyncMark(0, range.salt).subarray(0, 4);
  let furthest = 0;
  // The windows overlap by a mark, so that one on the border is seen.
  for (let start = range.from; start < range.to; start += CHUNK_BYTES) {
    const window = readWindow(range, start);
    for (let at = window.indexOf(prefix); at >= 0; at = window.indexOf(prefix, at + 1)) {
      const parser = new FrameParser({ salt: range.salt, offset: start + at });
      parser.feed(window.subarray(at, at + MARK_BYTES));
      const result = parser.next();
      if (result.state === 'frame') furthest = Math.max(furthest, syncedEndOf(result.frame));
    }
  }
  return furthest;
}

function syncedEndOf(frame: Frame): number {
  return frame.kind === KIND_SYNCED && frame.payload.length === PAYLOAD_BYTES ? Number(frame.payload.readBigUInt64BE()) : 0;
}

function readWindow(range: SearchRange, start: number): Buffer {
  const window = Buffer.allocUnsafe(Math.min(CHUNK_BYTES + MARK_BYTES, range.to - start));
  return window.subarray(0, readSync(range.fd, window, 0, window.length, start));
}
