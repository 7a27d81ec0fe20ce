import type { Socket } from 'node:net';
import type { LogMessage } from './message-assembler.ts';

export interface MessageFormat {
  /** Eight bytes ahead of every message that name its stream and length; false: bytes alone. */
  readonly frames: boolean;
  readonly timestamps: boolean;
  /** Text ahead of every line, with the space after it; undefined: none. */
  readonly details: string | undefined;
}

const HEADER_BYTES = 8;
const BUFFER_BYTES = 64 * 1024;

/** Writes messages to a client: gathered into large pieces, and no faster than it reads. */
export class MessageWriter {
  readonly #socket: Socket;
  readonly #format: MessageFormat;
  readonly #details: Buffer;
  #full: Buffer[] = [];
  #buffer: Buffer | undefined;
  #used = 0;

  constructor(socket: Socket, format: MessageFormat) {
    this.#socket = socket;
    this.#format = format;
    this.#details = Buffer.from(format.details ?? '');
  }

  get isClosed(): boolean {
    return this.#socket.destroyed || !this.#socket.writable;
  }

  add(message: LogMessage): void {
    const { frames, timestamps } = this.#format;
    const time = timestamps ? `${message.time} ` : '';
    const prefixBytes = time.length + this.#details.length;
    const sizeBytes = prefixBytes + message.sizeBytes;
    const buffer = this.#room((frames ? HEADER_BYTES : 0) + sizeBytes);
    let at = this.#used;
    if (frames) {
      buffer.fill(0, at, at + 4);
      buffer[at] = message.stream;
      at = buffer.writeUInt32BE(sizeBytes, at + 4);
    }
    at += buffer.write(time, at, 'latin1');
    at += this.#details.copy(buffer, at);
    for (const part of message.parts) at += part.copy(buffer, at);
    this.#used = at;
  }

  /** Sends what was added; resolves when the client has room for more, or is gone. */
  async flush(): Promise<void> {
    this.#seal();
    const pieces = this.#full;
    this.#full = [];
    for (const piece of pieces) {
      if (this.isClosed) return;
      if (!this.#socket.write(piece)) await this.#drained();
    }
  }

  /** Sends the rest and the end. */
  async end(): Promise<void> {
    await this.flush();
    if (!this.isClosed) this.#socket.end();
  }

  /** A buffer with room for so many bytes; what is written in it is known by `used`. */
  #room(bytes: number): Buffer {
    if (this.#buffer !== undefined && this.#buffer.length - this.#used >= bytes) return this.#buffer;
    this.#seal();
    this.#buffer = Buffer.allocUnsafe(Math.max(BUFFER_BYTES, bytes));
    return this.#buffer;
  }

  #seal(): void {
    if (this.#buffer !== undefined && this.#used > 0) this.#full.push(this.#buffer.subarray(0, this.#used));
    this.#buffer = undefined;
    this.#used = 0;
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
      if (this.isClosed) done();
    });
  }
}
