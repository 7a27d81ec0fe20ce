import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { backoff, untilWhole } from '../deadlines/index.ts';
import { readIfExists, writeDurable } from '../files/index.ts';
import type { Logger } from '../log/index.ts';
import { findProcesses, isSameProcess, processStartTime, signalProcess } from '../syscalls/index.ts';

const LOG_BYTES = 10 * 1024 * 1024;
const STEADY_MS = 10_000;
const RESTART = { baseMs: 100, factor: 2, maxMs: 30_000 };
const WATCH_MS = 1_000;

export interface KeptProcessSettings {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Descriptors handed on, from 3 upwards. */
  readonly descriptors?: readonly number[];
  readonly logFile: string;
  /** An argument that no other process has. */
  readonly marker: string;
  /** Remembers pid and start time, so that the next kernel adopts the process. */
  readonly identityFile: string;
  readonly log: Logger;
  /** Called each time before it is started anew. */
  readonly prepare: () => void;
  readonly onExit: (reason: string) => void;
}

/** A process that is kept running: started, adopted when its starter was restarted, and started again when it ends. */
export class KeptProcess {
  readonly #settings: KeptProcessSettings;
  #pid = 0;
  #startTime = 0;
  #startedMs = 0;
  #failures = 0;
  #isStopping = false;
  #timer: NodeJS.Timeout | undefined;
  restarts = 0;

  constructor(settings: KeptProcessSettings) {
    this.#settings = settings;
  }

  get pid(): number {
    return this.#pid;
  }

  get isRunning(): boolean {
    return this.#pid > 0 && isSameProcess(this.#pid, this.#startTime);
  }

  /** Adopts the process of the kernel before, or starts one. */
  async start(): Promise<void> {
    this.#isStopping = false;
    const { marker, identityFile } = this.#settings;
    const noted = await readIdentity(identityFile);
    // One that was started just before the kernel was killed has not been noted.
    const [found] =
      noted !== undefined && isSameProcess(noted.pid, noted.startTime) ? [noted] : findProcesses((argv) => argv.includes(marker));
    const known = found;
    if (known !== undefined) {
      this.#pid = known.pid;
      this.#startTime = known.startTime;
      this.#startedMs = Date.now();
      this.#watch();
      return;
    }
    this.#launch();
  }

  /** Looks at once instead of at the next second: somebody has heard that it is gone. */
  check(): void {
    if (this.#isStopping || this.#pid === 0 || this.isRunning) return;
    this.#ended('it ended');
  }

  /** SIGTERM, and SIGKILL when it has not ended in time. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    if (!this.isRunning) return;
    signalProcess(this.#pid, this.#startTime, 15);
    const until = Date.now() + graceMs;
    while (this.isRunning && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    if (this.isRunning) signalProcess(this.#pid, this.#startTime, 9);
    this.#pid = 0;
  }

  /** Leaves it running, for the next kernel. */
  release(): void {
    this.#isStopping = true;
    clearTimeout(this.#timer);
  }

  #launch(): void {
    const { command, cwd, env, descriptors, logFile, identityFile, prepare, log, name } = this.#settings;
    const [program = '', ...args] = command;
    let output: number | undefined;
    try {
      prepare();
      output = openLog(logFile);
      const child = spawn(program, args, {
        cwd,
        env: { PATH: process.env['PATH'] ?? '', ...env },
        detached: true,
        stdio: ['ignore', output, output, ...(descriptors ?? [])],
      });
      child.on('error', (error) => this.#ended(error.message));
      child.on('exit', (code, signal) => {
        if (child.pid === this.#pid) this.#ended(signal === null ? `it ended with ${code ?? '?'}` : `it was ended by ${signal}`);
      });
      child.unref();
      this.#pid = child.pid ?? 0;
      this.#startTime = this.#pid > 0 ? (processStartTime(this.#pid) ?? 0) : 0;
      this.#startedMs = Date.now();
      void writeDurable(identityFile, JSON.stringify({ pid: this.#pid, startTime: this.#startTime }), 0o600).catch((error: unknown) =>
        log.error('a process could not be noted', { process: name, error }),
      );
    } catch (error) {
      log.error('a process could not be started', { process: name, error });
      this.#ended(error instanceof Error ? error.message : String(error));
    } finally {
      if (output !== undefined) closeSync(output);
    }
  }

  /** The end of one that is no child of this process is seen by looking. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.isRunning) this.#watch();
      else this.#ended('it ended');
    }, untilWhole(WATCH_MS));
    this.#timer.unref();
  }

  #ended(reason: string): void {
    if (this.#isStopping) return;
    clearTimeout(this.#timer);
    this.#pid = 0;
    this.#failures = Date.now() - this.#startedMs > STEADY_MS ? 0 : this.#failures + 1;
    this.restarts += 1;
    this.#settings.onExit(reason);
    this.#timer = setTimeout(() => this.#launch(), this.#failures === 0 ? 0 : backoff(this.#failures, RESTART));
  }
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    if (statSync(path).size > LOG_BYTES) renameSync(path, `${path}.1`);
  } catch {
    // There is none yet.
  }
  return openSync(path, 'a', 0o600);
}

async function readIdentity(path: string): Promise<{ readonly pid: number; readonly startTime: number } | undefined> {
  const text = await readIfExists(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text.toString());
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('startTime' in value)) return undefined;
    return { pid: Number(value.pid), startTime: Number(value.startTime) };
  } catch {
    // A file that was cut off names no process.
    return undefined;
  }
}
