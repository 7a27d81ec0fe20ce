import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { BusConnection, encodeCredentials, PrivateBus, type PrivateBusOptions, type ServerEvent } from '../src/bus/index.ts';
import { Deadline, monotonicMs } from '../src/deadlines/index.ts';
import { echo, failure, granted, joinBus, MemoryLog, soon, startBus, temporaryDirectory, waitFor } from './bus-fixture.ts';

const HOLDER = fileURLToPath(new URL('bus-holder.js', import.meta.url));

/** Opens a bus whose end is the test's own business. */
async function open(dir: string, options: Partial<PrivateBusOptions> = {}): Promise<PrivateBus> {
  const log = new MemoryLog();
  const bus = await PrivateBus.start({ dir, log, path: process.env['PATH'], ...options }, soon());
  await bus.ready(soon());
  return bus;
}

function isAlive(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
}

t.test('the server outlives its starter and is adopted, with its connections and what changed', async (t) => {
  const dir = temporaryDirectory(t);
  const first = await open(dir);
  const pid = first.serverPid;
  const provider = await joinBus(t, first, 'volume');
  provider.callee.serve('volume', echo);
  await provider.callee.ready(soon());
  await first.release();
  t.ok(isAlive(pid));
  const second = await startBus(t, { dir });
  t.equal(second.serverPid, pid);
  t.ok(provider.exporting.isConnected, 'a plugin does not notice');
  t.same(second.participants, ['kernel', 'volume']);
  const kernel = await joinBus(t, second, 'kernel');
  await second.grant('kernel', granted([{ provider: 'volume', address: 'volume' }]), soon());
  const answer = await kernel.caller.call('volume', 'do', Buffer.from('x'), { deadline: soon() });
  t.equal(answer.body.toString(), 'x');
});

t.test('a starter killed without a word leaves a server that the next one adopts', async (t) => {
  const dir = temporaryDirectory(t);
  const holder = spawn(process.execPath, [HOLDER, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => holder.kill('SIGKILL'));
  const lines: unknown[] = await once(holder.stdout, 'data');
  const pid = Number(String(lines[0]).trim());
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  t.ok(isAlive(pid));
  const bus = await startBus(t, { dir });
  t.equal(bus.serverPid, pid);
});

t.test('a server found without a record, or hanging, or of another configuration is replaced', async (t) => {
  const dir = temporaryDirectory(t);
  let bus = await open(dir);
  const pids = [bus.serverPid];
  const ruin: readonly (() => Partial<PrivateBusOptions>)[] = [
    () => {
      writeFileSync(join(dir, 'nats', 'server.pid'), 'rubbish');
      return {};
    },
    () => {
      process.kill(bus.serverPid ?? 0, 'SIGSTOP');
      return {};
    },
    () => ({ maxFileStoreBytes: 500_000_000 }),
  ];
  for (const step of ruin) {
    await bus.release();
    bus = await open(dir, step());
    t.notOk(isAlive(pids.at(-1)), 'the other one has ended');
    pids.push(bus.serverPid);
  }
  t.equal(new Set(pids).size, 4);
  await bus.stop();
  // A child that has ended exists until its parent has noticed.
  await waitFor('its end', () => !isAlive(pids.at(-1)));
});

t.test('a dead server is started again on its port; an adopted one too', async (t) => {
  const dir = temporaryDirectory(t);
  const first = await open(dir);
  await first.release();
  const events: ServerEvent['type'][] = [];
  const bus = await startBus(t, { dir, onServer: ({ type }) => events.push(type) });
  const { url } = bus;
  const outages: number[] = [];
  for (let count = 0; count < 3; count++) {
    const before = bus.serverPid ?? 0;
    const began = monotonicMs();
    process.kill(before, 'SIGKILL');
    await waitFor('another one', () => bus.serverPid !== undefined && bus.serverPid !== before && bus.isUp);
    outages.push(monotonicMs() - began);
    t.equal(bus.url, url);
  }
  t.same(events, ['up', 'down', 'up', 'down', 'up', 'down', 'up']);
  t.ok(Math.max(...outages) < 2_000, `away for ${outages.map((ms) => ms.toFixed(0)).join(', ')} ms`);
});

t.test('when the port is taken another one is used, and clients find it', async (t) => {
  const dir = temporaryDirectory(t);
  const urlFile = join(dir, 'url');
  const first = await open(dir, { urlFile });
  await first.add('volume', soon());
  const url = (): string => readFileSync(urlFile, 'utf8').trim();
  const oldUrl = url();
  t.equal(statSync(urlFile).mode & 0o777, 0o644);
  const log = new MemoryLog();
  const client = new BusConnection({ url, credentials: first.credentials('volume').importing, name: 'volume/1', log });
  t.teardown(() => client.close(Deadline.after(0)));
  await client.connected(soon());
  await first.stop();
  const squatter = createServer((socket) => socket.destroy());
  squatter.listen(Number(new URL(oldUrl).port), '127.0.0.1');
  await once(squatter, 'listening');
  t.teardown(() => squatter.close());
  const second = await startBus(t, { dir, urlFile });
  t.not(second.url, oldUrl);
  t.equal(url(), second.url);
  await client.connected(soon());
  t.pass('the client is connected again');
});

t.test('nothing of the bus can be read by others', async (t) => {
  const dir = temporaryDirectory(t);
  const umask = process.umask(0);
  t.teardown(() => process.umask(umask));
  const bus = await startBus(t, { dir });
  await bus.add('volume', soon());
  for (const path of ['.', 'nats', 'nats/jwt', 'nats/jetstream', 'nats/ports']) {
    t.equal(statSync(join(dir, path)).mode & 0o777, 0o700, path);
  }
  for (const path of ['accounts.json', 'nats/nats.conf', 'nats/nats.log', 'nats/server.pid']) {
    t.equal(statSync(join(dir, path)).mode & 0o777, 0o600, path);
  }
  const readable = readFileSync(join(dir, 'nats/nats.conf'), 'utf8') + readFileSync(join(dir, 'nats/nats.log'), 'utf8');
  t.notMatch(readable, /S[OAU][A-Z2-7]{56}/, 'the server never sees a seed');
});

t.test('a missing binary is said at once, a broken one is retried while all else goes on', async (t) => {
  const dir = temporaryDirectory(t);
  const log = new MemoryLog();
  const missing = await failure(PrivateBus.start({ dir, log, binary: '/nonexistent/nats-server' }, soon()));
  t.match(missing, { class: 'unavailable', code: 'BUS_SERVER_MISSING', hint: /apt-get install nats-server/ });
  const bus = await PrivateBus.start({ dir, log, binary: '/bin/false' }, soon(1_000));
  t.teardown(() => bus.stop());
  t.notOk(bus.isUp);
  const late = await failure(bus.add('volume', soon(200)));
  t.match(late, { class: 'unavailable', code: 'BUS_DOWN' });
  t.ok(bus.participants.includes('volume'), 'decided even so');
});

t.test('an unreadable account book stops the start and is not overwritten', async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, 'accounts.json'), '{"version":1,');
  const error = await failure(open(dir));
  t.match(error, { class: 'internal', code: 'BUS_BOOK_UNREADABLE' });
  t.equal(readFileSync(join(dir, 'accounts.json'), 'utf8'), '{"version":1,');
});

t.test('the death of a participant is known at once', async (t) => {
  const deaths: { participant: string; connection: string; atMs: number }[] = [];
  const bus = await startBus(t, {
    onDisconnect: ({ participant, connection }) => deaths.push({ participant, connection, atMs: monotonicMs() }),
  });
  const dir = temporaryDirectory(t);
  const urlFile = join(dir, 'url');
  writeFileSync(urlFile, bus.url);
  await bus.add('volume', soon());
  writeFileSync(join(dir, 'credentials'), encodeCredentials(bus.credentials('volume')), { mode: 0o600 });
  const worker = fileURLToPath(new URL('bus-worker.js', import.meta.url));
  const args = [worker, join(dir, 'credentials'), urlFile, 'volume', join(dir, 'effects')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const began = monotonicMs();
  child.kill('SIGKILL');
  await waitFor('the news', () => deaths.length === 2);
  t.match(deaths[0], { participant: 'volume', connection: `volume/${child.pid}` });
  t.ok((deaths[0]?.atMs ?? Infinity) - began < 500, `${((deaths[0]?.atMs ?? 0) - began).toFixed(0)} ms`);
});
