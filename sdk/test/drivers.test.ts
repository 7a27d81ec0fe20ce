import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningProcess, startProcess } from '@cleat/harness';
import t, { type Test } from 'tap';
import type { DriverLedger } from '../src/drivers/index.ts';
import { Deadline } from '../src/index.ts';
import type { TestNode, TestPlugin } from '../src/testing/index.ts';
import { DRIVER, fakeDriver } from './fake-driver.ts';
import { fakeKind, KIND } from './fake-kind.ts';
import { failure, openNode, start, until } from './fixture.ts';

interface Two {
  readonly node: TestNode;
  readonly files: string;
  readonly kind: TestPlugin;
  readonly driver: TestPlugin;
  ledger(): DriverLedger;
  stopKind: () => Promise<void>;
  stopDriver: () => Promise<void>;
  startDriver(): void;
  /** What the driver holds. */
  held(): readonly string[];
}

async function two(t: Test): Promise<Two> {
  const node = await openNode(t);
  const files = join(node.directory, 'driver-files');
  mkdirSync(files);
  const driver = await node.install(DRIVER);
  const kind = await node.install(KIND);
  let ledger: DriverLedger | undefined;
  let stopDriver = start(t, node, [{ plugin: driver, definition: fakeDriver(files) }]);
  const stopKind = start(t, node, [
    {
      plugin: kind,
      definition: fakeKind(undefined, (opened) => {
        ledger = opened;
      }),
    },
  ]);
  await node.kernel.ready('fake-driver');
  await node.kernel.ready('fake-kind');
  return {
    ...{ node, files, kind, driver, stopKind },
    ledger: () => {
      if (ledger === undefined) throw new Error('the kind is not set up');
      return ledger;
    },
    stopDriver: async () => {
      await stopDriver();
      await node.kernel.lose('fake-driver');
    },
    startDriver: () => {
      stopDriver = start(t, node, [{ plugin: driver, definition: fakeDriver(files) }]);
    },
    held: () => readdirSync(files).sort(),
  };
}

function scope(ms = 5_000) {
  return { deadline: Deadline.after(ms), signal: new AbortController().signal };
}

function reference(node: TestNode, number: number, object = 'o1', container = 'c1', claim = 'data') {
  return { object, container, claim, bootId: node.kernel.bootId, number };
}

function attachRequest(node: TestNode, number: number, object = 'o1') {
  return {
    reference: reference(node, number, object),
    options: '{}',
    status: '',
    container: { id: 'c1', name: '', hostname: '', labels: {} },
    idMapping: { uids: [], gids: [] },
    directory: '/d',
    rootPath: '',
    networkNamespace: '',
    userNamespace: '',
  };
}

t.test('an object is reserved, used under the kernel’s numbers, and released', async (t) => {
  const { node, ledger, held } = await two(t);
  const reserved = await ledger().reserve({ driver: 'd1', object: 'o1', options: '{}' }, scope());
  t.equal(reserved.status, '{"at":"o1"}');
  const attached = await ledger().attach('o1', attachRequest(node, 7), scope());
  t.same(attached.contribution.environment, ['{"at":"o1"}'], 'the driver is told what it answered to reserve');
  t.same(held(), ['o1', 'o1+c1+data']);
  t.match(ledger().usesOf('o1'), [{ container: 'c1', claim: 'data' }]);
  await ledger().detach('o1', reference(node, 8), scope());
  await ledger().release('o1', { purge: true }, scope());
  t.same(held(), []);
  t.same(ledger().objects, []);
});

t.test('a driver’s refusal is told in its words, and leaves nothing', async (t) => {
  const { ledger, held } = await two(t);
  const error = await failure(ledger().reserve({ driver: 'd1', object: 'o1', options: '{"refuse":true}' }, scope()));
  t.match(error, { code: 'FAKE_REFUSED', plugin: 'fake-driver' });
  t.same(held(), []);
  t.same(ledger().objects, []);
  await ledger().reserve({ driver: 'd1', object: 'stuck1', options: '{}' }, scope());
  t.equal((await failure(ledger().release('stuck1', { purge: true }, scope()))).code, 'FAKE_BUSY');
  t.equal(ledger().objects.length, 1, 'what was refused is held as before');
});

t.test('a driver that is too slow is named in time, and what it did is undone', async (t) => {
  const { ledger, held } = await two(t);
  const began = Date.now();
  const error = await failure(ledger().reserve({ driver: 'd1', object: 'o1', options: '{"slow":60000}' }, scope(1_000)));
  t.ok(Date.now() - began < 2_500);
  t.match(error, { class: 'deadline_exceeded', plugin: 'fake-driver' });
  await until('nothing is left', () => held().length === 0);
  t.same(ledger().objects, []);
});

t.test('a driver that is away makes its own objects unavailable, and is owed what it should undo', async (t) => {
  const { node, ledger, held, stopDriver, startDriver } = await two(t);
  await ledger().reserve({ driver: 'd1', object: 'o1', options: '{}' }, scope());
  await ledger().reserve({ driver: 'd1', object: 'o2', options: '{}' }, scope());
  await ledger().attach('o1', attachRequest(node, 3), scope());
  await stopDriver();
  node.kernel.setState('fake-driver', 'failed');
  await until(
    'the kind has heard',
    async () => (await failure(ledger().reserve({ driver: 'd1', object: 'o3', options: '{}' }, scope()))).code === 'PLUGIN_AWAY',
  );
  t.match(await failure(ledger().release('o2', { purge: true }, scope())), { code: /^(PLUGIN_AWAY|DRIVER_SLOW)$/, plugin: 'fake-driver' });
  await ledger().detach('o1', reference(node, 4), scope());
  await ledger().release('o2', { purge: true, force: true }, scope());
  t.same(held(), ['o1', 'o1+c1+data', 'o2']);
  node.kernel.setState('fake-driver', undefined);
  startDriver();
  await until('the debts are paid', () => held().join() === 'o1');
  t.same(
    ledger().objects.map(({ object }) => object),
    ['o1'],
  );
});

t.test('a driver that forgot is told again, before it is asked for anything', async (t) => {
  const { node, ledger, held, stopDriver, startDriver, files } = await two(t);
  await ledger().reserve({ driver: 'd1', object: 'o1', options: '{}' }, scope());
  await stopDriver();
  writeFileSync(join(files, 'stale'), '');
  startDriver();
  await ledger().attach('o1', attachRequest(node, 5), scope(10_000));
  t.same(held(), ['o1', 'o1+c1+data']);
});

t.test('uses that the kernel does not list are ended', async (t) => {
  const { node, ledger, held } = await two(t);
  await ledger().reserve({ driver: 'd1', object: 'o1', options: '{}' }, scope());
  await ledger().attach('o1', attachRequest(node, 5), scope());
  await ledger().settleUses({ bootId: node.kernel.bootId, position: 1, held: [], owed: [] }, () => undefined);
  await until('the use is ended', () => held().join() === 'o1');
});

function program(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

/** A kind in a process that kills itself at one record of its ledger; the driver runs on. */
async function kindKilled(t: Test, node: TestNode, kind: TestPlugin, fault: string | undefined): Promise<RunningProcess> {
  const env = { CLEAT_RUN_FILE: kind.runFile, FAKE_KIND: '1', FAKE_KIND_FAULT: fault };
  const child = startProcess(t, [process.execPath, program('fake-kind')], { env });
  await until('the kind is ready or dead', () => node.kernel.hello('fake-kind')?.pid === child.pid || !child.isRunning(), 15_000);
  return child;
}

/** Records: reserve number, intent, answer; attach intent, answer; detach intent, end; release number, intent, end. */
const FAULTS = ['after-write:2', 'before-write:3', 'after-write:4', 'before-write:5', 'before-write:7', 'before-write:10'];
const STEPS = ['reserve', 'attach', 'detach', 'release'] as const;

t.test(
  'a kind that is killed before or after any record leaves nothing with its driver that it does not know of',
  { timeout: 300_000 },
  async (t) => {
    const node = await openNode(t);
    const files = join(node.directory, 'driver-files');
    mkdirSync(files);
    const driver = await node.install(DRIVER);
    const kind = await node.install(KIND);
    start(t, node, [{ plugin: driver, definition: fakeDriver(files) }]);
    await node.kernel.ready('fake-driver');
    for (const [index, fault] of FAULTS.entries()) {
      const record = index + 1;
      const object = `data-${record}`;
      const child = await kindKilled(t, node, kind, fault);
      const number = record * 10;
      for (const [offset, step] of STEPS.entries()) {
        if (!child.isRunning()) break;
        const held = { reference: { ...reference(node, number + offset), object: 'c1/data' }, options: JSON.stringify({ object }) };
        const asked = node.provider('fake', step, step === 'release' ? { ...held, purge: true } : held, {
          deadline: Deadline.after(2_000),
        });
        await Promise.race([asked, child.waitForExit()]).catch(() => undefined);
        asked.catch(() => undefined);
      }
      t.notOk(child.isRunning(), `${fault} was reached`);
      await child.waitForExit();
      node.kernel.forget();
      // The next one: what was open is ended, what was done is known.
      const next = await kindKilled(t, node, kind, undefined);
      await node.kernel.ready('fake-kind');
      const end = { ...reference(node, number + 8), object: 'c1/data' };
      await node.provider('fake', 'detach', { reference: { ...end, number: number + 7 } });
      await node.provider('fake', 'release', { reference: end, purge: true });
      await until(`${fault}: nothing is left`, () => readdirSync(files).length === 0);
      next.signal('SIGTERM');
      await next.waitForExit();
      node.kernel.forget();
    }
  },
);
