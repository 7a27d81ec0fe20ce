import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { backoff, Deadline, sleep, untilWhole } from '../deadlines/index.ts';
import { findProcesses, isSameProcess, isZombie, processStartTime, signalProcess } from '../syscalls/index.ts';
import type { AccountBook } from './accounts.ts';
import { BusConnection } from './connection.ts';
import { RECONNECT_WAIT_MS, SERVER_PROBE_MS, SERVER_START_MS, SERVER_STOP_MS, SERVER_WATCH_MS } from './limits.ts';
import type { BusLog } from './message.ts';
import { replaceFile } from './secret-file.ts';
import { checkLeaf, configFingerprint, type LeafRemote, type ServerConfig, serverConfigText } from './server-config.ts';
import { findServerBinary, ServerFiles } from './server-files.ts';

export interface NatsServerOptions {
  /** The server's own directory; made 0700. */
  readonly dir: string;
  readonly book: AccountBook;
  readonly log: BusLog;
  readonly serverName?: string | undefined;
  /** A binary; else `nats-server` is looked up on `path`. */
  readonly binary?: string | undefined;
  readonly path?: string | undefined;
  /** A file that always holds the current URL, for those who may not read `dir`. */
  readonly urlFile?: string | undefined;
  readonly leaf?: LeafRemote | undefined;
  readonly maxFileStoreBytes?: number | undefined;
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
}

export type ServerEvent = { readonly type: 'up'; readonly url: string; readonly isAdopted: boolean } | { readonly type: 'down' };

interface ServerProcess {
  readonly pid: number;
  readonly startTime: number;
}

const RESTART_BACKOFF = { baseMs: 50, factor: 2, maxMs: 2_000 } as const;

/**
 * The private nats-server: a process of its own session that outlives its starter. It is adopted when it is there, started
 * when not, and started again, for ever, when it dies.
 */
export class NatsServer {
  readonly #options: NatsServerOptions;
  readonly #files: ServerFiles;
  readonly #config: ServerConfig;
  readonly #ending = new AbortController();
  #process: ServerProcess | undefined;
  #child: ChildProcess | undefined;
  #url: string | undefined;
  #watching: Promise<void> | undefined;
  #wake: () => void = () => undefined;

  constructor(options: NatsServerOptions) {
    const { book, leaf } = options;
    if (leaf !== undefined) checkLeaf(leaf);
    this.#options = options;
    this.#files = new ServerFiles(options.dir);
    this.#config = {
      dir: options.dir,
      serverName: options.serverName ?? 'cleat',
      operatorJwt: book.operatorJwt,
      systemKey: book.systemKey,
      outerKey: book.outerKey,
      leaf,
      maxFileStoreBytes: options.maxFileStoreBytes ?? 1_073_741_824,
    };
  }

  /** Of the server that runs or ran last. Throws `unavailable` `BUS_DOWN` before the first start. */
  get url(): string {
    if (this.#url === undefined) throw new CleatError('unavailable', 'BUS_DOWN', 'the bus was not started yet');
    return this.#url;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** The accounts that were on file when the server was adopted; it may still know some that the book does not. */
  knownAccounts(): readonly string[] {
    return this.#files.knownAccounts();
  }

  /**
   * Adopts or starts the server and watches it from then on. Throws `unavailable` `BUS_SERVER_MISSING`, `BUS_SERVER_FAILED`
   * or `BUS_DOWN` when none is up at the deadline; the watch goes on even so.
   */
  async start(deadline: Deadline = Deadline.after(SERVER_START_MS)): Promise<{ isAdopted: boolean }> {
    // Said at once, not found out by a loop.
    findServerBinary(this.#options.binary, this.#options.path ?? '');
    try {
      const isAdopted = await this.#adopt(deadline);
      if (!isAdopted) await this.#spawn(deadline);
      return { isAdopted };
    } finally {
      this.#watching ??= this.#watch();
    }
  }

  /** Looks at the server now: called when a connection to it broke. */
  check(): void {
    this.#wake();
  }

  /** Ends a server that is alive but of no use; the watch starts another. */
  kill(): void {
    const current = this.#process;
    if (current !== undefined) signalProcess(current.pid, current.startTime, 'SIGKILL');
    this.#wake();
  }

  /** Stops watching and leaves the server running, for the next one to adopt. */
  async release(): Promise<void> {
    this.#ending.abort();
    this.#wake();
    await this.#watching;
    this.#child?.removeAllListeners();
    this.#child = undefined;
  }

  /** Stops watching and ends the server. */
  async stop(): Promise<void> {
    this.#ending.abort();
    this.#wake();
    await this.#watching;
    const current = this.#process;
    this.#process = undefined;
    if (current !== undefined) await endProcess(current);
    this.#files.removeRecord();
    this.#files.clearPorts();
  }

  async #adopt(deadline: Deadline): Promise<boolean> {
    const found = this.#findRunning();
    for (const extra of found.slice(1)) await endProcess(extra);
    const candidate = found[0];
    if (candidate === undefined) return false;
    const record = this.#files.readRecord();
    const isKept = record?.pid === candidate.pid && record.fingerprint === configFingerprint(this.#config);
    const port = this.#files.portOf(candidate.pid);
    const isUsable = isKept && port !== undefined && (await this.#admits(port, deadline));
    if (isUsable) {
      this.#setUp(candidate, port, true);
      return true;
    }
    this.#options.log.info('the running bus server is replaced', { pid: candidate.pid, isSameConfig: isKept });
    await endProcess(candidate);
    return false;
  }

  /** By its command line, not only by the record: a starter that was killed may not have come to write one. */
  #findRunning(): ServerProcess[] {
    return findProcesses((argv) => argv.includes(this.#files.configPath)).filter(({ pid }) => !isZombie(pid));
  }

  async #admits(port: number, deadline: Deadline): Promise<boolean> {
    const { book, log } = this.#options;
    const options = { url: () => urlOf(port), credentials: book.systemCredentials(), name: 'kernel/probe', log };
    try {
      const connection = await BusConnection.open(options, deadline.earlierOf(Deadline.after(SERVER_PROBE_MS)));
      await connection.close(Deadline.after(0));
      return true;
    } catch {
      // It hangs, or trusts another operator: either way it is not the bus.
      return false;
    }
  }

  async #spawn(deadline: Deadline): Promise<void> {
    const lastPort = this.#files.readLastPort();
    try {
      await this.#spawnOn(lastPort ?? -1, deadline);
    } catch (error) {
      if (lastPort === undefined || deadline.isExpired) throw error;
      // Another program may have taken the port meanwhile. Clients read the URL anew when they can't connect.
      this.#options.log.warn('the bus could not have its port again', { port: lastPort, error });
      await this.#spawnOn(-1, deadline);
    }
  }

  async #spawnOn(port: number, deadline: Deadline): Promise<void> {
    const { book, binary, path } = this.#options;
    this.#files.clearPorts();
    this.#files.rotateLog();
    this.#files.writeStatements(book.statements);
    this.#files.writeConfig(serverConfigText(this.#config, port));
    const child = this.#launch(findServerBinary(binary, path ?? ''));
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    const started = startedProcess(child);
    if (started === undefined) {
      await exited;
      throw new CleatError('unavailable', 'BUS_SERVER_FAILED', 'the bus server could not be started');
    }
    try {
      const fingerprint = configFingerprint(this.#config);
      this.#files.writeRecord({ ...started, fingerprint });
      const listening = await this.#awaitPort(started, exited, deadline);
      this.#child = child;
      child.once('exit', () => this.#wake());
      this.#setUp(started, listening, false);
    } catch (error) {
      await endProcess(started);
      throw error;
    }
  }

  #launch(binary: string): ChildProcess {
    const log = openSync(this.#files.logPath, 'a', 0o600);
    try {
      const child = spawn(binary, ['-c', this.#files.configPath], {
        cwd: '/',
        // A session of its own: it survives the terminal and the starter.
        detached: true,
        stdio: ['ignore', log, log],
        // It holds little; collecting at half the usual growth costs it nothing that can be seen, and saves 5 MiB.
        env: { GOMEMLIMIT: '48MiB', GOGC: '50', GOMAXPROCS: '1' },
      });
      child.unref();
      // Told by the exit too, or by a missing pid.
      child.on('error', (error) => this.#options.log.error('the bus server could not be run', { binary, error }));
      return child;
    } finally {
      closeSync(log);
    }
  }

  async #awaitPort(started: ServerProcess, exited: Promise<void>, deadline: Deadline): Promise<number> {
    let hasExited = false;
    void exited.then(() => {
      hasExited = true;
    });
    while (!hasExited && !deadline.isExpired) {
      const port = this.#files.portOf(started.pid);
      if (port !== undefined) return port;
      await sleep(5);
    }
    const message = hasExited ? `the bus server ended: ${this.#lastWords()}` : 'the bus server did not listen in time';
    throw new CleatError('unavailable', 'BUS_SERVER_FAILED', message, { retryable: true });
  }

  #lastWords(): string {
    const lines = readFileSync(this.#files.logPath, 'utf8').trimEnd().split('\n');
    return lines.findLast((line) => line.includes('[FTL]') || line.includes('nats-server:')) ?? lines.at(-1) ?? '';
  }

  #setUp(current: ServerProcess, port: number, isAdopted: boolean): void {
    this.#process = current;
    this.#url = urlOf(port);
    this.#files.writeLastPort(port);
    const { urlFile, log, onEvent } = this.#options;
    if (urlFile !== undefined) replaceFile(urlFile, `${this.#url}\n`, { mode: 0o644, isDurable: false });
    log.info('the bus server is up', { pid: current.pid, url: this.#url, isAdopted });
    onEvent?.({ type: 'up', url: this.#url, isAdopted });
  }

  async #watch(): Promise<void> {
    let failures = 0;
    while (!this.#ending.signal.aborted) {
      if (isAlive(this.#process)) {
        failures = 0;
        this.#files.boundLog();
        await this.#pause(untilWhole(SERVER_WATCH_MS));
        continue;
      }
      this.#noteDeath();
      try {
        await this.#spawn(Deadline.after(SERVER_START_MS));
      } catch (error) {
        this.#options.log.error('the bus server could not be started again', { failures, error });
        await this.#pause(backoff(failures, RESTART_BACKOFF));
        failures += 1;
      }
    }
  }

  #noteDeath(): void {
    if (this.#process === undefined) return;
    this.#options.log.warn('the bus server is gone', { pid: this.#process.pid });
    this.#process = undefined;
    this.#options.onEvent?.({ type: 'down' });
  }

  async #pause(ms: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    if (this.#ending.signal.aborted) return;
    // Waking it is the only thing that aborts it.
    await sleep(ms, woken.signal).catch(() => undefined);
    // A broken connection is noticed some moments before the process has gone.
    const look = Deadline.after(RECONNECT_WAIT_MS * 4);
    while (woken.signal.aborted && !this.#ending.signal.aborted && isAlive(this.#process) && !look.isExpired) await sleep(5);
  }
}

function urlOf(port: number): string {
  return `nats://127.0.0.1:${port}`;
}

function isAlive(current: ServerProcess | undefined): boolean {
  return current !== undefined && isSameProcess(current.pid, current.startTime) && !isZombie(current.pid);
}

function startedProcess(child: ChildProcess): ServerProcess | undefined {
  const { pid } = child;
  const startTime = pid === undefined ? undefined : processStartTime(pid);
  return pid === undefined || startTime === undefined ? undefined : { pid, startTime };
}

/** Asks, waits, then insists; by pid and start time, so no other process can be meant. */
async function endProcess(target: ServerProcess): Promise<void> {
  signalProcess(target.pid, target.startTime, 'SIGTERM');
  // A stopped process takes the signal when it goes on.
  signalProcess(target.pid, target.startTime, 'SIGCONT');
  const deadline = Deadline.after(SERVER_STOP_MS);
  while (isAlive(target) && !deadline.isExpired) await sleep(5);
  signalProcess(target.pid, target.startTime, 'SIGKILL');
  const killed = Deadline.after(SERVER_STOP_MS);
  while (isAlive(target) && !killed.isExpired) await sleep(5);
}
