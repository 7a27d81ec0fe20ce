import t from 'tap';
import { newPluginPasses } from './plugin-suites.ts';

t.test('a new log-driver passes its suite', async (t) => {
  await newPluginPasses(t, 'log-driver', 13);
});
