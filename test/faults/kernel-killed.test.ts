import { needs, slowFactor, tempDir } from '@cleat/harness';
import t from 'tap';
import { BareKernel } from '../platform/bare-kernel.ts';
import { killAtEvery } from './kernel-matrix.ts';
import { PLAIN_STEPS, plainLife } from './lives.ts';

t.setTimeout(300_000 * slowFactor());

t.test('killed before and after every record, the kernel finds what is true and leaves nothing', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon')) return;
  const kernel = new BareKernel(tempDir(t, 'killed'));
  t.teardown(() => kernel.down());
  await kernel.start();
  await killAtEvery(t, { kernel, steps: PLAIN_STEPS, life: plainLife, client: 'leaves' });
});
