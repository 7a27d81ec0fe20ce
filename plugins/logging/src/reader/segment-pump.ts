import type { MessageAssembler } from './message-assembler.ts';
import { RecordScanner } from './record.ts';
import type { SegmentFile } from './segment-files.ts';

const CHUNK_BYTES = 64 * 1024;

/** Reads segments one after another into an assembler. */
export class SegmentPump {
  readonly #assembler: MessageAssembler;
  readonly #afterChunk: () => Promise<boolean>;
  readonly #scanner = new RecordScanner();

  /** `afterChunk` is asked whether to go on. */
  constructor(assembler: MessageAssembler, afterChunk: () => Promise<boolean>) {
    this.#assembler = assembler;
    this.#afterChunk = afterChunk;
  }

  /** Reads from one offset to another, or to where the file ends now. Answers where it stopped. */
  async read({ handle }: SegmentFile, from: number, to: number): Promise<number> {
    // Not kept: a follower waits much longer than it reads.
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, to - from));
    let position = from;
    while (position < to) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, to - position), position);
      if (bytesRead === 0) break;
      position += bytesRead;
      this.#scanner.push(buffer.subarray(0, bytesRead), (record) => this.#assembler.push(record));
      if (!(await this.#afterChunk())) break;
    }
    return position;
  }

  /** The segment that was read is over; `isRunOver`: what comes next is of another run, which goes on with no line of this one. */
  endSegment(isRunOver: boolean): void {
    this.#scanner.end((record) => this.#assembler.push(record));
    if (isRunOver) this.#assembler.flush();
  }
}
