import { request } from 'node:http';
import { waitFor } from '@cleat/harness';
import { eventTypes } from '@cleat/schemas/event-types';
import t from 'tap';
import { DOCKER_ACTIONS } from '../src/wire/event.ts';
import { stringAt } from '../src/wire/json.ts';
import { type Api, startApi } from './api-client.ts';
import { ApiSpec } from './api-spec.ts';

const ID = 'c'.repeat(64);
const FACTS = { name: 'web', labels: { tier: 'front' }, attributes: { image: 'busybox' } };

interface Reader {
  readonly lines: readonly unknown[];
  close(): void;
}

/** Reads a stream of events until it is closed. */
async function read(t: { teardown(action: () => unknown): void }, api: Api, path: string): Promise<Reader> {
  const lines: unknown[] = [];
  const call = request({ socketPath: api.socket, path, agent: false });
  t.teardown(() => call.destroy());
  call.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    call.on('response', (response) => {
      let rest = '';
      response.on('error', () => undefined);
      response.on('data', (data: Buffer) => {
        const parts = (rest + data.toString()).split('\n');
        rest = parts.pop() ?? '';
        lines.push(...parts.map((line): unknown => JSON.parse(line)));
      });
      resolve();
    });
    call.end();
  });
  return { lines, close: () => call.destroy() };
}

function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

t.test('a client sees what happens after its answer has begun', async (t) => {
  const api = await startApi(t);
  const reader = await read(t, api, '/events');
  api.platform.emit('container.started', ID, FACTS, now());
  api.platform.emit('container.exited', ID, { ...FACTS, exitCode: 3, durationNs: 2_500_000_000 }, now());
  api.platform.emit('plugin.ready', 'images', {}, now());
  api.platform.emit('container.exec-started', ID, { ...FACTS, exec: 'e1', args: ['sh', '-c', 'ls'] }, now());
  await waitFor('three events', () => reader.lines.length === 3);
  t.match(reader.lines, [
    { Type: 'container', Action: 'start', Actor: { ID, Attributes: { name: 'web', image: 'busybox', tier: 'front' } }, scope: 'local' },
    { Action: 'die', Actor: { Attributes: { exitCode: '3', execDuration: '2' } } },
    { Action: 'exec_start: sh -c ls', Actor: { Attributes: { execID: 'e1' } } },
  ]);
  const spec = new ApiSpec();
  t.same(spec.problems('get', '/events', 200, reader.lines[0]), []);
});

t.test('Docker has a word for every event of its objects that is published, and for no other', async (t) => {
  const published = eventTypes().map(({ type }) => type);
  const known = published.filter((type) => /^(container|volume|network|image)\./.test(type));
  t.ok(known.length > 25);
  t.same([...DOCKER_ACTIONS.keys()].sort(), known.toSorted());
});

t.test('clients before 1.52 get status, id and from', async (t) => {
  const api = await startApi(t);
  const reader = await read(t, api, '/v1.41/events');
  api.platform.emit('container.killed', ID, { ...FACTS, signal: 15 }, now());
  await waitFor('the event', () => reader.lines.length === 1);
  t.match(reader.lines, [{ status: 'kill', id: ID, from: 'busybox', Actor: { Attributes: { signal: '15' } } }]);
});

t.test('the past comes from the log, each event once, then what is new', async (t) => {
  const api = await startApi(t);
  const start = now();
  for (let number = 0; number < 1200; number += 1)
    api.platform.emit('container.created', ID, { ...FACTS, name: `c${number}` }, start + BigInt(number));
  const reader = await read(t, api, `/events?since=${Number(start / 1_000_000_000n)}`);
  api.platform.emit('container.removed', ID, FACTS, now());
  await waitFor('all events', () => reader.lines.length === 1201);
  t.equal(new Set(reader.lines.map((line) => JSON.stringify(line))).size, 1201);
  t.equal(stringAt(reader.lines.at(-1), 'Action'), 'destroy');
});

t.test('until in the past ends the answer', async (t) => {
  const api = await startApi(t);
  api.platform.emit('volume.created', 'data', { labels: {}, properties: { driver: 'local' } }, 5_000_000_000n);
  const answer = await api.call('GET', '/events?since=1&until=10');
  t.equal(answer.status, 200);
  t.match(JSON.parse(answer.text), {
    Type: 'volume',
    Action: 'create',
    Actor: { ID: 'data', Attributes: { driver: 'local' } },
    time: 5,
    timeNano: 5_000_000_000,
  });
});

t.test('filters choose by type, action, object and label', async (t) => {
  const api = await startApi(t);
  const path = (filters: object): string => `/events?filters=${encodeURIComponent(JSON.stringify(filters))}`;
  const readers = await Promise.all([
    read(t, api, path({ type: ['network'] })),
    read(t, api, path({ event: ['die', 'exec_start'] })),
    read(t, api, path({ container: ['web'] })),
    read(t, api, path({ label: ['tier=back'] })),
    read(t, api, path({ image: ['busybox'] })),
  ]);
  api.platform.emit('network.connected', 'n1', { properties: { container: ID, name: 'front', type: 'bridge' } }, now());
  api.platform.emit('container.exited', ID, { ...FACTS, exitCode: 0, durationNs: 0 }, now());
  api.platform.emit('container.exec-started', ID, { ...FACTS, exec: 'e', args: ['ls'] }, now());
  api.platform.emit(
    'container.started',
    'd'.repeat(64),
    { name: 'other', labels: { tier: 'back' }, attributes: { image: 'alpine' } },
    now(),
  );
  await waitFor('all readers', () => readers.map((reader) => reader.lines.length).join() === '1,2,2,1,2');
  t.match(await api.call('GET', '/events?filters={"odd":["x"]}'), { status: 400, json: { message: "invalid filter 'odd'" } });
});

t.test('one subscription serves all clients and ends with the last', async (t) => {
  const api = await startApi(t);
  const readers = await Promise.all([read(t, api, '/events'), read(t, api, '/events'), read(t, api, '/events')]);
  await waitFor('the subscription', () => api.platform.subscribers === 1);
  for (const reader of readers) reader.close();
  await waitFor('its end', () => api.platform.subscribers === 0);
  t.pass('nobody listens any more');
});
