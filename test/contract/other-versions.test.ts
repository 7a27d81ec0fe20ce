import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs, slowFactor, tempDir } from '@cleat/harness';
import t, { type Test } from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { BareKernel } from '../platform/bare-kernel.ts';
import { makeOtherRelease } from '../platform/other-release.ts';

t.setTimeout(100_000 * slowFactor());

const SLEEP = ['sleep', '1000'];
const BOTH = { ...FAKE, contracts: { provider: ['1.0', '1.1'] } };
const CLAIM = fakeClaim('a', { contribution: { environment: ['GIVEN=1'] } });

async function started(t: Test, name: string): Promise<BareKernel | undefined> {
  if (!needs(t, 'root', 'runc', 'conmon', 'nats-server', 'busybox')) return undefined;
  const kernel = new BareKernel(tempDir(t, name));
  t.teardown(async () => {
    if (!t.passing()) t.comment(kernel.logTail);
    await kernel.down();
  });
  return kernel;
}

/** Everything that provider@1 has: reserve, attach, detach, release, and a reconcile of what it holds. */
async function wholeLife(t: Test, kernel: BareKernel, fake: Fake): Promise<void> {
  const node = kernel.client;
  const before = [fake.objects, fake.uses];
  await node.run('used', SLEEP, { claims: [CLAIM] });
  const { state } = await node.inspect('used');
  t.match(readFileSync(`/proc/${state.pid}/environ`, 'utf8'), /GIVEN=1/, 'its contribution is understood');
  const killed = await fake.pid();
  process.kill(killed, 'SIGKILL');
  await node.until('another one', async () => ![0, killed].includes(await fake.pid()), 20_000);
  await node.waitForPlugin('fake');
  t.equal((await node.inspect('used')).state.pid, state.pid);
  await node.call('container', 'stop', { container: 'used' });
  await node.remove('used');
  const words = new Set(fake.calls().map(({ operation }) => operation));
  t.same([...words].sort(), ['attach', 'detach', 'reconcile', 'release', 'reserve']);
  t.same([fake.objects, fake.uses], before);
  t.same((await node.info()).owed, []);
}

t.test('a plugin of a later minor version works with this kernel', async (t) => {
  const kernel = await started(t, 'older');
  if (kernel === undefined) return;
  const { fakeProgram } = makeOtherRelease(join(kernel.dir, 'other'));
  await kernel.start();
  const fake = await Fake.install(kernel, BOTH, { command: [process.execPath, fakeProgram] });
  await kernel.client.waitForPlugin('fake');
  await wholeLife(t, kernel, fake);
});

t.test('a kernel of a later minor version works with a plugin of this one, and takes over from this kernel', async (t) => {
  const kernel = await started(t, 'newer');
  if (kernel === undefined) return;
  const { kernelMain } = makeOtherRelease(join(kernel.dir, 'other'));
  await kernel.start();
  const fake = await Fake.install(kernel, FAKE);
  await kernel.client.run('kept', SLEEP, { claims: [CLAIM] });
  const { pid } = (await kernel.client.inspect('kept')).state;
  for (const main of [kernelMain, undefined]) {
    await kernel.kill();
    kernel.use(main);
    await kernel.start();
    await kernel.client.waitForPlugin('fake');
    t.equal((await kernel.client.inspect('kept')).state.pid, pid, 'what ran runs on');
    await wholeLife(t, kernel, fake);
  }
  await kernel.client.remove('kept');
});

t.test('a pair that has no version in common is refused with the sentence that says what to upgrade', async (t) => {
  const kernel = await started(t, 'apart');
  if (kernel === undefined) return;
  const { fakeProgram } = makeOtherRelease(join(kernel.dir, 'other'));
  await kernel.start();
  const pairs: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'newest',
      ['1.1'],
      /^plugin newest 1\.0\.0 speaks provider 1\.1, Cleat 0\.1\.0 speaks 1\.0: upgrade Cleat to a version that speaks provider 1\.1$/,
    ],
    [
      'oldest',
      ['0.9'],
      /^plugin oldest 1\.0\.0 speaks provider 0\.9, Cleat 0\.1\.0 speaks 1\.0: upgrade the plugin to a version that speaks provider 1\.0$/,
    ],
  ];
  for (const [name, provider, says] of pairs) {
    await Fake.install(
      kernel,
      { ...FAKE, name, contracts: { provider: [...provider] }, provides: [{ kind: name, reserve: true, attach: true }] },
      { command: [process.execPath, fakeProgram] },
    );
    const { reason } = await kernel.client.waitForPlugin(name, 'incompatible');
    t.match(reason, says);
    const isTold = async (): Promise<boolean> =>
      (await kernel.client.events()).some(({ type, subject }) => type === 'plugin.incompatible' && subject === name);
    await kernel.client.until('its event', isTold);
  }
});
