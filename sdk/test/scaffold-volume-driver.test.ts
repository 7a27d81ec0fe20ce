import t from 'tap';
import { newPluginPasses } from './plugin-suites.ts';

t.test('a new volume-driver passes its suite', async (t) => {
  await newPluginPasses(t, 'volume-driver', 18);
});
