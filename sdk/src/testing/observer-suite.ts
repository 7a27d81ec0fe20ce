import { strict as assert } from 'node:assert';
import { eventually, lifeSuite, PluginUnderTest, type SuiteOptions, type SuiteTest } from './suite.ts';
import type { TestEventDraft } from './test-events.ts';

export interface ObserverSuiteOptions extends SuiteOptions {
  /** Makes the n-th event that the plugin consumes. */
  readonly event: (index: number) => TestEventDraft;
  /** How the plugin shows that it has seen events: the indexes of those that it has, in the order in which it saw them. */
  readonly seen: (plugin: PluginUnderTest) => Promise<readonly number[]>;
}

/** What a durable consumer of events has to do: every event once and in order, whoever was killed meanwhile, and no silence about a gap. */
export function observerSuite(t: SuiteTest, options: ObserverSuiteOptions): void {
  lifeSuite(t, options);

  const publish = async ({ node }: PluginUnderTest, from: number, to: number): Promise<void> => {
    for (let index = from; index <= to; index += 1) await node.kernel.events.publish(options.event(index));
  };
  const all = (plugin: PluginUnderTest, to: number): Promise<void> =>
    eventually(`all ${to} events`, async () => (await options.seen(plugin)).length >= to).catch(async (error: unknown) => {
      throw new Error(`${String(error)}; it has seen ${(await options.seen(plugin)).join(', ')}`);
    });
  const inOrder = async (plugin: PluginUnderTest, to: number): Promise<void> => {
    assert.deepEqual(
      await options.seen(plugin),
      Array.from({ length: to }, (_, index) => index + 1),
    );
  };

  t.test('it sees every event once and in order', () =>
    PluginUnderTest.with(options, async (plugin) => {
      await publish(plugin, 1, 20);
      await all(plugin, 20);
      await inOrder(plugin, 20);
    }),
  );
  t.test('it sees what came while it was away, and nothing twice', () =>
    PluginUnderTest.with(options, async (plugin) => {
      await publish(plugin, 1, 5);
      await all(plugin, 5);
      await plugin.kill('SIGKILL');
      await plugin.node.kernel.lose(plugin.name);
      await publish(plugin, 6, 12);
      await plugin.start();
      await all(plugin, 12);
      await inOrder(plugin, 12);
    }),
  );
  t.test('it goes on after the bus was killed', () =>
    PluginUnderTest.with(options, async (plugin) => {
      await publish(plugin, 1, 3);
      await all(plugin, 3);
      plugin.node.killServer();
      await publish(plugin, 4, 6);
      await all(plugin, 6);
      await inOrder(plugin, 6);
    }),
  );
  t.test('it goes on behind a gap', () =>
    PluginUnderTest.with(options, async (plugin) => {
      await plugin.kill('SIGKILL');
      await plugin.node.kernel.lose(plugin.name);
      await publish(plugin, 1, 9);
      await plugin.node.kernel.events.trim(plugin.node.kernel.events.newest - 2);
      await plugin.start();
      await eventually('what is left', async () => (await options.seen(plugin)).at(-1) === 9);
    }),
  );
}
