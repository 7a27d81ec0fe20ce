import { writeSync } from 'node:fs';
import { loggable, redactText } from './redaction.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type LogFields = Readonly<Record<string, unknown>>;

/** Structured lines about what a process does. Values of fields that look like secrets by their name are left out. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line carries these fields too. */
  child(fields: LogFields): Logger;
  /** Whether lines of that level are written, for fields that are dear to make. */
  isEnabled(level: LogLevel): boolean;
}

export interface LoggerOptions {
  /** Lines below this level are not written; `info` by default. */
  readonly level?: LogLevel;
  readonly fields?: LogFields;
  /** Takes one line, with its line feed. Standard error by default. It may throw: the line is then counted as dropped. */
  readonly write?: (line: string) => void;
  /** Injected by tests. */
  readonly now?: () => Date;
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 10, info: 20, warn: 30, error: 40 };

/** A line longer than this loses its fields: half a JSON document helps nobody. Below PIPE_BUF * 4, so that a journal daemon takes it whole. */
const MAX_LINE_BYTES = 16_384;

/** Where the lines of a logger and all its children go. */
class Sink {
  readonly #write: (line: string) => void;
  #dropped = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** A logger must not fail the work it reports on, so a line that cannot be written is counted and told of later. */
  put(makeRecord: () => Readonly<Record<string, unknown>>): void {
    try {
      const record = makeRecord();
      this.#write(`${encode(this.#dropped === 0 ? record : { ...record, droppedLines: this.#dropped })}\n`);
      this.#dropped = 0;
    } catch {
      // Standard error is closed or refuses to wait, or a field cannot be read: there is no other place to say so.
      this.#dropped += 1;
    }
  }
}

/** One JSON object a line: `time`, `level`, `message`, then the fields. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const sink = new Sink(options.write ?? ((line) => void writeSync(2, line)));
  return loggerOf({
    sink,
    threshold: SEVERITY[options.level ?? 'info'],
    now: options.now ?? (() => new Date()),
    fields: options.fields ?? {},
  });
}

interface LoggerState {
  readonly sink: Sink;
  readonly threshold: number;
  readonly now: () => Date;
  readonly fields: LogFields;
}

function loggerOf(state: LoggerState): Logger {
  const log = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (SEVERITY[level] < state.threshold) return;
    state.sink.put(() => {
      const own = { time: state.now().toISOString(), level, message: redactText(message) };
      // Spread twice: the line begins with its own three, and no field can take their place.
      return { ...own, ...toFields({ ...state.fields, ...fields }), ...own };
    });
  };
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
    child: (fields) => loggerOf({ ...state, fields: { ...state.fields, ...fields } }),
    isEnabled: (level) => SEVERITY[level] >= state.threshold,
  };
}

function toFields(fields: LogFields): Record<string, unknown> {
  const plain = loggable(fields);
  return typeof plain === 'object' && plain !== null ? { ...plain } : {};
}

function encode(record: Readonly<Record<string, unknown>>): string {
  const line = JSON.stringify(record);
  if (Buffer.byteLength(line) <= MAX_LINE_BYTES) return line;
  const { time, level, message, droppedLines } = record;
  return JSON.stringify({ time, level, message, droppedLines, truncatedBytes: Buffer.byteLength(line) });
}
