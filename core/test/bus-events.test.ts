import t, { type Test } from 'tap';
import {
  type BusConnection,
  type DurableItem,
  durableEvents,
  EventStream,
  eventSubject,
  type LiveItem,
  liveEvents,
  type PrivateBus,
  type StreamRecord,
} from '../src/bus/index.ts';
import { Deadline, monotonicMs, sleep } from '../src/deadlines/index.ts';
import { failure, granted, joinBus, soon, startBus, waitFor } from './bus-fixture.ts';

interface Owner {
  readonly bus: PrivateBus;
  readonly connection: BusConnection;
  readonly stream: EventStream;
}

async function startOwner(t: Test): Promise<Owner> {
  const bus = await startBus(t);
  const connection = bus.connect('kernel/1', bus.credentials('kernel').exporting);
  t.teardown(() => connection.close(Deadline.after(0)));
  await connection.connected(soon());
  return { bus, connection, stream: new EventStream(connection) };
}

function events(from: number, count: number, noun = 'container'): StreamRecord[] {
  return Array.from({ length: count }, (_unused, index) => ({
    subject: `cleat.v1.ev.node1.${noun}.started.c${(from + index) % 7}`,
    headers: new Map([['ce-id', `node1:${from + index}`]]),
    body: Buffer.from(`event ${from + index}`),
  }));
}

function kill(bus: PrivateBus): void {
  if (bus.serverPid !== undefined) process.kill(bus.serverPid, 'SIGKILL');
}

/** Reads on its own until the signal aborts; the test looks at the list. */
function collect<T>(source: AsyncIterable<T>): T[] {
  const items: T[] = [];
  void (async () => {
    for await (const item of source) items.push(item);
  })();
  return items;
}

function bodies(items: readonly (LiveItem | DurableItem)[]): string[] {
  return items.flatMap((item) => (item.type === 'event' ? [item.body.toString()] : []));
}

t.test('a batch is stored once and in order, also when it is sent again', async (t) => {
  const { stream } = await startOwner(t);
  const made = await stream.ensure({ maxMessages: 20_000 }, soon());
  t.equal(made.lastSequence, 0);
  const batch = events(1, 600);
  t.same(await stream.publishBatch(batch, { after: 0, deadline: soon() }), { type: 'stored', lastSequence: 600 });
  t.same(await stream.publishBatch(batch, { after: 0, deadline: soon() }), { type: 'stored', lastSequence: 600 });
  const state = await stream.state(soon());
  t.equal(state?.messages, 600);
  t.equal(state?.incarnation, made.incarnation);
});

t.test('a stream that stands elsewhere is reported, and nothing is stored', async (t) => {
  const { stream } = await startOwner(t);
  await stream.ensure({ maxMessages: 20_000 }, soon());
  await stream.publishBatch(events(1, 10), { after: 0, deadline: soon() });
  const ahead = await stream.publishBatch(events(21, 5), { after: 20, deadline: soon() });
  t.equal(ahead.type, 'diverged');
  const behind = await stream.publishBatch(events(5, 2), { after: 4, deadline: soon() });
  t.equal(behind.type, 'diverged');
  t.match(await stream.state(soon()), { lastSequence: 10, messages: 10 });
});

t.test('a stream deleted under its owner is gone, and another one is another incarnation', async (t) => {
  const { stream } = await startOwner(t);
  const first = await stream.ensure({ maxMessages: 100 }, soon());
  await stream.delete(soon());
  t.equal(await stream.state(soon()), undefined);
  const outcome = await stream.publishBatch(events(1, 3), { after: 0, deadline: soon(2_000) });
  t.equal(outcome.type, 'gone');
  await stream.delete(soon());
  const second = await stream.ensure({ maxMessages: 100 }, soon());
  t.not(second.incarnation, first.incarnation);
});

t.test('the bounds of a stream can be changed, and trimming takes the oldest', async (t) => {
  const { stream } = await startOwner(t);
  await stream.ensure({ maxMessages: 100 }, soon());
  await stream.ensure({ maxMessages: 50 }, soon());
  await stream.publishBatch(events(1, 80), { after: 0, deadline: soon() });
  t.match(await stream.state(soon()), { firstSequence: 31, lastSequence: 80 });
  await stream.trimTo(60, soon());
  t.match(await stream.state(soon()), { firstSequence: 61, lastSequence: 80 });
});

t.test('what is published while the server is killed is stored without gap or repetition', async (t) => {
  const { bus, connection, stream } = await startOwner(t);
  await stream.ensure({ maxMessages: 20_000 }, soon());
  let last = 0;
  let failures = 0;
  const end = monotonicMs() + 3_000;
  const kills = [300, 1_000, 1_900].map((ms) => setTimeout(() => kill(bus), ms));
  t.teardown(() => kills.forEach(clearTimeout));
  while (monotonicMs() < end) {
    await connection.connected(soon());
    try {
      const outcome = await stream.publishBatch(events(last + 1, 40), { after: last, deadline: soon(2_000) });
      if (outcome.type === 'stored') last = outcome.lastSequence;
      else if (outcome.type === 'partial') last += outcome.stored;
      else throw new Error(`unexpected: ${outcome.type}`);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'CleatError') throw error;
      failures += 1;
    }
    // Some thousand events are enough.
    await sleep(15);
  }
  await connection.connected(soon());
  // The last answer may be one that was lost.
  t.equal((await stream.publishBatch([], { after: last, deadline: soon() })).type, 'stored');
  t.match(await stream.state(soon()), { lastSequence: last, messages: last });
  const reader = await joinBus(t, bus, 'audit');
  await bus.grant('audit', granted([], { durable: true }), soon());
  const name = bus.keysOf('audit').importing;
  await stream.createConsumer({ name, filter: 'cleat.v1.ev.>', after: 0 }, soon());
  let next = 1;
  for await (const item of durableEvents(reader.importing, { signal: AbortSignal.timeout(20_000) })) {
    if (item.type !== 'event') throw new Error(`unexpected: ${item.type}`);
    if (item.sequence !== next || item.body.toString() !== `event ${next}`) t.fail(`${item.sequence} is not ${next}`);
    item.acknowledge();
    if (next === last) break;
    next += 1;
  }
  t.equal(next, last);
  t.ok(last > 1_000, `${last} events`);
  t.comment(`${last} events, ${failures} calls failed meanwhile`);
});

t.test('live consumers see what their grant names, once and in order', async (t) => {
  const { bus, stream } = await startOwner(t);
  await stream.ensure({ maxMessages: 20_000 }, soon());
  const reader = await joinBus(t, bus, 'metrics');
  await bus.grant('metrics', granted([], { events: ['container.*'], eventsNode: 'node1' }), soon());
  const stop = new AbortController();
  const items = collect(liveEvents(reader.importing, { patterns: ['container.*'], node: 'node1', signal: stop.signal }));
  const refused: string[] = [];
  reader.importing.onEvent((event) => {
    if (event.type === 'refused') refused.push(event.subject);
  });
  await reader.importing.flush(soon());
  await stream.publishBatch(events(1, 100), { after: 0, deadline: soon() });
  await stream.publishBatch(events(101, 10, 'secret'), { after: 100, deadline: soon() });
  await stream.publishBatch(events(111, 10), { after: 110, deadline: soon() });
  // Repeated and refused ones are not shown.
  await stream.publishBatch(events(111, 10), { after: 110, deadline: soon() });
  await waitFor('110 events', () => bodies(items).length >= 110);
  await reader.importing.flush(soon());
  t.same(
    bodies(items),
    [...events(1, 100), ...events(111, 10)].map(({ body }) => Buffer.from(body).toString()),
  );
  t.match(items[100], { sequence: 111, subject: 'cleat.v1.ev.node1.container.started.c6' });
  t.match(items[100]?.type === 'event' ? items[100].headers.get('ce-id') : '', 'node1:111');
  const forbidden = collect(liveEvents(reader.importing, { patterns: ['secret.*'], node: 'node1', signal: stop.signal }));
  await reader.importing.flush(soon());
  await stream.publishBatch(events(121, 10, 'secret'), { after: 120, deadline: soon() });
  await reader.importing.flush(soon());
  t.same(forbidden, []);
  stop.abort();
});

t.test('a slow live reader is told how much it missed, a reconnect that something may be', async (t) => {
  const { bus, connection, stream } = await startOwner(t);
  await stream.ensure({ maxMessages: 20_000 }, soon());
  const reader = await joinBus(t, bus, 'metrics');
  await bus.grant('metrics', granted([], { events: ['*'] }), soon());
  const stop = new AbortController();
  const source = liveEvents(reader.importing, { patterns: ['*'], node: '*', signal: stop.signal, maxQueued: 50 });
  await reader.importing.flush(soon());
  await stream.publishBatch(events(1, 200), { after: 0, deadline: soon() });
  await reader.importing.flush(soon());
  const items = collect(source);
  await waitFor('what was kept', () => items.length >= 50);
  await stream.publishBatch(events(201, 1), { after: 200, deadline: soon() });
  await waitFor('the loss', () => items.length >= 52);
  t.same(items[50], { type: 'lag', dropped: 150 });
  t.match(items[51], { type: 'event', sequence: 201 });
  kill(bus);
  await waitFor('the reconnect', () => items.some(({ type }) => type === 'reconnected'));
  await connection.connected(soon());
  await reader.importing.flush(soon());
  await stream.publishBatch(events(202, 1), { after: 201, deadline: soon() });
  await waitFor('an event after it', () => items.at(-1)?.type === 'event');
  t.match(items.at(-1), { sequence: 202 });
  stop.abort();
});

t.test('a durable consumer goes on where it acknowledged, at its own pace', async (t) => {
  const { bus, stream } = await startOwner(t);
  await stream.ensure({ maxMessages: 20_000 }, soon());
  await stream.publishBatch(events(1, 500), { after: 0, deadline: soon() });
  const reader = await joinBus(t, bus, 'audit');
  await bus.grant('audit', granted([], { durable: true }), soon());
  const name = bus.keysOf('audit').importing;
  const filter = eventSubject('node1', 'container.*');
  await stream.createConsumer({ name, filter, after: 100 }, soon());
  t.equal((await failure(stream.createConsumer({ name, filter, after: 300 }, soon()))).code, 'BUS_CONSUMER_EXISTS');
  const seen: number[] = [];
  for await (const item of durableEvents(reader.importing, { signal: new AbortController().signal, batch: 16 })) {
    if (item.type !== 'event') throw new Error(`unexpected: ${item.type}`);
    seen.push(item.sequence);
    item.acknowledge();
    if (item.sequence === 300) break;
  }
  t.same(
    seen,
    Array.from({ length: 200 }, (_unused, index) => 101 + index),
  );
  await reader.importing.flush(soon());
  const deadline = soon();
  let state = await stream.consumer(name, deadline);
  while (state?.acknowledgedSequence !== 300 && !deadline.isExpired) state = await stream.consumer(name, deadline);
  t.match(state, { acknowledgedSequence: 300, filter });
  t.same(await stream.consumerNames(soon()), [name]);
});

t.test('a durable reader is told of a silence, of a reconnect and of its consumer’s end', async (t) => {
  const { bus, connection, stream } = await startOwner(t);
  await stream.ensure({ maxMessages: 20_000 }, soon());
  const reader = await joinBus(t, bus, 'audit');
  await bus.grant('audit', granted([], { durable: true }), soon());
  const name = bus.keysOf('audit').importing;
  await stream.createConsumer({ name, filter: 'cleat.v1.ev.>', after: 0 }, soon());
  const stop = new AbortController();
  const items = collect(durableEvents(reader.importing, { signal: stop.signal, idleMs: 300 }));
  const has = (type: DurableItem['type']): boolean => items.some((item) => item.type === type);
  await waitFor('a silence', () => has('idle'));
  kill(bus);
  await waitFor('the reconnect', () => has('reconnected'));
  await connection.connected(soon());
  await stream.publishBatch(events(1, 3), { after: 0, deadline: soon() });
  await waitFor('the events', () => bodies(items).length === 3);
  t.equal(await stream.deleteConsumer(name, soon()), true);
  await waitFor('the end', () => has('gone'));
  t.match(items.at(-1), { type: 'gone', reason: /deleted/i });
  t.equal(await stream.deleteConsumer(name, soon()), false);
  t.equal(await stream.consumer(name, soon()), undefined);
  stop.abort();
});
