import type { Manifest } from '@cleat/schemas';
import t from 'tap';
import { definePlugin } from '../src/index.ts';
import { failure, openNode, runHere, start, until } from './fixture.ts';

const VOLUME: Manifest = {
  cleat: 1,
  name: 'volumes',
  version: '1.0.0',
  contracts: { provider: ['1.0'], volume: ['1.0'] },
  provides: [{ kind: 'volume', reserve: true, attach: true }],
  services: ['volume'],
};

const handlers = { providers: { volume: { reserve: async () => ({ status: '{"a":1}' }), reconcile: async () => ({}) } } };

t.test('a plugin says hello, is set up, reconciled and ready, and answers', async (t) => {
  const node = await openNode(t);
  const steps: string[] = [];
  const running = await runHere(
    t,
    node,
    {
      manifest: { ...VOLUME, services: [] },
      setup: (context) => {
        steps.push(`setup ${context.nodeName} ${context.config['size']}`);
        return {
          providers: {
            volume: {
              reserve: async () => ({ status: '{"a":1}' }),
              reconcile: async () => {
                steps.push('reconcile');
                return {};
              },
            },
          },
          ready: () => {
            steps.push('ready');
          },
          close: () => {
            steps.push('close');
          },
        };
      },
    },
    { config: { size: 3 } },
  );
  await until('ready is told', () => steps.includes('ready'));
  t.same(steps, ['setup test 3', 'reconcile', 'ready']);
  const reference = { object: 'c1/data', container: 'c1', claim: 'data', bootId: node.kernel.bootId, number: 1 };
  const answer = await node.provider('volume', 'reserve', { reference, options: '{}' });
  t.equal(answer.status, '{"a":1}');
  await running.stop();
  t.same(steps.at(-1), 'close');
});

t.test('a call that comes before set-up waits for it', async (t) => {
  const node = await openNode(t);
  const plugin = await node.install({ ...VOLUME, services: [] });
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isSetUp = false;
  start(t, node, [
    {
      plugin,
      definition: definePlugin({
        manifest: plugin.manifest,
        setup: async () => {
          isSetUp = true;
          await gate;
          return handlers;
        },
      }),
    },
  ]);
  await until('set-up begins', () => isSetUp);
  const reference = { object: 'c1/data', container: 'c1', claim: 'data', bootId: node.kernel.bootId, number: 1 };
  const asked = node.provider('volume', 'reserve', { reference, options: '{}' });
  const state = await Promise.race([asked.then(() => 'answered'), new Promise((resolve) => setTimeout(() => resolve('waits'), 100))]);
  t.equal(state, 'waits');
  letGo();
  t.equal((await asked).status, '{"a":1}');
});

t.test('a restarted kernel gets another hello, and its reconcile, without another set-up', async (t) => {
  const node = await openNode(t);
  let setups = 0;
  let reconciles = 0;
  await runHere(t, node, {
    manifest: { ...VOLUME, services: [] },
    setup: () => {
      setups += 1;
      return {
        providers: {
          volume: {
            reconcile: async () => {
              reconciles += 1;
              return {};
            },
          },
        },
      };
    },
  });
  const before = node.kernel.hello('volumes');
  node.kernel.forget();
  const after = await node.kernel.ready('volumes');
  t.equal(after.instance, before?.instance);
  t.equal(setups, 1);
  t.equal(reconciles, 2);
});

t.test('a plugin that speaks no common version is told so; alone in its process it gives up', async (t) => {
  const node = await openNode(t);
  const plugin = await node.install({ ...VOLUME, contracts: { provider: ['9.0'] }, services: [] });
  const stop = start(t, node, [{ plugin, definition: definePlugin({ manifest: plugin.manifest, setup: () => handlers }) }]);
  await until(
    'three refusals',
    () => node.log.lines.filter(({ message }) => message === 'the kernel does not take this plugin').length >= 3,
  );
  const error = await failure(stop());
  t.equal(error.code, 'INCOMPATIBLE');
  t.match(error.message, /speaks provider 9\.0/);
});

t.test('a plugin whose set-up fails does not take the others of its process down', async (t) => {
  const node = await openNode(t);
  const bad = await node.install({ ...VOLUME, name: 'bad', provides: [], services: [], intercepts: ['image.pull'] });
  const good = await node.install({ ...VOLUME, services: [] });
  start(t, node, [
    {
      plugin: bad,
      definition: definePlugin({
        manifest: bad.manifest,
        setup: () => {
          throw new Error('no disk');
        },
      }),
    },
    { plugin: good, definition: definePlugin({ manifest: good.manifest, setup: () => handlers }) },
  ]);
  await node.kernel.ready('volumes');
  await until('the failure is told', () =>
    node.log.lines.some(({ message, fields }) => message === 'the plugin cannot be set up' && fields['plugin'] === 'bad'),
  );
  t.equal(node.kernel.hello('bad'), undefined);
});

t.test('handlers that the manifest promises and set-up does not give are named', async (t) => {
  const node = await openNode(t);
  const plugin = await node.install(VOLUME);
  const stop = start(t, node, [{ plugin, definition: definePlugin({ manifest: VOLUME, setup: () => handlers }) }]);
  const told = (): number =>
    node.log.lines.filter(({ fields }) => /names service volume, but its set-up gave no handlers/.test(String(fields['reason']))).length;
  await until('it is told three times', () => told() >= 3);
  const error = await failure(stop());
  t.equal(error.code, 'PLUGIN_HANDLERS');
});

t.test('a bus that was killed is found again, and the plugin is ready again', async (t) => {
  const node = await openNode(t);
  await runHere(t, node, { manifest: { ...VOLUME, services: [] }, setup: () => handlers });
  node.killServer();
  node.kernel.forget();
  await node.kernel.ready('volumes');
  const reference = { object: 'c1/data', container: 'c1', claim: 'data', bootId: node.kernel.bootId, number: 1 };
  t.equal((await node.provider('volume', 'reserve', { reference, options: '{}' })).status, '{"a":1}');
});
