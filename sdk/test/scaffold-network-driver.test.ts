import { needs } from '@cleat/harness';
import t from 'tap';
import { newPluginPasses } from './plugin-suites.ts';

t.test('a new network-driver passes its suite', async (t) => {
  if (!needs(t, 'root')) return;
  await newPluginPasses(t, 'network-driver', 17);
});
