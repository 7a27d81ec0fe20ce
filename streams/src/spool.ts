import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const MEMORY_BYTES = 256 * 1024;
const FILE_BYTES = 64 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

let made = 0;

/** Output that a client has not taken yet, in order: a little in memory, then in a file without a name. */
export class Spool {
  readonly #directory: string;
  readonly #memory: Buffer[] = [];
  #memoryBytes = 0;
  #fd: number | undefined;
  #written = 0;
  #read = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get isEmpty(): boolean {
    return this.#memory.length === 0 && this.#written === this.#read;
  }

  /** The writer should stop now; a few more pieces are taken all the same. */
  get isFull(): boolean {
    return this.#written >= FILE_BYTES;
  }

  push(chunk: Buffer): void {
    // Once the file is in use everything goes there, else the order would be lost.
    const fitsMemory = this.#written === this.#read && this.#memoryBytes + chunk.length <= MEMORY_BYTES;
    if (fitsMemory) {
      this.#memory.push(chunk);
      this.#memoryBytes += chunk.length;
      return;
    }
    this.#fd ??= openNameless(this.#directory);
    for (let done = 0; done < chunk.length; ) done += writeSync(this.#fd, chunk, done, chunk.length - done, this.#written + done);
    this.#written += chunk.length;
  }

  /** The next piece; undefined when there is none. */
  shift(): Buffer | undefined {
    const chunk = this.#memory.shift();
    if (chunk !== undefined) {
      this.#memoryBytes -= chunk.length;
      return chunk;
    }
    if (this.#fd === undefined || this.#read === this.#written) return undefined;
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, this.#written - this.#read));
    const length = readSync(this.#fd, piece, 0, piece.length, this.#read);
    this.#read += length;
    if (this.#read === this.#written) {
      ftruncateSync(this.#fd);
      this.#read = 0;
      this.#written = 0;
    }
    return piece.subarray(0, length);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#memory.length = 0;
    this.#written = 0;
    this.#read = 0;
  }
}

function openNameless(directory: string): number {
  made += 1;
  const path = join(directory, `.streams-${process.pid}-${made}`);
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return fd;
}
