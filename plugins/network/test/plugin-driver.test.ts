import type { Manifest } from '@cleat/schemas';
import { CleatError, definePlugin, type PluginDefinition } from '@cleat/sdk';
import { runPlugins } from '@cleat/sdk/run';
import { eventually, startBus, type TestNode, type TestPlugin } from '@cleat/sdk/testing';
import t, { type Test } from 'tap';
import { manifest, plugin } from '../src/index.ts';

const DRIVER: Manifest = {
  cleat: 1,
  name: 'lonely-plugin',
  version: '1.0.0',
  contracts: { provider: ['1.0'] },
  drives: [{ kind: 'network', name: 'lonely' }],
};

/** A driver that keeps in memory what it holds; the namespaces that it is handed are only names here. */
function driver(held: Set<string>): PluginDefinition {
  return definePlugin({
    manifest: DRIVER,
    setup: () => ({
      drivers: {
        'network/lonely': {
          reserve: async ({ reference, options }) => {
            if (options.includes('refuse')) throw new CleatError('invalid_argument', 'LONELY_OPTION', 'it does not do that');
            held.add(reference.object);
            return {};
          },
          release: async ({ reference }) => {
            held.delete(reference.object);
            return {};
          },
          attach: async ({ reference, networkNamespace }) => {
            held.add(`${reference.object}+${reference.container}`);
            return {
              status: JSON.stringify({ ipv4: '198.18.0.7/15', interface: networkNamespace }),
              contribution: { hosts: ['198.18.0.7 web'] },
            };
          },
          detach: async ({ reference }) => {
            held.delete(`${reference.object}+${reference.container}`);
            return {};
          },
          reconcile: async (all) => {
            const wanted = all.held.flatMap(({ reference: { object, container } }) =>
              container === '' ? [object] : [`${object}+${container}`],
            );
            for (const name of held) if (!wanted.includes(name)) held.delete(name);
            return {};
          },
        },
      },
    }),
  });
}

interface Running {
  readonly node: TestNode;
  readonly held: Set<string>;
  stop(): Promise<void>;
  start(): void;
}

async function running(t: Test): Promise<Running> {
  const node = await startBus();
  const held = new Set<string>();
  const installed = [await node.install(manifest), await node.install(DRIVER)];
  const definitions = new Map([
    ['network', plugin],
    ['lonely-plugin', driver(held)],
  ]);
  const begin = (plugins: readonly TestPlugin[]): (() => Promise<void>) => {
    const controller = new AbortController();
    const ended = runPlugins({ urlFile: node.urlFile, plugins: plugins.map(({ entry }) => entry) }, definitions, {
      signal: controller.signal,
      log: node.log,
    });
    return async () => {
      controller.abort();
      await ended;
    };
  };
  let stop = begin(installed);
  t.teardown(async () => {
    await stop();
    await node.stop();
  });
  for (const {
    manifest: { name },
  } of installed)
    await node.kernel.ready(name);
  // The network plugin hears of its drivers by events.
  await eventually('the driver is known', async () => {
    const request = { name: 'first', driver: 'lonely' };
    return node.call('network', 'network', 'create', request).then(
      () => true,
      () => false,
    );
  });
  await node.call('network', 'network', 'remove', { network: 'first' });
  return {
    ...{ node, held },
    stop: () => stop(),
    start: () => {
      stop = begin(installed);
    },
  };
}

t.test('a network of another plugin’s driver is made, joined, left and removed', async (t) => {
  const { node, held, stop, start } = await running(t);
  const network = <R>(operation: string, request: object): Promise<R> => node.call<R>('network', 'network', operation, request);
  const { id } = await network<{ id: string }>('create', { name: 'far', driver: 'lonely' });
  t.match(await network('inspect', { network: 'far' }), { driver: 'lonely' });
  const { bootId } = node.kernel;
  const reference = (number: number) => ({ object: 'c1/far', container: 'c1', claim: 'far', bootId, number });
  const container = { id: 'c1', name: 'web', hostname: 'web' };
  const options = JSON.stringify({ network: 'far' });
  await node.provider('network', 'reserve', { reference: reference(1), options, container });
  const attached = await node.provider('network', 'attach', { reference: reference(2), options, container, networkNamespace: '/ns' });
  t.match(JSON.parse(attached.status), { driver: 'lonely', ipv4: '198.18.0.7', ipv4PrefixLength: 15, interface: '/ns' });
  t.same(attached.contribution.hosts, ['198.18.0.7 web']);
  t.same([...held], [id, `${id}+c1`]);

  const told = { reference: reference(2), options, status: attached.status, attached: true, container, networkNamespace: '/ns' };
  node.kernel.holdings.set('network', { held: [told], owed: [] });
  await stop();
  node.kernel.forget();
  start();
  await node.kernel.ready('network');
  t.same([...held], [id, `${id}+c1`], 'a restart of both changes nothing');

  await node.provider('network', 'detach', { reference: reference(3) });
  t.same([...held], [id]);
  await node.provider('network', 'release', { reference: reference(4), purge: true });
  await network('remove', { network: id });
  t.same([...held], []);
});

t.test('what such a driver refuses, and what it cannot be asked for, is told and leaves nothing', async (t) => {
  const { node, held } = await running(t);
  const create = (request: object): Promise<unknown> => node.call('network', 'network', 'create', request);
  await t.rejects(create({ name: 'far', driver: 'lonely', options: { refuse: '1' } }), { code: 'LONELY_OPTION' });
  t.same([...held], []);
  await create({ name: 'far', driver: 'lonely' });
  const reference = { object: 'c1/far', container: 'c1', claim: 'far', bootId: node.kernel.bootId, number: 1 };
  const options = JSON.stringify({ network: 'far', publish: [{ containerPort: 80 }] });
  await t.rejects(node.provider('network', 'reserve', { reference, options, container: { id: 'c1', name: 'web' } }), {
    code: 'NETWORK_OPTIONS_INVALID',
    message: /the driver lonely of the network far takes no addresses/,
  });
});
