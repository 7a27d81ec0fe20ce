import { join } from 'node:path';
import t from 'tap';
import { connectOperator } from '../src/client/index.ts';
import { failure, openNode, runHere, until } from './fixture.ts';

const INFO = { name: 'data', driver: 'local', mountpoint: '/m', createdAt: 5n };

t.test('the operator calls plugins, by contracts known when it was written and by others', async (t) => {
  const node = await openNode(t);
  await runHere(t, node, {
    manifest: { cleat: 1, name: 'volumes', version: '1.0.0', contracts: { volume: ['1.0'] }, services: ['volume'] },
    setup: () => ({
      services: {
        volume: {
          create: async () => INFO,
          inspect: async () => INFO,
          list: async () => ({ volumes: [INFO] }),
          remove: async () => ({}),
          prune: async () => ({}),
        },
      },
    }),
  });
  await node.writeOperatorFile();
  const operator = await connectOperator(node.directory);
  t.teardown(() => operator.close());
  t.equal((await operator.call('volume', 'list', {})).volumes[0]?.name, 'data');
  t.match(await operator.callAny('volume', 'inspect', { name: 'data' }), { driver: 'local' });
  t.equal((await failure(operator.callAny('volume', 'explode', {}))).code, 'OPERATION_UNKNOWN');
  t.equal((await failure(operator.callAny('toaster', 'toast', {}))).code, 'PLUGIN_AWAY');
  t.ok((await operator.registry()).some(({ name, state }) => name === 'volumes' && state === 'ready'));
});

t.test('the operator reads events, from a position on', async (t) => {
  const node = await openNode(t);
  await node.writeOperatorFile();
  const operator = await connectOperator(node.directory);
  t.teardown(() => operator.close());
  const start = (subject: string): Promise<number> =>
    node.kernel.events.publish({ type: 'container.started', subject, record: 'Container', data: { name: subject } });
  await start('a');
  const controller = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const item of operator.subscribe({ types: ['container.*'], after: 0, signal: controller.signal })) {
      if (item.type === 'event') seen.push(item.event.subject);
    }
  })();
  await until('the first', () => seen.length === 1);
  await start('b');
  await until('the live one', () => seen.length === 2);
  controller.abort();
  await reading;
  t.same(seen, ['a', 'b']);
});

t.test('a node that does not run is told as that', async (t) => {
  const node = await openNode(t);
  const error = await failure(connectOperator(join(node.directory, 'nowhere')));
  t.match(error, { class: 'unavailable', code: 'NODE_NOT_RUNNING', hint: /cleat up/ });
});
