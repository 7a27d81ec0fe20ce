const EMPTY = Buffer.alloc(0);

/** Takes exact pieces from a stream of chunks of any size, holding no more than a piece needs. */
export class ByteQueue {
  readonly #source: AsyncIterator<Buffer>;
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;
  #isAtEnd = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #fill(bytes: number): Promise<void> {
    while (this.#bufferedBytes < bytes && !this.#isAtEnd) {
      const next = await this.#source.next();
      if (next.done === true) this.#isAtEnd = true;
      else if (next.value.length > 0) {
        this.#chunks.push(next.value);
        this.#bufferedBytes += next.value.length;
      }
    }
  }

  #shift(limit: number): Buffer {
    const first = this.#chunks[0] ?? EMPTY;
    const taken = first.length <= limit ? first : first.subarray(0, limit);
    if (taken.length === first.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(taken.length);
    this.#bufferedBytes -= taken.length;
    return taken;
  }

  /** Exactly so many bytes, or fewer where the source ends before. */
  async take(bytes: number): Promise<Buffer> {
    await this.#fill(bytes);
    const pieces: Buffer[] = [];
    let missing = Math.min(bytes, this.#bufferedBytes);
    while (missing > 0) {
      const piece = this.#shift(missing);
      pieces.push(piece);
      missing -= piece.length;
    }
    return pieces.length === 1 ? (pieces[0] ?? EMPTY) : Buffer.concat(pieces);
  }

  /** What is at hand, at least one byte and at most the limit; empty at the end of the source. */
  async takeSome(limit: number): Promise<Buffer> {
    await this.#fill(1);
    return this.#shift(limit);
  }

  /** Passes over bytes; how many there were. */
  async skip(bytes: number): Promise<number> {
    let skipped = 0;
    while (skipped < bytes) {
      const piece = await this.takeSome(bytes - skipped);
      if (piece.length === 0) break;
      skipped += piece.length;
    }
    return skipped;
  }

  async close(): Promise<void> {
    this.#isAtEnd = true;
    this.#chunks = [];
    this.#bufferedBytes = 0;
    await this.#source.return?.();
  }
}
