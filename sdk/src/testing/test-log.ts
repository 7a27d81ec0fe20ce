import type { LogFields, Logger, LogLevel } from '@cleat/core';

export interface TestLogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines, for tests to look at. */
export class TestLog implements Logger {
  readonly lines: TestLogLine[];
  readonly #fields: LogFields;

  constructor(fields: LogFields = {}, lines: TestLogLine[] = []) {
    this.#fields = fields;
    this.lines = lines;
  }

  debug(message: string, fields?: LogFields): void {
    this.#add('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#add('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#add('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#add('error', message, fields);
  }

  child(fields: LogFields): TestLog {
    return new TestLog({ ...this.#fields, ...fields }, this.lines);
  }

  isEnabled(): boolean {
    return true;
  }

  #add(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.lines.push({ level, message, fields: { ...this.#fields, ...fields } });
  }
}
