import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BusCaller,
  type BusConnection,
  type Grant as BusGrant,
  ContractCaller,
  Deadline,
  ErrorCodec,
  encodeCredentials,
  PrivateBus,
} from '@cleat/core';
import type { Contracts, Grant, Manifest } from '@cleat/schemas';
import { askedGrant, CleatError, driverAddress, operatorGrant, providerAddress, SchemaBook } from '@cleat/schemas';
import type { RunEntry } from '../run/run-file.ts';
import { TestKernel } from './test-kernel.ts';
import { TestLog } from './test-log.ts';
import { addressesOf, type TestPlugin } from './test-plugin.ts';

const KERNEL_ADDRESSES = ['sys', 'hello', 'event', 'node'] as const;
const START_MS = 10_000;
const CALL_MS = 10_000;

export interface TestNodeOptions {
  /** Absent: a temporary one, removed at the end. */
  readonly directory?: string;
  /** Program of the NATS server; absent: nats-server of the PATH. */
  readonly natsServer?: string;
}

export interface TestCallOptions {
  readonly deadline?: Deadline;
  readonly signal?: AbortSignal;
  readonly operationId?: string;
  readonly onProgress?: () => void;
}

/** A private NATS server and a kernel that has just what plugins need of one: no container is run here. */
export class TestNode {
  readonly directory: string;
  readonly log: TestLog;
  readonly book: SchemaBook = new SchemaBook();
  readonly kernel: TestKernel;
  readonly #bus: PrivateBus;
  readonly #exporting: BusConnection;
  readonly #importing: BusConnection;
  readonly #plugins = new Map<string, TestPlugin>();
  readonly #isTemporary: boolean;
  readonly #caller: ContractCaller;
  readonly #raw: BusCaller;

  private constructor(parts: {
    readonly bus: PrivateBus;
    readonly directory: string;
    readonly isTemporary: boolean;
    readonly log: TestLog;
  }) {
    const { bus, directory, isTemporary, log } = parts;
    this.#bus = bus;
    this.directory = directory;
    this.#isTemporary = isTemporary;
    this.log = log;
    const credentials = bus.credentials('kernel');
    this.#exporting = bus.connect('kernel/exporting', credentials.exporting);
    this.#importing = bus.connect('kernel/importing', credentials.importing);
    this.#caller = new ContractCaller(this.#importing, this.book);
    const errors = new ErrorCodec(this.book);
    this.#raw = new BusCaller(this.#importing, { decodeError: (body) => errors.decode(body) });
    this.kernel = new TestKernel({
      connection: this.#exporting,
      caller: this.#caller,
      ...{ book: this.book, log, directory },
      plugins: () => [...this.#plugins.values()],
      nameOf: (key) => bus.participantOf(key),
      keyOf: (name) => bus.keysOf(name).importing,
    });
  }

  /** Starts the server and the kernel. Throws `unavailable` BUS_SERVER_MISSING without nats-server. */
  static async start(options: TestNodeOptions = {}): Promise<TestNode> {
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'cleat-node-'));
    const log = new TestLog();
    const server = options.natsServer === undefined ? {} : { binary: options.natsServer };
    const bus = await PrivateBus.start({
      dir: join(directory, 'bus'),
      log,
      path: process.env['PATH'],
      urlFile: join(directory, 'bus.url'),
      ...server,
    });
    const node = new TestNode({ bus, directory, isTemporary: options.directory === undefined, log });
    try {
      await bus.ready(Deadline.after(START_MS));
      await Promise.all([node.#exporting, node.#importing].map((connection) => connection.connected(Deadline.after(START_MS))));
      await node.kernel.start(Deadline.after(START_MS));
    } catch (error) {
      await node.stop();
      throw error;
    }
    return node;
  }

  get urlFile(): string {
    return join(this.directory, 'bus.url');
  }

  get serverPid(): number | undefined {
    return this.#bus.serverPid;
  }

  /** What the node's own command line finds in its run directory, this one: see `connectOperator`. */
  async writeOperatorFile(): Promise<void> {
    await this.#bus.add('operator', Deadline.after(START_MS));
    await this.#regrant();
    const { importing } = this.#bus.credentials('operator');
    const content = { urlFile: this.urlFile, credentials: importing };
    writeFileSync(join(this.directory, 'operator.json'), JSON.stringify(content), { mode: 0o600 });
  }

  /** Makes a plugin known, with what its manifest asks for, and writes what its process is told. */
  async install(
    manifest: Manifest,
    options: { readonly grant?: Grant; readonly config?: Readonly<Record<string, unknown>>; readonly isBearer?: boolean } = {},
  ): Promise<TestPlugin> {
    const { name } = manifest;
    const directory = join(this.directory, 'plugins', name);
    const entry: RunEntry = {
      name,
      module: undefined,
      credentials: join(directory, 'credentials'),
      stateDir: join(directory, 'state'),
      runDir: join(directory, 'run'),
    };
    for (const path of [entry.stateDir, entry.runDir]) mkdirSync(path, { recursive: true, mode: 0o700 });
    await this.#bus.add(name, Deadline.after(START_MS));
    const isBearer = options.isBearer ?? manifest.run?.bearer === true;
    writeFileSync(entry.credentials, encodeCredentials(this.#bus.credentials(name, { isBearer })), { mode: 0o600 });
    const runFile = join(directory, 'run.json');
    writeFileSync(runFile, JSON.stringify({ urlFile: this.urlFile, plugins: [entry] }), { mode: 0o600 });
    const plugin: TestPlugin = { manifest, grant: options.grant ?? askedGrant(manifest), entry, runFile };
    this.#plugins.set(name, plugin);
    this.kernel.configure(name, options.config ?? {});
    await this.#regrant();
    return plugin;
  }

  /** Writes what a process of several plugins is told. `modules`: the module of each. */
  writeRunFile(plugins: readonly { readonly plugin: TestPlugin; readonly module: string }[]): string {
    const path = join(this.directory, `run-${plugins.map(({ plugin }) => plugin.manifest.name).join('-')}.json`);
    const entries = plugins.map(({ plugin, module }) => ({ ...plugin.entry, module }));
    writeFileSync(path, JSON.stringify({ urlFile: this.urlFile, plugins: entries }), { mode: 0o600 });
    return path;
  }

  /** Calls an operation as the kernel, which may call every plugin. */
  call<Response = unknown>(
    address: string,
    contract: string,
    operation: string,
    request: unknown,
    options: TestCallOptions = {},
  ): Promise<Response> {
    return this.#caller.call<Response>(contract, address, operation, request, {
      deadline: Deadline.after(CALL_MS),
      ...options,
      plugin: address,
    });
  }

  /** Calls the provider of a kind, or with `kind/name` a driver, by `provider@1`. */
  provider<O extends keyof Contracts['provider'] & string>(
    target: string,
    operation: O,
    request: Contracts['provider'][O]['input'],
    options: TestCallOptions = {},
  ): Promise<Contracts['provider'][O]['response']> {
    return this.call(addressOf(target), 'provider', operation, request, options);
  }

  /** Sends bytes that need not be a request of any contract. */
  async raw(address: string, operation: string, body: Uint8Array, headers: ReadonlyMap<string, string> = new Map()): Promise<Buffer> {
    const answer = await this.#raw.call(address, operation, body, { deadline: Deadline.after(CALL_MS), headers });
    return answer.body;
  }

  /** Ends the server at once; another one is started in its place. */
  killServer(): void {
    const pid = this.#bus.serverPid;
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  }

  async stop(): Promise<void> {
    await this.kernel.stop();
    for (const connection of [this.#exporting, this.#importing]) await connection.close(Deadline.after(0));
    await this.#bus.stop();
    if (this.#isTemporary) rmSync(this.directory, { recursive: true, force: true });
  }

  async #regrant(): Promise<void> {
    const plugins = [...this.#plugins.values()];
    const everything = plugins.flatMap(({ manifest }) => addressesOf(manifest).map((address) => ({ provider: manifest.name, address })));
    const rest = { events: ['*'], eventsNode: this.kernel.node, durable: false };
    await this.#bus.grant('kernel', { ...rest, calls: everything, events: [] }, Deadline.after(START_MS));
    if (this.#bus.participants.includes('operator')) {
      await this.#bus.grant('operator', this.#grantOf(operatorGrant(), plugins), Deadline.after(START_MS));
    }
    for (const { manifest, grant } of plugins) {
      await this.#bus.grant(manifest.name, this.#grantOf(grant, plugins), Deadline.after(START_MS));
    }
  }

  #grantOf(grant: Grant, plugins: readonly TestPlugin[]): BusGrant {
    const calls: BusGrant['calls'][number][] = KERNEL_ADDRESSES.map((address) => ({ provider: 'kernel', address }));
    for (const { manifest } of plugins) {
      for (const address of addressesOf(manifest)) {
        const isJudge = address.startsWith('interceptor.');
        if (isJudge || grant.uses.some((use) => isUse(use, address))) calls.push({ provider: manifest.name, address });
      }
    }
    const events = [...new Set([...grant.consumes, 'plugin.*', 'node.*'])];
    return { calls, events: events.includes('*') ? ['*'] : events, eventsNode: this.kernel.node, durable: grant.durable };
  }
}

/** Starts a private NATS server and a kernel of just what plugins need. The caller stops it. */
export function startBus(options: TestNodeOptions = {}): Promise<TestNode> {
  return TestNode.start(options);
}

function isUse(use: string, address: string): boolean {
  if (use === '*') return !address.startsWith('provider.');
  if (use.startsWith('driver:')) return address.startsWith(`provider.${use.slice('driver:'.length)}-driver.`);
  return use.split('.')[0] === address;
}

function addressOf(target: string): string {
  const [kind = '', name] = target.split('/');
  if (kind === '') throw new CleatError('invalid_argument', 'TARGET_INVALID', 'a provider is named by its kind, a driver by kind/name');
  return name === undefined ? providerAddress(kind) : driverAddress(kind, name);
}
