import { join } from 'node:path';
import { needs, slowFactor, tempDir, waitFor } from '@cleat/harness';
import t from 'tap';
import { FAKE, Fake } from '../fakes/fake-install.ts';
import { BareKernel } from '../platform/bare-kernel.ts';
import { claimLife } from './lives.ts';
import { killOtherAtEvery } from './other-matrix.ts';

t.setTimeout(300_000 * slowFactor());

/** Records between which somebody else is asked for something, or has just been. */
const STEPS: readonly string[] = [
  ...['create.intent', 'reserve.intent', 'reserve.done', 'start.intent', 'attach.intent', 'attach.done', 'started'],
  ...['update.intent', 'claim.add.intent', 'claim.remove.intent', 'exit', 'detach.intent', 'remove.intent', 'release.intent'],
];

t.test('the server of the bus killed at every record: everything comes through', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon')) return;
  const kernel = new BareKernel(tempDir(t, 'bus'));
  t.teardown(() => kernel.down());
  await kernel.start();
  const fake = await Fake.install(kernel, FAKE);
  await killOtherAtEvery(t, {
    kernel,
    steps: STEPS,
    victim: async () => kernel.busPid,
    life: claimLife,
    dirs: [join(fake.stateDir, 'objects'), join(fake.stateDir, 'uses')],
    settle: () => settled(kernel),
  });
});

t.test('a provider killed at every record: it comes back, and what was asked of it is done', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon')) return;
  const kernel = new BareKernel(tempDir(t, 'provider'));
  t.teardown(() => kernel.down());
  await kernel.start();
  const fake = await Fake.install(kernel, FAKE);
  await killOtherAtEvery(t, {
    kernel,
    steps: STEPS,
    victim: () => fake.pid(),
    life: claimLife,
    // Its successor may be told of the same claim by its reconcile before the call comes again.
    mayFail: /^done$|fake/,
    dirs: [join(fake.stateDir, 'objects'), join(fake.stateDir, 'uses')],
    // Begun anew, so that its supervisor does not think that it fails for ever.
    prepare: async () => {
      await fake.installAgain();
      await kernel.client.waitForPlugin('fake');
    },
    settle: () => settled(kernel),
  });
});

async function settled(kernel: BareKernel): Promise<void> {
  await kernel.client.waitForPlugin('fake', 'ready', 30_000);
  await waitFor('the debts', async () => (await kernel.client.info()).owed.length === 0, { timeoutMs: 30_000 });
}
