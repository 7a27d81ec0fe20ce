import { needs, slowFactor, tempDir } from '@cleat/harness';
import t from 'tap';
import { BareKernel } from '../platform/bare-kernel.ts';
import { killAtEvery } from './kernel-matrix.ts';
import { PLAIN_STEPS, plainLife } from './lives.ts';

t.setTimeout(300_000 * slowFactor());

t.test('a client that sends again gets its answer from the next kernel, at whatever record the first one was killed', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon')) return;
  const kernel = new BareKernel(tempDir(t, 'stays'));
  t.teardown(() => kernel.down());
  await kernel.start();
  await killAtEvery(t, { kernel, steps: PLAIN_STEPS, moments: ['after'], life: plainLife, client: 'stays' });
});
