import { join } from 'node:path';
import { needs, slowFactor, tempDir, waitFor } from '@cleat/harness';
import t from 'tap';
import { FAKE, Fake } from '../fakes/fake-install.ts';
import { BareKernel } from '../platform/bare-kernel.ts';
import { killAtEvery } from './kernel-matrix.ts';
import { CLAIM_STEPS, claimLife } from './lives.ts';

t.setTimeout(300_000 * slowFactor());

t.test('killed at every record about claims, the kernel leaves nothing with their provider', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon')) return;
  const kernel = new BareKernel(tempDir(t, 'claims'));
  t.teardown(() => kernel.down());
  await kernel.start();
  const fake = await Fake.install(kernel, FAKE);
  await killAtEvery(t, {
    kernel,
    steps: CLAIM_STEPS,
    moments: ['after'],
    life: claimLife,
    client: 'leaves',
    dirs: [join(fake.stateDir, 'objects'), join(fake.stateDir, 'uses')],
    check: async (t) => {
      await kernel.client.waitForPlugin('fake');
      await waitFor('nothing owed', async () => (await kernel.client.info()).owed.length === 0);
      t.same((await kernel.client.info()).owed, [], 'nothing is owed to a provider that is there');
    },
  });
});
