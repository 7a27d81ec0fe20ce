import type { Manifest } from '@cleat/schemas';
import t from 'tap';
import { type ConsumedItem, type EventItem, type PluginContext, toCloudEvent } from '../src/index.ts';
import type { TestNode } from '../src/testing/index.ts';
import { failure, openNode, runHere, until } from './fixture.ts';

const OBSERVER: Manifest = {
  cleat: 1,
  name: 'observer',
  version: '1.0.0',
  contracts: { event: ['1.0'] },
  events: { consumes: ['*'], durable: true, publishes: ['thing.made'] },
};

async function observer(
  t: Parameters<typeof openNode>[0],
): Promise<{ readonly node: TestNode; readonly context: () => PluginContext; stop: () => Promise<void> }> {
  const node = await openNode(t);
  const running = await runHere(t, node, { manifest: OBSERVER, setup: () => ({}) });
  return { node, context: running.context, stop: running.stop };
}

function told(items: readonly (EventItem | ConsumedItem)[]): readonly string[] {
  return items.map((item) => (item.type === 'gap' ? `gap ${item.missed}` : `${item.event.type} ${item.event.subject}`));
}

function collect<T>(source: AsyncIterable<T>, items: T[] = []): T[] {
  void (async () => {
    for await (const item of source) items.push(item);
  })();
  return items;
}

async function start(node: TestNode, ...subjects: string[]): Promise<void> {
  for (const subject of subjects)
    await node.kernel.events.publish({ type: 'container.started', subject, record: 'Container', data: { name: subject } });
}

t.test('a subscription gives what comes after a position, in order and once, over a restart of the bus', async (t) => {
  const { node, context } = await observer(t);
  await start(node, 'a', 'b');
  const controller = new AbortController();
  const items = collect(context().subscribe({ types: ['container.*'], after: 0, signal: controller.signal }));
  await until('the first two', () => items.length === 2);
  await start(node, 'c');
  await until('the live one', () => items.length === 3);
  node.killServer();
  await start(node, 'd', 'e');
  await until('those of after the restart', () => items.length >= 5);
  t.same(
    told(items),
    ['a', 'b', 'c', 'd', 'e'].map((name) => `container.started ${name}`),
  );
  const first = items[0];
  t.match(first, { type: 'event', event: { data: { name: 'a' }, sequence: Number } });
  controller.abort();
});

t.test('a subscription without a position begins now, and names what is gone', async (t) => {
  const { node, context } = await observer(t);
  await start(node, 'a', 'b', 'c');
  const now = collect(context().subscribe({ types: ['container.started'] }));
  await node.kernel.events.trim(4);
  const after = collect(context().subscribe({ types: ['container.*'], after: 1 }));
  await until('the gap', () => after.length === 1);
  await start(node, 'd');
  await until('the live one', () => now.length === 1 && after.length === 2);
  t.same(told(now), ['container.started d']);
  t.same(told(after), ['gap 3', 'container.started d']);
});

t.test('a durable consumer gets what it missed while it was away, and nothing twice', async (t) => {
  const { node, context } = await observer(t);
  await start(node, 'a', 'b', 'c');
  let position = 0;
  const controller = new AbortController();
  const first: string[] = [];
  for await (const item of context().consume({ type: 'container.*', after: position, signal: controller.signal })) {
    if (item.type === 'gap') continue;
    first.push(item.event.subject);
    position = item.event.sequence;
    item.acknowledge();
    if (first.length === 2) break;
  }
  await start(node, 'd');
  const rest = collect(context().consume({ type: 'container.*', after: position }));
  await until('the rest', () => rest.length === 2);
  await start(node, 'e');
  await until('the live one', () => rest.length === 3);
  t.same(first, ['a', 'b']);
  t.same(told(rest), ['container.started c', 'container.started d', 'container.started e']);
});

t.test('a durable consumer that was passed by is told of the gap', async (t) => {
  const { node, context } = await observer(t);
  await start(node, 'a', 'b', 'c', 'd');
  const controller = new AbortController();
  const items = collect(context().consume({ type: '*', after: 0, signal: controller.signal }));
  await until('it reads', () => items.length >= 4);
  const position = items.length;
  await start(node, 'e', 'f');
  await node.kernel.events.trim(position + 2);
  await start(node, 'g');
  await until('what is left', () => told(items).at(-1) === 'container.started g');
  controller.abort();
  const late = collect(context().consume({ type: '*', after: 0 }));
  await until('the gap', () => told(late).at(-1) === 'container.started g');
  t.match(told(late)[0], /^gap \d+$/);
});

t.test('an event of an own object waits in the outbox while the kernel is away, and arrives once', async (t) => {
  const { node, context } = await observer(t);
  node.kernel.setAway(true);
  for (let index = 1; index <= 3; index += 1) await context().publish({ type: 'thing.made', subject: `t${index}` });
  t.equal(node.kernel.published.length, 0);
  node.kernel.setAway(false);
  await until('all are there', () => node.kernel.published.length === 3);
  t.same(
    node.kernel.published.map(({ number, event }) => [number, event.subject]),
    [
      [1, 't1'],
      [2, 't2'],
      [3, 't3'],
    ],
  );
  t.match(node.kernel.published[0]?.actor, { principal: 'plugin:observer' });
  t.equal((await failure(context().publish({ type: 'thing.broken', subject: 't' }))).code, 'EVENT_NOT_GRANTED');
});

t.test('an event that is published again under its key is one event, also by the next process', async (t) => {
  const { node, context, stop } = await observer(t);
  const made = (subject: string): { readonly type: string; readonly subject: string } => ({ type: 'thing.made', subject });
  await context().publish(made('t1'), { key: 'one' });
  await context().publish(made('t1'), { key: 'one' });
  await until('it is there', () => node.kernel.published.length === 1);
  await stop();
  const setup = async (context: PluginContext): Promise<object> => {
    await context.publish(made('t1'), { key: 'one' });
    await context.publish(made('t2'), { key: 'two' });
    return {};
  };
  await runHere(t, node, { manifest: OBSERVER, setup });
  await until('the other one', () => node.kernel.published.some(({ event }) => event.subject === 't2'));
  t.same(
    node.kernel.published.map(({ event }) => event.subject),
    ['t1', 't2'],
  );
});

t.test('what was in the outbox of a plugin that ended is sent by the next one', async (t) => {
  const { node, context, stop } = await observer(t);
  node.kernel.setAway(true);
  await context().publish({ type: 'thing.made', subject: 'late' });
  await stop();
  node.kernel.setAway(false);
  await runHere(t, node, { manifest: OBSERVER, setup: () => ({}) });
  await until('it is there', () => node.kernel.published.length === 1);
  t.equal(node.kernel.published[0]?.event.subject, 'late');
});

t.test('an event leaves the bus as a CloudEvent whose values are all of JSON', (t) => {
  const event = {
    sequence: 7,
    type: 'container.exited',
    subject: 'c1',
    time: 1_700_000_000_123_456_789n,
    objectSequence: 3,
    data: { name: 'web', at: 5n, bytes: Buffer.from('x'), list: [{ at: 6n }] },
  };
  const made = toCloudEvent(event, 'n1');
  t.strictSame(JSON.parse(JSON.stringify(made)), {
    specversion: '1.0',
    id: 'n1:7',
    source: '/nodes/n1',
    type: 'dev.cleat.container.exited.v1',
    subject: 'c1',
    time: '2023-11-14T22:13:20.123456789Z',
    datacontenttype: 'application/json',
    sequence: '00000000000000000007',
    objectsequence: '3',
    data: { name: 'web', at: '5', bytes: 'eA==', list: [{ at: '6' }] },
  });
  t.notOk('objectsequence' in toCloudEvent({ ...event, objectSequence: 0 }, 'n1'));
  t.end();
});
