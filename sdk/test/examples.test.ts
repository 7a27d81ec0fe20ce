import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { needs } from '@cleat/harness';
import t from 'tap';
import { build, runSuite } from './plugin-suites.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url));

t.test('the smallest plugin passes its suite', (t) => runSuite(t, join(EXAMPLES, 'plugin-minimal'), 11, 'suite.test.js'));

t.test('the volume driver builds and passes its suite', async (t) => {
  if (!needs(t, 'root')) return;
  const directory = join(EXAMPLES, 'volume-driver-ts');
  await build(directory);
  await runSuite(t, directory, 18);
});
