import { slowFactor, waitFor } from '@cleat/harness';
import { isCleatError } from '@cleat/schemas';
import t, { type Test } from 'tap';
import { FAKE_DRIVER, FAKE_WITH_DRIVERS, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { failure, startedKernel } from '../joints/joint.ts';
import type { BareKernel } from '../platform/bare-kernel.ts';
import { checkEvents } from '../platform/event-check.ts';
import { checkTruth } from './kernel-matrix.ts';

t.setTimeout(300_000 * slowFactor());

const SLEEP = ['sleep', '1000'];
const CLAIM = fakeClaim('a', { driver: 'deep', contribution: { environment: ['DEEP=1'] } });

interface Levels {
  readonly kernel: BareKernel;
  readonly kind: Fake;
  readonly driver: Fake;
}

async function levels(t: Test): Promise<Levels | undefined> {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return undefined;
  const driver = await Fake.install(kernel, FAKE_DRIVER);
  const kind = await Fake.install(kernel, FAKE_WITH_DRIVERS);
  return { kernel, kind, driver };
}

t.test('a kind calls its drivers as the kernel calls the kind', async (t) => {
  const all = await levels(t);
  if (all === undefined) return;
  const { kernel, kind, driver } = all;
  const node = kernel.client;

  await t.test('objects are reserved with the driver, uses attached under the kernel’s numbers', async (t) => {
    await node.run('deep', SLEEP, { claims: [CLAIM] });
    const { state } = await node.inspect('deep');
    const { readFileSync } = await import('node:fs');
    t.match(readFileSync(`/proc/${state.pid}/environ`, 'utf8'), /DEEP=1/);
    await node.remove('deep');
    t.same(
      driver
        .calls()
        .filter(({ operation }) => operation !== 'reconcile')
        .map(({ operation }) => operation),
      ['reserve', 'attach', 'detach', 'release'],
    );
    const numbersOf = (fake: Fake, operation: string): readonly number[] =>
      fake
        .calls()
        .filter((call) => call.operation === operation)
        .map(({ number }) => number);
    for (const operation of ['attach', 'detach'])
      t.same(numbersOf(driver, operation), numbersOf(kind, operation), `${operation} passes its number on`);
    t.same([driver.objects, driver.uses, kind.objects, kind.uses], [[], [], [], []]);
  });

  await t.test('the driver’s refusal is the error, and names the driver', async (t) => {
    driver.control({ attach: { error: { class: 'resource_exhausted', code: 'DEEP_FULL', message: 'no room down here' } } });
    await node.create('full', SLEEP, { claims: [CLAIM] });
    const error = await failure(node.call('container', 'start', { container: 'full' }));
    t.match(error, { code: 'DEEP_FULL', plugin: 'fake-driver' });
    driver.control({});
    await node.remove('full');
  });

  await t.test('a driver that is away makes its own objects unavailable, not the kind', async (t) => {
    await node.run('under', SLEEP, { claims: [CLAIM] });
    await node.call('plugin', 'disable', { name: 'fake-driver', force: true });
    const error = await failure(node.create('none', SLEEP, { claims: [CLAIM] }));
    t.match(error.class, /unavailable/);
    t.match(error.message, /driver|deep/);
    await node.run('shallow', SLEEP, { claims: [fakeClaim('a')] });
    await node.remove('shallow');
    await node.remove('under');
    await node.call('plugin', 'enable', { name: 'fake-driver' });
    await node.waitForPlugin('fake-driver');
    await waitFor('the debts', () => driver.objects.length + driver.uses.length === 0, { timeoutMs: 20_000 });
    t.same([driver.objects, driver.uses], [[], []], 'it was told what it owes');
  });
});

const KIND_RECORDS: readonly (readonly [string, number])[] = [
  ...['reserve.intent', 'reserve.done', 'attach.intent', 'attach.done', 'detach.done', 'release.intent', 'release.done'].map(
    (step) => [step, 1] as const,
  ),
  ...Array.from({ length: 9 }, (_, index) => ['ledger', index + 1] as const),
];
/** In the kernel's journal as in the driver's. */
const CALL_RECORDS = [
  'reserve.intent',
  'reserve.done',
  'attach.intent',
  'attach.done',
  'detach.intent',
  'detach.done',
  'release.intent',
  'release.done',
];
t.test('killed at every record of the three journals, nothing is left with kind or driver', async (t) => {
  const all = await levels(t);
  if (all === undefined) return;
  const { kernel, kind, driver } = all;
  const cases: readonly (readonly [string, () => void, Fake | undefined])[] = [
    ...KIND_RECORDS.map(([step, count]) => [`the kind at ${step} ${count}`, (): void => kind.arm('after', step, count), kind] as const),
    ...CALL_RECORDS.map((step) => [`the driver at ${step}`, (): void => driver.arm('after', step), driver] as const),
    ...CALL_RECORDS.map((step) => [`the kernel at ${step}`, (): void => kernel.arm('after', step), undefined] as const),
  ];
  for (const [title, arm, victim] of cases) await t.test(title, (t) => oneKill(t, all, { arm, victim }));
  checkEvents(t, await kernel.client.events());
});

interface Kill {
  arm(): void;
  readonly victim: Fake | undefined;
}

async function oneKill(t: Test, { kernel, kind, driver }: Levels, { arm, victim }: Kill): Promise<void> {
  // Begun anew, so that its supervisor does not think that it fails for ever.
  await victim?.installAgain();
  for (const fake of [driver, kind]) await kernel.client.waitForPlugin(fake.name);
  arm();
  const outcome = life(kernel).then(() => 'done', described);
  await Promise.race([outcome, kernel.ended(60_000)]);
  if (kernel.hasEnded) await kernel.start();
  t.match(await outcome, /^done$|fake|deep/, 'it came through, or the error names who died');
  t.notOk(kernel.isArmed || kind.isArmed || driver.isArmed, 'the record was reached');
  for (const armed of [kernel, kind, driver]) armed.disarm();
  await checkTruth(t, kernel);
  await kernel.client.removeAll();
  for (const fake of [driver, kind]) await kernel.client.waitForPlugin(fake.name, 'ready', 30_000);
  const left = (): readonly string[] => [...kind.objects, ...kind.uses, ...driver.objects, ...driver.uses];
  await waitFor('nothing left', () => left().length === 0, { timeoutMs: 20_000 }).catch(() => undefined);
  t.same({ kind: [kind.objects, kind.uses], driver: [driver.objects, driver.uses] }, { kind: [[], []], driver: [[], []] });
  const owed = async (): Promise<readonly unknown[]> => (await kernel.client.info()).owed;
  // Its reconcile may have done it, and not be answered yet.
  await waitFor('the debts', async () => (await owed()).length === 0, { timeoutMs: 20_000 }).catch(() => undefined);
  t.same(await owed(), []);
  if (!t.passing()) t.comment(`${kernel.logTail}\n${kind.log.slice(-3000)}`);
}

async function life(kernel: BareKernel): Promise<void> {
  const name = `deep-${Math.random().toString(36).slice(2)}`;
  const node = kernel.client;
  await node.run(name, SLEEP, { claims: [CLAIM] });
  await node.call('container', 'stop', { container: name });
  await node.call('container', 'remove', { container: name, purge: true });
}

function described(error: unknown): string {
  if (isCleatError(error)) return `${error.code} ${error.plugin ?? ''}: ${error.message}`;
  return String(error);
}
