import type { LogRecord, StreamNumber } from './record.ts';

/** What Docker keeps as one entry of a log: a line, or 16 KiB of one that is longer. */
export interface LogMessage {
  readonly time: string;
  readonly stream: StreamNumber;
  /** With its line feed, if it has one. Parts of it may belong to the reader's buffer. */
  readonly parts: readonly Buffer[];
  readonly sizeBytes: number;
}

/** As the buffer in which Docker looks for the end of a line. */
export const MESSAGE_MOST_BYTES: number = 16 * 1024;

interface OpenLine {
  parts: Buffer[];
  sizeBytes: number;
  /** Of the line's first message; its others have the same. */
  time: string | undefined;
  /** Of the newest piece. */
  newest: string;
}

/** Joins the pieces of a line, of each stream by itself, into messages. Holds 16 KiB of each at most. */
export class MessageAssembler {
  readonly #onMessage: (message: LogMessage) => void;
  readonly #lines: readonly [OpenLine, OpenLine] = [emptyLine(), emptyLine()];

  constructor(onMessage: (message: LogMessage) => void) {
    this.#onMessage = onMessage;
  }

  push(record: LogRecord): void {
    const line = this.#lines[record.stream === 1 ? 0 : 1];
    line.newest = record.time;
    let { data } = record;
    const lineFeedBytes = record.isEnd ? 1 : 0;
    // A line feed right after 16 KiB is a message by itself: Docker's buffer was full before it was seen.
    while (line.sizeBytes + data.length - lineFeedBytes >= MESSAGE_MOST_BYTES) {
      const room = MESSAGE_MOST_BYTES - line.sizeBytes;
      this.#emit(record.stream, line, data.subarray(0, room));
      data = data.subarray(room);
    }
    if (record.isEnd) {
      this.#emit(record.stream, line, data);
      line.time = undefined;
    } else if (data.length > 0) {
      // A copy: the rest of the line may come much later, and the reader's buffer is large.
      line.parts.push(Buffer.from(data));
      line.sizeBytes += data.length;
    }
  }

  /** Gives what is there of lines that did not end: the process did, or the reader wants no more. */
  flush(): void {
    for (const [index, line] of this.#lines.entries()) {
      if (line.sizeBytes > 0) this.#emit(index === 0 ? 1 : 2, line, Buffer.alloc(0));
      line.time = undefined;
    }
  }

  #emit(stream: StreamNumber, line: OpenLine, last: Buffer): void {
    const { parts } = line;
    if (last.length > 0) parts.push(last);
    line.time ??= line.newest;
    this.#onMessage({ time: line.time, stream, parts, sizeBytes: line.sizeBytes + last.length });
    line.parts = [];
    line.sizeBytes = 0;
  }
}

function emptyLine(): OpenLine {
  return { parts: [], sizeBytes: 0, time: undefined, newest: '' };
}
