import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Deadline } from '@cleat/core';
import { AccountBook, BusConnection } from '@cleat/core/bus';
import { childEnv, makeBusyboxRootfs, waitFor } from '@cleat/harness';
import { endInstance, endProcesses } from './instance-end.ts';
import { type CallSettings, NodeClient } from './node-client.ts';

const MAIN = fileURLToPath(new URL('../../../kernel/dist/src/main.js', import.meta.url));
const LOG_TAIL = 4000;

/** A kernel without default plugins, in directories of its own: started, killed and started again by a test. */
export class BareKernel {
  readonly dir: string;
  readonly rootfs: string;
  #config: Record<string, unknown>;
  #main = MAIN;
  #child: ChildProcess | undefined;
  #client: NodeClient | undefined;

  constructor(dir: string, config: Record<string, unknown> = {}) {
    this.dir = dir;
    this.rootfs = join(dir, 'rootfs');
    mkdirSync(this.rootfs, { recursive: true });
    // Mapped users have to get through.
    chmodSync(dir, 0o711);
    makeBusyboxRootfs(this.rootfs);
    this.#config = { stateDir: join(dir, 'state'), runDir: join(dir, 'run'), nodeName: 'test', version: '0.1.0', ...config };
  }

  get runDir(): string {
    return join(this.dir, 'run');
  }

  get stateDir(): string {
    return join(this.dir, 'state');
  }

  /** The instance's short id, from which its cgroups have their names. */
  get instanceId(): string {
    return readFileSync(join(this.stateDir, 'instance'), 'utf8').trim();
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** For the next start. */
  configure(config: Record<string, unknown>): void {
    this.#config = { ...this.#config, ...config };
  }

  /** The kernel of another release, from the next start on; without a program that of this one. */
  use(main: string = MAIN): void {
    this.#main = main;
  }

  /** What the kernel wrote last, for the report of a failure. */
  get logTail(): string {
    return this.log.slice(-LOG_TAIL);
  }

  get log(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, 'utf8') : '';
  }

  get #logPath(): string {
    return join(this.dir, 'kernel.log');
  }

  get #faultPath(): string {
    return join(this.dir, 'fault');
  }

  /** Starts the kernel and waits until it answers; clients of the one before stay connected and are answered by this one. */
  async start(): Promise<void> {
    this.begin();
    await waitFor('the kernel', () => existsSync(this.#operatorPath) || this.hasEnded, { timeoutMs: 20_000 });
    if (this.hasEnded) return;
    this.#client ??= await NodeClient.open(this.runDir, this.rootfs);
    this.#client.hurry();
  }

  /** Starts it and waits for nothing. */
  begin(): void {
    const path = join(this.dir, 'kernel.json');
    writeFileSync(path, JSON.stringify(this.#config));
    rmSync(this.#operatorPath, { force: true });
    const log = openSync(this.#logPath, 'a');
    this.#child = spawn(process.execPath, [this.#main, path], {
      stdio: ['ignore', log, log],
      env: childEnv({ CLEAT_FAULT: `@${this.#faultPath}` }),
    });
    closeSync(log);
  }

  get #operatorPath(): string {
    return join(this.runDir, 'operator.json');
  }

  get hasEnded(): boolean {
    return this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get signal(): string | null {
    return this.#child?.signalCode ?? null;
  }

  /** SIGKILL at a record that the kernel writes from now on; of another process, when one is given. */
  arm(moment: 'before' | 'after', step: string, pid?: number): void {
    writeFileSync(`${this.#faultPath}.new`, `${moment}:${step}:1${pid === undefined ? '' : `:${pid}`}`);
    renameSync(`${this.#faultPath}.new`, this.#faultPath);
  }

  /** True while the record that was armed has not been written. */
  get isArmed(): boolean {
    return existsSync(this.#faultPath);
  }

  disarm(): void {
    rmSync(this.#faultPath, { force: true });
  }

  /** SIGKILL, as a crash is. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.hasEnded) return;
    child.kill('SIGKILL');
    await this.ended();
  }

  async ended(timeoutMs = 20_000): Promise<void> {
    await waitFor('the end of the kernel', () => this.hasEnded, { timeoutMs });
  }

  /** What a client of this node does; it stays connected over restarts of the kernel. */
  get client(): NodeClient {
    if (this.#client === undefined) throw new Error('not connected');
    return this.#client;
  }

  /** The private server, which outlives the kernel. */
  get busPid(): number {
    return Number(readFileSync(join(this.stateDir, 'bus', 'nats', 'server.pid'), 'utf8').split(' ')[0]);
  }

  get busUrl(): string {
    return readFileSync(join(this.runDir, 'bus.url'), 'utf8');
  }

  /** The rights of the kernel itself, for a test that takes the stream away from under it. */
  async asKernel(): Promise<BusConnection> {
    const copy = join(this.dir, 'accounts.json');
    copyFileSync(join(this.stateDir, 'bus', 'accounts.json'), copy);
    const { exporting } = AccountBook.open(copy).credentials('kernel');
    const log = { info: (): void => undefined, warn: (): void => undefined, error: (): void => undefined };
    return BusConnection.open({ url: () => this.busUrl, credentials: exporting, name: 'test', log }, Deadline.after(10_000));
  }

  /** Every process of it ends at once. */
  async powerOff(): Promise<void> {
    await this.disconnect();
    await this.kill();
    await endProcesses(this.dir, this.instanceId);
  }

  /** Ends the platform and everything that it left running, also after a failure. */
  async down(): Promise<void> {
    try {
      await this.disconnect();
    } finally {
      const child = this.#child;
      if (child !== undefined && !this.hasEnded) {
        child.kill('SIGKILL');
        await this.ended();
      }
      await endInstance(this.dir, existsSync(join(this.stateDir, 'instance')) ? this.instanceId : undefined);
    }
  }

  call<T>(contract: string, operation: string, request: object = {}, settings: CallSettings = {}): Promise<T> {
    return this.client.call<T>(contract, operation, request, settings);
  }

  /** The client leaves, with all that it waited for; the next start brings another. */
  async disconnect(): Promise<void> {
    await this.#client?.close();
    this.#client = undefined;
  }
}
