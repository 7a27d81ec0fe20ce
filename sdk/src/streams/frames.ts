/** Docker's stream format: eight bytes (stream, three zeros, length in network order), then that many bytes. */

export type FrameStream = 'stdin' | 'stdout' | 'stderr' | 'systemerr';

const STREAMS: readonly FrameStream[] = ['stdin', 'stdout', 'stderr', 'systemerr'];
const HEADER_BYTES = 8;

/** The eight bytes before a payload. */
export function frameHeader(stream: FrameStream, length: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = STREAMS.indexOf(stream);
  header.writeUInt32BE(length, 4);
  return header;
}

/** Header and payload in one piece. */
export function encodeFrame(stream: FrameStream, payload: Uint8Array): Buffer {
  return Buffer.concat([frameHeader(stream, payload.length), payload]);
}

/** A part of a frame's payload, as it came. */
export interface FramePart {
  readonly stream: FrameStream;
  readonly data: Buffer;
}

/** Takes frames apart as they come; it gathers no payload, whatever its size. */
export class FrameDecoder {
  #header: Buffer = Buffer.alloc(0);
  #stream: FrameStream = 'stdout';
  #left = 0;

  /** Throws Error when the bytes are not frames. */
  push(chunk: Buffer): readonly FramePart[] {
    const parts: FramePart[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        rest = this.#readHeader(rest);
        continue;
      }
      const data = rest.subarray(0, this.#left);
      parts.push({ stream: this.#stream, data });
      this.#left -= data.length;
      rest = rest.subarray(data.length);
    }
    return parts;
  }

  /** True between two frames: where a stream may end. */
  get isBetween(): boolean {
    return this.#left === 0 && this.#header.length === 0;
  }

  #readHeader(bytes: Buffer): Buffer {
    const missing = HEADER_BYTES - this.#header.length;
    this.#header = Buffer.concat([this.#header, bytes.subarray(0, missing)]);
    if (this.#header.length < HEADER_BYTES) return Buffer.alloc(0);
    const stream = STREAMS[this.#header[0] ?? -1];
    if (stream === undefined) throw new Error(`these bytes are not frames: stream ${this.#header[0]}`);
    this.#stream = stream;
    this.#left = this.#header.readUInt32BE(4);
    this.#header = Buffer.alloc(0);
    return bytes.subarray(missing);
  }
}
