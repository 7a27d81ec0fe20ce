/** stdout and stderr as Docker's stream format numbers them. */
export type StreamNumber = 1 | 2;

/** One line of a segment: a piece of output. */
export interface LogRecord {
  /** RFC 3339 in UTC with nine digits of a second, so that two compare as text. */
  readonly time: string;
  readonly stream: StreamNumber;
  /** A line feed of the output ends it; `data` then includes that. */
  readonly isEnd: boolean;
  /** A part of the buffer that was given: to be copied by who keeps it. */
  readonly data: Buffer;
}

const LINE_FEED = 10;
const SPACE = 32;
const END_MARK = 'F'.charCodeAt(0);
/** "2026-01-02T03:04:05.123456789" */
const TIME_CHARS = 29;
const UTC = '+00:00';
/** The monitor writes pieces of 8 KiB; what is far longer and has no line feed is no record. */
export const RECORD_MOST_BYTES: number = 64 * 1024;

/** A line of the CRI log format ("TIME stdout F text", with its line feed unless it was cut off); undefined when it is none. */
export function parseRecord(line: Buffer): LogRecord | undefined {
  const afterTime = line.indexOf(SPACE);
  if (afterTime < 20) return undefined;
  const afterStream = line.indexOf(SPACE, afterTime + 1);
  const mark = afterStream + 1;
  if (afterStream < 0 || line[mark + 1] !== SPACE) return undefined;
  const stream = streamOf(line, afterTime + 1, afterStream);
  const time = timeOf(line.toString('latin1', 0, afterTime));
  if (stream === undefined || time === undefined) return undefined;
  const isWhole = line[line.length - 1] === LINE_FEED;
  // One that was cut off has lost its line feed, whatever its mark says.
  const isEnd = isWhole && line[mark] === END_MARK;
  return { time, stream, isEnd, data: line.subarray(mark + 2, isWhole && !isEnd ? line.length - 1 : line.length) };
}

function streamOf(line: Buffer, start: number, end: number): StreamNumber | undefined {
  const name = line.toString('latin1', start, end);
  if (name === 'stdout') return 1;
  return name === 'stderr' ? 2 : undefined;
}

function timeOf(text: string): string | undefined {
  if (text.length === TIME_CHARS + UTC.length && text.endsWith(UTC)) return `${text.slice(0, TIME_CHARS)}Z`;
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return undefined;
  const [, seconds = '', fraction = '', zone = ''] = match;
  const ms = Date.parse(`${seconds}${zone}`);
  return Number.isNaN(ms) ? undefined : `${new Date(ms).toISOString().slice(0, 19)}.${fraction.padEnd(9, '0')}Z`;
}

const NEWEST_NS = 253_402_300_799_999_999_999n;

/** Nanoseconds since 1970 in the form of a record's time, from 1970 to 9999. */
export function recordTime(wantedNs: bigint): string {
  const ns = wantedNs < 0n ? 0n : wantedNs > NEWEST_NS ? NEWEST_NS : wantedNs;
  const fraction = ns % 1_000_000_000n;
  const seconds = new Date(Number((ns - fraction) / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${fraction.toString().padStart(9, '0')}Z`;
}

/** Takes a segment apart as it is read. */
export class RecordScanner {
  #rest: Buffer = Buffer.alloc(0);
  /** Inside something without end that is no record. */
  #isSkipping = false;

  /** Gives every record that ends in the chunk. */
  push(chunk: Buffer, onRecord: (record: LogRecord) => void): void {
    let start = 0;
    if (this.#rest.length > 0 || this.#isSkipping) {
      const end = chunk.indexOf(LINE_FEED);
      if (end < 0) {
        this.#keep(chunk);
        return;
      }
      if (!this.#isSkipping) this.#give(Buffer.concat([this.#rest, chunk.subarray(0, end + 1)]), onRecord);
      this.#isSkipping = false;
      this.#rest = Buffer.alloc(0);
      start = end + 1;
    }
    for (let end = chunk.indexOf(LINE_FEED, start); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      this.#give(chunk.subarray(start, end + 1), onRecord);
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
  }

  /** The segment has ended: what is left of it is a record that was cut off, when the monitor was killed. */
  end(onRecord: (record: LogRecord) => void): void {
    if (this.#rest.length > 0) this.#give(this.#rest, onRecord);
    this.#rest = Buffer.alloc(0);
    this.#isSkipping = false;
  }

  #give(line: Buffer, onRecord: (record: LogRecord) => void): void {
    const record = parseRecord(line);
    // A crash of the host leaves zeros where a block was not written: nothing to show.
    if (record !== undefined) onRecord(record);
  }

  #keep(part: Buffer): void {
    if (part.length === 0 || this.#isSkipping) return;
    if (this.#rest.length + part.length > RECORD_MOST_BYTES) {
      this.#isSkipping = true;
      this.#rest = Buffer.alloc(0);
      return;
    }
    this.#rest = Buffer.concat([this.#rest, part]);
  }
}
