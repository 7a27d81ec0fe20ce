import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { monotonicMs, sleep } from '@cleat/core/deadlines';
import { type CleatError, type Grant, isCleatError, type Manifest } from '@cleat/schemas';
import { startBus, type TestNode } from './test-node.ts';
import type { TestPlugin } from './test-plugin.ts';

/** What a suite needs of a test runner: tap's `t`, or `{ test }` of node:test. */
export interface SuiteTest {
  test(name: string, body: () => Promise<void>): unknown;
}

/** How the plugin under test is started. */
export interface SuiteOptions {
  readonly manifest: Manifest;
  /** Program and arguments; it finds its run file by CLEAT_RUN_FILE, as with a kernel. */
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly grant?: Grant;
}

const READY_MS = 20_000;
const OUTPUT_MOST = 65_536;

/** A plugin in a process of its own, on a node of its own. */
export class PluginUnderTest {
  readonly node: TestNode;
  readonly plugin: TestPlugin;
  readonly #options: SuiteOptions;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(node: TestNode, plugin: TestPlugin, options: SuiteOptions) {
    this.node = node;
    this.plugin = plugin;
    this.#options = options;
  }

  /** Starts a node and the plugin on it; resolves when it is ready. */
  static async open(options: SuiteOptions): Promise<PluginUnderTest> {
    const node = await startBus();
    const { manifest, config = {}, grant } = options;
    try {
      const plugin = await node.install(manifest, { config, ...(grant === undefined ? {} : { grant }) });
      const under = new PluginUnderTest(node, plugin, options);
      try {
        await under.start();
        return under;
      } catch (error) {
        await under.kill('SIGKILL');
        throw under.told(error);
      }
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  /** Starts a node and the plugin on it, gives both to `body`, and ends both whatever comes of it. */
  static async with(options: SuiteOptions, body: (plugin: PluginUnderTest) => Promise<void>): Promise<void> {
    const under = await PluginUnderTest.open(options);
    try {
      await body(under);
    } catch (error) {
      throw under.told(error);
    } finally {
      await under.close();
    }
  }

  /** The error, with what the plugin wrote. */
  told(error: unknown): unknown {
    if (error instanceof Error) error.message = `${error.message}\nThe plugin said:\n${this.output}`;
    return error;
  }

  /** Ends both at once. */
  async close(): Promise<void> {
    await this.kill('SIGKILL');
    await this.node.stop();
  }

  get name(): string {
    return this.#options.manifest.name;
  }

  get output(): string {
    return this.#output;
  }

  /** Starts its process; resolves when it is ready. */
  async start(): Promise<void> {
    const before = this.node.kernel.hello(this.name)?.instance;
    this.launch();
    await this.ready(before);
  }

  /** Starts its process and waits for nothing. */
  launch(): void {
    const [program = '', ...args] = this.#options.command;
    const env = { ...process.env, ...this.#options.env, CLEAT_RUN_FILE: this.plugin.runFile };
    // What a test runner puts there to load itself into every process of Node would be part of what is tested.
    const clean = Object.fromEntries(
      Object.entries(env).filter(([key]) => key !== 'NODE_OPTIONS' && !key.startsWith('TAP') && !key.startsWith('_TAPJS')),
    );
    const child = spawn(program, args, { cwd: this.#options.cwd, env: clean, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = `${this.#output}${text}`.slice(-OUTPUT_MOST);
      });
    }
    child.on('error', (error) => {
      this.#output += String(error);
    });
    this.#child = child;
  }

  async ready(after?: string): Promise<void> {
    const untilMs = monotonicMs() + READY_MS;
    for (;;) {
      const hello = this.node.kernel.hello(this.name);
      if (hello !== undefined && hello.instance !== after) return;
      const { exitCode } = this.#child ?? { exitCode: null };
      if (exitCode !== null) throw new Error(`the plugin ended with ${exitCode} before it was ready`);
      if (monotonicMs() > untilMs) throw new Error(`the plugin was not ready within ${READY_MS / 1000} s`);
      await sleep(10);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** Ends its process and resolves with its exit code; undefined when a signal ended it. */
  async kill(name: NodeJS.Signals): Promise<number | undefined> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? undefined;
    const ended = new Promise<number | undefined>((resolve) => child.once('exit', (code) => resolve(code ?? undefined)));
    child.kill(name);
    return ended;
  }

  /** SIGKILL, and the same plugin again. */
  async restart(): Promise<void> {
    await this.kill('SIGKILL');
    await this.node.kernel.lose(this.name);
    await this.start();
  }
}

/** The error that a call fails with. */
export async function refusal(promise: Promise<unknown>): Promise<CleatError> {
  try {
    await promise;
  } catch (error) {
    if (isCleatError(error)) return error;
    throw error;
  }
  return assert.fail('the call was answered, and should have been refused');
}

/** Polls until something holds. */
export async function eventually(what: string, isTrue: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const untilMs = monotonicMs() + ms;
  while (!(await isTrue())) {
    if (monotonicMs() > untilMs) assert.fail(`waited in vain: ${what}`);
    await sleep(20);
  }
}

/** The tests of one suite: they share a plugin and its node, one after another; after a failure the next begins with new ones. */
export class Suite {
  readonly #t: SuiteTest;
  readonly #options: SuiteOptions;
  #shared: PluginUnderTest | undefined;

  constructor(t: SuiteTest, options: SuiteOptions) {
    this.#t = t;
    this.#options = options;
  }

  test(name: string, body: (plugin: PluginUnderTest) => Promise<void>): void {
    this.#t.test(name, async () => {
      const plugin = this.#shared ?? (await PluginUnderTest.open(this.#options));
      this.#shared = plugin;
      try {
        await body(plugin);
      } catch (error) {
        this.#shared = undefined;
        await plugin.close();
        throw plugin.told(error);
      }
    });
  }

  /** The last test: it ends as it should, and with it what the tests shared. */
  end(): void {
    this.test('it ends with 0 when it is told to', async (plugin) => {
      const code = await plugin.kill('SIGTERM');
      assert.equal(code, 0);
      this.#shared = undefined;
      await plugin.close();
    });
  }
}

/** What every plugin has to do, whatever its roles. */
export function lifeRules(suite: Suite, options: SuiteOptions): void {
  suite.test('it says hello as its manifest says, and is ready', async ({ node, name }) => {
    const hello = node.kernel.hello(name);
    assert.equal(hello?.version, options.manifest.version);
    assert.deepEqual(hello?.contracts, options.manifest.contracts);
  });
  suite.test('it says hello again to a kernel that was restarted', async (plugin) => {
    const instance = plugin.node.kernel.hello(plugin.name)?.instance;
    plugin.node.kernel.forget();
    await plugin.ready();
    assert.equal(plugin.node.kernel.hello(plugin.name)?.instance, instance, 'it is still the same start of the process');
  });
  suite.test('it finds the bus again after that was killed', async (plugin) => {
    plugin.node.killServer();
    plugin.node.kernel.forget();
    await plugin.ready();
  });
  suite.test('it is ready again after it was killed', (plugin) => plugin.restart());
}

/** The life of a plugin that answers nothing and reads no events. */
export function lifeSuite(t: SuiteTest, options: SuiteOptions): void {
  const suite = new Suite(t, options);
  lifeRules(suite, options);
  suite.end();
}
