import { readSync } from 'node:fs';
import { setNonBlocking } from './descriptors.ts';
import { errnoOf } from './errno.ts';
import { bind, checked } from './libc.ts';

const O_CLOEXEC = 0x80000;
const PIECE_BYTES = 65_536;

const pipeCall = bind<[Uint8Array, number]>('int pipe2(void *fds, int flags)');

/** A pipe, both ends closed on exec; `ours` of the two never blocks. */
export function makePipe(ours: 'read' | 'write'): { readonly read: number; readonly write: number } {
  const fds = Buffer.alloc(8);
  checked(pipeCall(fds, O_CLOEXEC), 'pipe2', 'a pipe');
  const ends = { read: fds.readInt32LE(0), write: fds.readInt32LE(4) };
  setNonBlocking(ends[ours], true);
  return ends;
}

/** What a pipe holds just now: at most as much as fits into one, so that a writer who goes on is not followed for ever. */
export function readAvailable(fd: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let left = 16 * PIECE_BYTES; left > 0; ) {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    const length = readPiece(fd, piece);
    if (length === 0) break;
    pieces.push(piece.subarray(0, length));
    left -= length;
  }
  return pieces;
}

/** 0 when there is nothing, or an end. */
function readPiece(fd: number, piece: Buffer): number {
  try {
    return readSync(fd, piece);
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return 0;
    throw error;
  }
}
