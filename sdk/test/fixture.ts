import type { Manifest } from '@cleat/schemas';
import { type CleatError, isCleatError } from '@cleat/schemas';
import type { Test } from 'tap';
import { type CallContext, definePlugin, type PluginContext, type PluginDefinition, type PluginHandlers, sleep } from '../src/index.ts';
import { runPlugins } from '../src/run/index.ts';
import { startBus, type TestNode, type TestPlugin } from '../src/testing/index.ts';

export async function openNode(t: Test): Promise<TestNode> {
  const node = await startBus();
  t.teardown(() => node.stop());
  return node;
}

/** A plugin that runs in the process of the test. */
export interface RunningPlugin {
  readonly plugin: TestPlugin;
  /** What its last set-up was given. */
  context(): PluginContext;
  stop(): Promise<void>;
}

export interface InProcess {
  readonly manifest: Manifest;
  readonly setup: (context: PluginContext) => PluginHandlers | Promise<PluginHandlers>;
}

/** Installs a plugin and runs it here; it is stopped with the test. */
export async function runHere(
  t: Test,
  node: TestNode,
  { manifest, setup }: InProcess,
  options: { readonly config?: Readonly<Record<string, unknown>> } = {},
): Promise<RunningPlugin> {
  const plugin = await node.install(manifest, options);
  let context: PluginContext | undefined;
  const definition = definePlugin({
    manifest,
    setup: (given) => {
      context = given;
      return setup(given);
    },
  });
  const stop = start(t, node, [{ plugin, definition }]);
  await node.kernel.ready(manifest.name);
  return {
    plugin,
    context: () => {
      if (context === undefined) throw new Error('the plugin was not set up');
      return context;
    },
    stop,
  };
}

/** Runs plugins together; the result stops them. */
export function start(
  t: Test,
  node: TestNode,
  plugins: readonly { readonly plugin: TestPlugin; readonly definition: PluginDefinition }[],
): () => Promise<void> {
  const controller = new AbortController();
  const definitions = new Map(plugins.map(({ plugin, definition }) => [plugin.manifest.name, definition]));
  const ended = runPlugins({ urlFile: node.urlFile, plugins: plugins.map(({ plugin }) => plugin.entry) }, definitions, {
    signal: controller.signal,
    log: node.log,
  });
  // Whoever stops it hears of a failure.
  ended.catch(() => undefined);
  const stop = async (): Promise<void> => {
    controller.abort();
    await ended;
  };
  t.teardown(() => stop().catch(() => undefined));
  return stop;
}

export async function failure(promise: Promise<unknown>): Promise<CleatError> {
  try {
    await promise;
  } catch (error) {
    if (isCleatError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

export async function until(what: string, isTrue: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(10);
  }
}

/** Settles when the test lets it. */
export class Latch {
  readonly opened: Promise<void>;
  open: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}

/** Rejects with the signal's reason when it aborts. */
export function aborted(call: CallContext): Promise<never> {
  return new Promise((_resolve, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason), { once: true }));
}
