const HEADER_BYTES = 8;

/** One of Docker's frames: which stream, how long, and the bytes. */
export function dockerFrame(stream: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt32BE(stream << 24, 0);
  frame.writeUInt32BE(payload.length, 4);
  payload.copy(frame, HEADER_BYTES);
  return frame;
}

/** Takes the headers of Docker's frames out of a stream that comes in any pieces. */
export class FrameStripper {
  #payloadLeft = 0;
  #header: Buffer = Buffer.alloc(0);

  strip(chunk: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (let rest = chunk; rest.length > 0; ) {
      if (this.#payloadLeft > 0) {
        const part = rest.subarray(0, this.#payloadLeft);
        parts.push(part);
        this.#payloadLeft -= part.length;
        rest = rest.subarray(part.length);
        continue;
      }
      const missing = HEADER_BYTES - this.#header.length;
      this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (this.#header.length < HEADER_BYTES) break;
      this.#payloadLeft = this.#header.readUInt32BE(4);
      this.#header = Buffer.alloc(0);
    }
    return Buffer.concat(parts);
  }
}

/** One chunk of an HTTP/1.1 body; the empty one ends the body. */
export function httpChunk(data: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
}
