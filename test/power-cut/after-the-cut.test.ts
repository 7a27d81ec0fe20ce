import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { slowFactor, waitFor } from '@cleat/harness';
import t from 'tap';
import { checkEvents } from '../platform/event-check.ts';
import { NodeClient } from '../platform/node-client.ts';
import { type ConsumedItem, OutsideConsumer } from '../platform/outside-consumer.ts';
import { waitUntilWell } from '../platform/platform-clients.ts';
import { CREDENTIALS, FLEET_SIZE, fleetPlatform, hasPort, LEDGER, STARTED_AT_CUT, VOLUME } from './fleet.ts';
import { type Entry, readLedger } from './ledger.ts';

const BACK_MS = 60_000;

t.test('after a power cut the platform comes back as it was told to clients', async (t) => {
  const entries = readLedger(LEDGER);
  const created = of(entries, 'created');
  const started = of(entries, 'started').map(({ id }) => id);
  const removing = of(entries, 'removing').map(({ id }) => id);
  t.equal(created.length, FLEET_SIZE);
  t.ok(started.length >= STARTED_AT_CUT, `${started.length} were started`);
  t.not(of(entries, 'cut')[0]?.bootId, readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), 'another boot');

  const platform = fleetPlatform();
  await platform.up();
  await waitUntilWell(platform);
  const client = await NodeClient.open(platform.runDir, '');
  t.teardown(() => client.close());
  const kept = created.filter(({ id }) => !removing.includes(id));

  await t.test('every container that was created is there, and those that ran run again', async (t) => {
    const running = await waitFor(
      'the fleet',
      async () => {
        const all = await client.list();
        const isBack = all.every(({ id, state }) => removing.includes(id) || isSettled(state.status, started.includes(id)));
        return isBack && all;
      },
      { timeoutMs: BACK_MS, intervalMs: 500 },
    );
    const known = new Map(running.map((info) => [info.id, info]));
    t.same(
      kept.filter(({ id }) => !known.has(id)),
      [],
      'nothing that a client was told of is lost',
    );
    t.ok(running.length <= FLEET_SIZE, 'and nothing is there twice');
    const pids = running.filter(({ id }) => started.includes(id) && !removing.includes(id)).map(({ state }) => state.pid);
    t.equal(new Set(pids).size, pids.length);
    t.ok(pids.every(isAlive), 'each has a process of this boot');
  });

  await t.test('attachments of the boot before are void: roots, ports and volumes are there anew', async (t) => {
    const running = (await client.list()).filter(({ state }) => state.status === 'running');
    const roots = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(' - overlay '));
    const ours = roots.filter((line) => line.includes(platform.runDir) || line.includes(platform.dir));
    t.equal(ours.length, running.length, 'one root is mounted for each that runs');
    t.same((await client.info()).owed, []);
    const reachable = running.filter(({ name }) => hasPort(name));
    t.ok(reachable.length > 0);
    const format = '{{.NetworkSettings.IPAddress}} {{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}';
    const { stdout: given } = await platform.docker(['inspect', '-f', format, ...reachable.map(({ name }) => name)]);
    const [addresses, ports] = [0, 1].map(
      (at) =>
        new Set(
          given
            .trim()
            .split('\n')
            .map((line) => line.split(' ')[at]),
        ),
    );
    t.equal(addresses?.size, reachable.length, 'no address is given twice');
    t.equal(ports?.size, reachable.length, 'nor a port');
    for (const { name } of reachable) {
      const port = (await platform.docker(['port', name, '80'])).stdout.trim();
      const page = await fetch(`http://${port}/index.html`, { signal: AbortSignal.timeout(BACK_MS * slowFactor()) });
      t.equal(await page.text(), `${name}\n`);
    }
    const { stdout } = await platform.docker(['volume', 'inspect', '-f', '{{.Mountpoint}}', VOLUME]);
    t.match(readFileSync(join(stdout.trim(), 'runs'), 'utf8'), /^\d+$/m);
  });

  await t.test('the events are whole, and a consumer outside goes on where it was or is told of the gap', async (t) => {
    checkEvents(t, await client.events());
    const position = Math.max(0, ...of(entries, 'event').map(({ sequence }) => sequence));
    t.ok(position > FLEET_SIZE, `it had had ${position} events`);
    const { newest, node } = await newestOf(client);
    const sameNode = of(entries, 'node').at(-1)?.node === node;
    // A journal that has lost its newest records goes on under another name, whose numbers begin anew.
    const items = await consume(platform.runDir, sameNode ? position : 0, newest);
    const gap = items.find((item) => item.type === 'gap');
    const first = (sameNode ? position : 0) + (gap?.type === 'gap' ? gap.missed : 0) + 1;
    const sequences = items.flatMap((item) => (item.type === 'event' ? [item.sequence] : []));
    t.ok(sequences.length > 0);
    t.same(
      sequences,
      sequences.map((_, index) => first + index),
      'each once, in order, none missing that was not told',
    );
    t.comment(`same node: ${sameNode}, position ${position}, newest ${newest}, gap ${JSON.stringify(gap)}`);
  });

  await t.test('it is a platform like any other', async (t) => {
    const { stdout } = await platform.docker(['run', '--rm', 'busybox', 'echo', 'well']);
    t.equal(stdout, 'well\n');
  });
});

function isSettled(status: string, wasStarted: boolean): boolean {
  // A start that no client was told of went back, or forward once the process was let run.
  return status === 'running' || (!wasStarted && status === 'created');
}

async function consume(runDir: string, after: number, upTo: number): Promise<readonly ConsumedItem[]> {
  const consumer = await OutsideConsumer.open(runDir, CREDENTIALS);
  const items: ConsumedItem[] = [];
  const limit = AbortSignal.timeout(BACK_MS * slowFactor());
  for await (const item of consumer.read(after, limit)) {
    items.push(item);
    if (item.type !== 'event') continue;
    item.acknowledge();
    if (item.sequence >= upTo) break;
  }
  await consumer.close();
  return items;
}

async function newestOf(client: NodeClient): Promise<{ readonly newest: number; readonly node: string }> {
  const { newestEvent, node } = await client.info();
  return { newest: newestEvent, node };
}

function of<T extends Entry['type']>(entries: readonly Entry[], type: T): readonly Extract<Entry, { readonly type: T }>[] {
  return entries.filter((entry): entry is Extract<Entry, { readonly type: T }> => entry.type === type);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // No such process.
    return false;
  }
}
