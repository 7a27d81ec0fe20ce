import { randomBytes } from 'node:crypto';
import {
  BusCallee,
  type BusConnection,
  type ContractCall,
  ContractCallee,
  type ContractCaller,
  type ContractHandler,
  Deadline,
  ErrorCodec,
  type Logger,
  reconcilePages,
  settledBy,
} from '@cleat/core';
import { monotonicMs } from '@cleat/core/deadlines';
import type { Hello, provider, SchemaBook, sys, Welcome } from '@cleat/schemas';
import { CleatError, highestCommon, providerAddress } from '@cleat/schemas';
import { SDK_VERSION } from '../version.ts';
import { TestEvents } from './test-events.ts';
import { addressesOf, type TestPlugin } from './test-plugin.ts';

const RECONCILE_MS = 30_000;

export interface TestKernelOptions {
  readonly connection: BusConnection;
  readonly caller: ContractCaller;
  readonly book: SchemaBook;
  readonly log: Logger;
  readonly directory: string;
  readonly plugins: () => readonly TestPlugin[];
  readonly nameOf: (key: string) => string | undefined;
  readonly keyOf: (name: string) => string;
}

/** What a kind's provider is told when it comes. */
export interface TestHoldings {
  readonly held: readonly provider.HeldInput[];
  readonly owed: readonly provider.OwedInput[];
}

interface Known {
  readonly hello: Hello;
  state: 'starting' | 'ready';
}

/** The kernel's side of hello, ready, beats, registry and events, in memory: it forgets everything when told that it was restarted. */
export class TestKernel {
  readonly node: string = randomBytes(8).toString('hex');
  readonly bootId: string = '6f3f1a1c-0000-4000-8000-000000000001';
  heartbeatMs = 500;
  readonly events: TestEvents;
  /** By kind: what its provider shall hold and is owed. */
  readonly holdings: Map<string, TestHoldings> = new Map();
  /** The answers of the last reconcile of each kind. */
  readonly reconciled: Map<string, provider.ReconcileResponse> = new Map();
  /** Events of the plugins' own objects, as they came. */
  readonly published: sys.EventRequest[] = [];
  readonly #options: TestKernelOptions;
  readonly #states = new Map<string, string>();
  readonly #known = new Map<string, Known>();
  readonly #configs = new Map<string, Readonly<Record<string, unknown>>>();
  readonly #durable = new Map<string, number>();
  readonly #callee: ContractCallee;
  readonly #hello: BusCallee;
  #isAway = false;

  constructor(options: TestKernelOptions) {
    const { connection, book, log } = options;
    this.#options = options;
    this.events = new TestEvents({ connection, book, node: this.node });
    this.#callee = new ContractCallee(connection, {
      ...{ log, book, plugin: 'kernel' },
      whoIs: (key) => ({ name: options.nameOf(key) ?? '', speaksFor: false }),
    });
    const errors = new ErrorCodec(book);
    this.#hello = new BusCallee(connection, { log, encodeError: (error) => errors.encode(error, 'kernel') });
  }

  async start(deadline: Deadline): Promise<void> {
    await this.events.open(deadline);
    this.#hello.serve('hello', async ({ body, callerKey }) => ({ body: Buffer.from(JSON.stringify(this.#welcome(body, callerKey))) }));
    this.#callee.serve('sys', 'sys', {
      ready: (request: sys.ReadyRequest, call: ContractCall) => this.#ready(request, call),
      beat: async (request: sys.BeatRequest, call: ContractCall) => ({ known: this.#beat(request, call) }),
      event: async (request: sys.EventRequest, call: ContractCall) => this.#event(request, call),
      registry: async () => ({ position: 0, participants: this.#participants() }),
      schema: async (request: sys.SchemaRequest) => this.#schema(request),
    } satisfies Readonly<Record<string, ContractHandler>>);
    this.#callee.serve('event', 'event', this.events.operations);
    await this.#callee.ready(deadline);
  }

  configure(plugin: string, config: Readonly<Record<string, unknown>>): void {
    this.#configs.set(plugin, config);
  }

  /** As after a restart: no instance is known any more, and every plugin has to say hello again. */
  forget(): void {
    this.#known.clear();
  }

  /** What the registry says of a plugin, as when it was disabled or failed to start; undefined: as it is. */
  setState(plugin: string, state: string | undefined): void {
    if (state === undefined) this.#states.delete(plugin);
    else this.#states.set(plugin, state);
  }

  /** While away it answers nothing that plugins wait for. */
  setAway(isAway: boolean): void {
    this.#isAway = isAway;
  }

  /** The hello of a plugin that is set up and reconciled. */
  hello(plugin: string): Hello | undefined {
    const known = this.#known.get(plugin);
    return known?.state === 'ready' ? known.hello : undefined;
  }

  /** Waits until a plugin is ready; with `after`, until another instance than that one is. */
  async ready(plugin: string, options: { readonly after?: string; readonly timeoutMs?: number } = {}): Promise<Hello> {
    const untilMs = monotonicMs() + (options.timeoutMs ?? 15_000);
    for (;;) {
      const hello = this.hello(plugin);
      if (hello !== undefined && hello.instance !== options.after) return hello;
      if (monotonicMs() > untilMs) throw new CleatError('deadline_exceeded', 'PLUGIN_NOT_READY', `plugin ${plugin} was not ready in time`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Takes a plugin for lost, as the death of its connection does. */
  async lose(plugin: string): Promise<void> {
    this.#known.delete(plugin);
    await this.#tell('lost', plugin);
  }

  async stop(): Promise<void> {
    await this.#callee.drain(Deadline.after(0));
    await this.#hello.drain(Deadline.after(0));
  }

  /** Tells the provider of a kind what it holds and is owed, as `holdings` says. */
  async reconcile(kind: string): Promise<provider.ReconcileResponse> {
    const { held, owed } = this.holdings.get(kind) ?? { held: [], owed: [] };
    const deadline = Deadline.after(RECONCILE_MS);
    let last: provider.ReconcileResponse = { lacks: [], failures: [] };
    for (const page of reconcilePages({ bootId: this.bootId, position: 1, held, owed })) {
      last = await this.#options.caller.call('provider', providerAddress(kind), 'reconcile', page, { deadline });
    }
    this.holdings.set(kind, { held, owed: owed.filter((item) => !settledBy(owed, last).includes(item)) });
    this.reconciled.set(kind, last);
    return last;
  }

  #welcome(body: Buffer, callerKey: string): Welcome {
    this.#throwIfAway();
    const hello = parseHello(body);
    const plugin = this.#pluginOf(callerKey);
    if (plugin.manifest.name !== hello.name)
      throw new CleatError('permission_denied', 'HELLO_NAME', `a hello as ${hello.name} came from ${plugin.manifest.name}`);
    const picked = this.#pick(hello);
    this.#known.set(hello.name, { hello, state: 'starting' });
    return {
      ...{ welcome: 1, node: this.node, nodeName: 'test', kernel: SDK_VERSION, bootId: this.bootId, instanceId: '0badcafe' },
      ...{ heartbeatMs: this.heartbeatMs, picked, grant: plugin.grant, config: this.#configs.get(hello.name) ?? {} },
      ...{ stateDir: plugin.entry.stateDir, runDir: plugin.entry.runDir },
      eventNumber: this.#durable.get(`${hello.name} ${hello.store}`) ?? 0,
      ...{ owned: [], streamBase: 0 },
    };
  }

  #pick(hello: Hello): Readonly<Record<string, string>> {
    const picked: Record<string, string> = {};
    for (const [contract, theirs] of Object.entries(hello.contracts)) {
      const ours = this.#options.book.versionsOf(contract);
      const version = highestCommon(ours, theirs);
      if (version !== undefined) picked[contract] = version;
      else if (ours.length > 0)
        throw new CleatError(
          'conflict',
          'INCOMPATIBLE',
          `plugin ${hello.name} speaks ${contract} ${theirs.join(', ')}, this node ${ours.join(', ')}`,
        );
    }
    return picked;
  }

  async #ready({ instance }: sys.ReadyRequest, call: ContractCall): Promise<object> {
    this.#throwIfAway();
    const { manifest } = this.#pluginOf(call.callerKey);
    const known = this.#known.get(manifest.name);
    if (known?.hello.instance !== instance) throw new CleatError('conflict', 'HELLO_FIRST', 'say hello first', { retryable: true });
    for (const { kind } of manifest.provides ?? []) await this.reconcile(kind);
    known.state = 'ready';
    await this.#tell('ready', manifest.name);
    return {};
  }

  #beat({ instance }: sys.BeatRequest, call: ContractCall): boolean {
    this.#throwIfAway();
    return this.#known.get(this.#pluginOf(call.callerKey).manifest.name)?.hello.instance === instance;
  }

  #event(request: sys.EventRequest, call: ContractCall): sys.EventResponseInput {
    this.#throwIfAway();
    const { manifest } = this.#pluginOf(call.callerKey);
    const key = `${manifest.name} ${request.store}`;
    const known = this.#durable.get(key) ?? 0;
    if (request.number > known + 1)
      throw new CleatError('conflict', 'EVENT_NUMBER', `event ${request.number} came before ${known + 1}`, { retryable: true });
    if (request.number === known + 1) {
      this.published.push(request);
      this.#durable.set(key, request.number);
    }
    return { durable: this.#durable.get(key) ?? known };
  }

  #participants(): readonly sys.ParticipantInput[] {
    const kernel = { name: 'kernel', version: SDK_VERSION, state: 'ready', key: this.#options.keyOf('kernel'), speaksFor: true };
    const plugins = this.#options
      .plugins()
      .map(({ manifest, grant }) => ({
        name: manifest.name,
        version: manifest.version,
        state: this.#states.get(manifest.name) ?? this.#known.get(manifest.name)?.state ?? 'starting',
        contracts: manifest.contracts,
        addresses: addressesOf(manifest),
        intercepts: grant.intercepts,
        key: this.#options.keyOf(manifest.name),
        speaksFor: grant.speakFor,
      }));
    return [kernel, ...plugins];
  }

  #schema({ fingerprint }: sys.SchemaRequest): sys.SchemaResponseInput {
    const { book } = this.#options;
    if (!book.knows(fingerprint)) throw new CleatError('not_found', 'SCHEMA_UNKNOWN', `no schema has the fingerprint ${fingerprint}`);
    const { contract, version, schema } = book.schemaOf(fingerprint);
    return { contract, version, schema: JSON.stringify(schema) };
  }

  #tell(past: string, plugin: string): Promise<number> {
    return this.events.publish({ type: `plugin.${past}`, subject: plugin, record: 'Plugin', data: { name: plugin } });
  }

  #pluginOf(callerKey: string): TestPlugin {
    const name = this.#options.nameOf(callerKey);
    const found = this.#options.plugins().find(({ manifest }) => manifest.name === name);
    if (found === undefined) throw new CleatError('permission_denied', 'HELLO_NAME', `${name ?? 'nobody'} is no plugin of this node`);
    return found;
  }

  #throwIfAway(): void {
    if (this.#isAway) throw new CleatError('unavailable', 'KERNEL_AWAY', 'the kernel is away', { retryable: true });
  }
}

function parseHello(body: Buffer): Hello {
  const value: unknown = JSON.parse(body.toString());
  if (typeof value === 'object' && value !== null && 'hello' in value && value.hello === 1 && 'name' in value && 'contracts' in value)
    return value as Hello;
  throw new CleatError('invalid_argument', 'HELLO_INVALID', 'this is no hello');
}
