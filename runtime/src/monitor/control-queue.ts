import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Deadline, sleep } from '@cleat/core/deadlines';
import { errnoOf, fromNodeError } from '@cleat/core/syscalls';
import { CleatError } from '@cleat/schemas';

/** conmon 2.1.6 applies the first of two lines that it reads together twice, and loses the second. */
const PAUSE_MS = 75;
const POLL_MS = 5;

/** What one monitor is told while it runs. One line at a time with a pause between; of several sizes asked for meanwhile only the last is told. */
export class ControlQueue {
  readonly #path: string;
  #size: string | undefined;
  #isReopenAsked = false;
  #sending: Promise<void> | undefined;

  /** `directory`: the bundle, or an exec's directory. */
  constructor(directory: string) {
    this.#path = join(directory, 'ctl');
  }

  /** Sets the terminal's size. Resolves when this size or a later one has been told. */
  resize(rows: number, columns: number): Promise<void> {
    this.#size = `1 ${rows} ${columns}\n`;
    return this.#send();
  }

  /** Moves the log away and has the monitor begin a new one at the same path; resolves when it is there. Nothing is lost between. */
  async rotateLog(logPath: string, target: string, deadline: Deadline): Promise<void> {
    try {
      await rename(logPath, target);
    } catch (error) {
      throw fromNodeError(error, logPath);
    }
    await this.reopenLog();
    while (!existsSync(logPath)) {
      if (deadline.isExpired) throw new CleatError('deadline_exceeded', 'LOG_ROTATION_TIMEOUT', 'the monitor does not begin a new log');
      await sleep(POLL_MS);
    }
  }

  reopenLog(): Promise<void> {
    this.#isReopenAsked = true;
    return this.#send();
  }

  #send(): Promise<void> {
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #drain(): Promise<void> {
    // What a caller has asked for while this one is being told comes in the same round.
    for (let line = this.#next(); line !== undefined; line = this.#next()) {
      this.#write(line);
      await sleep(PAUSE_MS);
    }
  }

  #next(): string | undefined {
    if (this.#isReopenAsked) {
      this.#isReopenAsked = false;
      return '2 0 0\n';
    }
    const size = this.#size;
    this.#size = undefined;
    return size;
  }

  #write(line: string): void {
    try {
      // Never blocks: without a monitor at the other end it is ENXIO.
      const fd = openSync(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
      try {
        writeSync(fd, line);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      this.#size = undefined;
      this.#isReopenAsked = false;
      const errno = errnoOf(error);
      if (errno !== 'ENXIO' && errno !== 'ENOENT') throw fromNodeError(error, this.#path);
      throw new CleatError('conflict', 'MONITOR_GONE', 'the process has ended', { cause: error });
    }
  }
}
