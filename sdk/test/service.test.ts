import type { Manifest } from '@cleat/schemas';
import t from 'tap';
import type { CallContext, PluginHandlers } from '../src/index.ts';
import { aborted, failure, openNode, runHere, until } from './fixture.ts';

const VOLUMES: Manifest = { cleat: 1, name: 'volumes', version: '1.0.0', contracts: { volume: ['1.0'] }, services: ['volume'] };
const USER: Manifest = {
  cleat: 1,
  name: 'user',
  version: '1.0.0',
  contracts: { volume: ['1.0'] },
  uses: ['volume.*'],
  events: { consumes: ['plugin.*'] },
};
const JUDGE: Manifest = { cleat: 1, name: 'judge', version: '1.0.0', contracts: { interceptor: ['1.0'] }, intercepts: ['volume.remove'] };

function volumes(calls: CallContext[], removed: string[]): PluginHandlers {
  const info = { name: 'data', driver: 'local', mountpoint: '/m', createdAt: 0n };
  return {
    services: {
      volume: {
        create: async (_request, call) => {
          calls.push(call);
          call.progress({ message: 'half done' });
          return info;
        },
        inspect: async () => info,
        list: async () => ({ volumes: [info] }),
        remove: async ({ name }) => {
          removed.push(name);
          return {};
        },
        prune: async () => ({}),
      },
    },
  } as PluginHandlers;
}

t.test('a plugin calls another one, which is told who calls and for whom', async (t) => {
  const node = await openNode(t);
  const calls: CallContext[] = [];
  await runHere(t, node, { manifest: VOLUMES, setup: () => volumes(calls, []) });
  const user = await runHere(t, node, { manifest: { ...USER, permissions: { speakFor: true } }, setup: () => ({}) });
  const progress: string[] = [];
  const answer = await user
    .context()
    .call('volume', 'create', { name: 'data' }, { principal: 'uid:1000', onProgress: ({ message }) => progress.push(message) });
  t.equal(answer.name, 'data');
  t.match(calls[0]?.actor, { principal: 'uid:1000', caller: 'user' });
  t.same(progress, ['half done']);
});

t.test('a plugin that may not speak for others is taken for itself', async (t) => {
  const node = await openNode(t);
  const calls: CallContext[] = [];
  await runHere(t, node, { manifest: VOLUMES, setup: () => volumes(calls, []) });
  const user = await runHere(t, node, { manifest: USER, setup: () => ({}) });
  await user.context().call('volume', 'create', { name: 'data' }, { principal: 'uid:0' });
  t.match(calls[0]?.actor, { principal: 'plugin:user' });
});

t.test('a call to a plugin that is not installed, or was disabled, fails at once and names it', async (t) => {
  const node = await openNode(t);
  const user = await runHere(t, node, { manifest: USER, setup: () => ({}) });
  const began = Date.now();
  t.match(await failure(user.context().call('volume', 'list', {})), { class: 'unavailable', code: 'PLUGIN_AWAY' });
  t.ok(Date.now() - began < 1_000);
  await node.install(VOLUMES);
  node.kernel.setState('volumes', 'disabled');
  t.match(await failure(user.context().call('volume', 'list', {})), {
    code: 'PLUGIN_AWAY',
    plugin: 'volumes',
    message: /which answers volume, is disabled/,
  });
});

t.test('a call to a plugin that is starting waits for it', async (t) => {
  const node = await openNode(t);
  const user = await runHere(t, node, { manifest: USER, setup: () => ({}) });
  await node.install(VOLUMES);
  const asked = user.context().call('volume', 'list', {});
  await runHere(t, node, { manifest: VOLUMES, setup: () => volumes([], []) });
  t.equal((await asked).volumes.length, 1);
});

t.test('an intercepted operation is judged before it is executed', async (t) => {
  const node = await openNode(t);
  const removed: string[] = [];
  const judged: unknown[] = [];
  await runHere(t, node, { manifest: VOLUMES, setup: () => volumes([], removed) });
  await runHere(t, node, {
    manifest: JUDGE,
    setup: () => ({
      interceptor: {
        judge: async ({ operation, actor }, decoded) => {
          judged.push([operation, actor.principal, decoded]);
          return { allow: removed.length === 0, reason: 'one a day' };
        },
      },
    }),
  });
  const user = await runHere(t, node, { manifest: USER, setup: () => ({}) });
  await user.context().call('volume', 'remove', { name: 'a' });
  const error = await failure(user.context().call('volume', 'remove', { name: 'b' }));
  t.match(error, { class: 'permission_denied', code: 'DENIED', plugin: 'judge', message: /one a day/ });
  t.same(removed, ['a']);
  t.match(judged[0], ['volume.remove', 'plugin:user', { name: 'a' }]);
  await user.context().call('volume', 'list', {});
  t.equal(judged.length, 2, 'what is not intercepted is not asked about');
});

t.test('an interceptor that is away denies at once, and one that is silent after two seconds', async (t) => {
  const node = await openNode(t);
  const removed: string[] = [];
  await runHere(t, node, { manifest: VOLUMES, setup: () => volumes([], removed) });
  await runHere(t, node, { manifest: JUDGE, setup: () => ({ interceptor: { judge: (_request, _decoded, call) => aborted(call) } }) });
  const user = await runHere(t, node, { manifest: USER, setup: () => ({}) });
  const silent = await failure(user.context().call('volume', 'remove', { name: 'a' }));
  t.match(silent, { class: 'permission_denied', code: 'INTERCEPTOR_AWAY', plugin: 'judge' });
  await node.kernel.lose('judge');
  node.kernel.setState('judge', 'failed');
  await until('the service knows', async () =>
    (await failure(user.context().call('volume', 'remove', { name: 'a' }))).message.includes('it is failed'),
  );
  t.same(removed, []);
});
