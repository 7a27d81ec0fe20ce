import { needs, slowFactor, tempDir, waitFor } from '@cleat/harness';
import t from 'tap';
import { NodeClient } from '../platform/node-client.ts';
import { Platform } from '../platform/platform.ts';

const TOGETHER = ['images', 'network', 'storage', 'logging'];
/** Longer than a turn of each of the four at five seconds, and than the fifteen seconds after which one is unresponsive. */
const WATCHED_MS = 22_000;

t.setTimeout(120_000 * slowFactor());

t.test('plugins that share a process share a heartbeat', async (t) => {
  if (!needs(t, 'root')) return;
  const platform = new Platform(tempDir(t, 'heartbeats'));
  await platform.up();
  t.teardown(() => platform.down());
  const node = await NodeClient.open(platform.runDir, '');
  t.teardown(() => node.close());
  const plugins = await Promise.all(TOGETHER.map((name) => node.waitForPlugin(name)));
  const [pid = 0] = new Set(plugins.map((plugin) => plugin.pid));
  t.same(new Set(plugins.map((plugin) => plugin.pid)).size, 1);
  const lost = async (): Promise<string[]> =>
    (await node.events())
      .filter(({ type }) => type === 'plugin.lost')
      .map(({ subject }) => subject)
      .sort();

  await t.test('none is lost, although each beats less often than silence is borne', async (t) => {
    const from = performance.now();
    await waitFor('the time', () => performance.now() - from > WATCHED_MS, { timeoutMs: 2 * WATCHED_MS });
    t.same(await lost(), []);
  });

  await t.test('a process that stands still is noticed for all of them, and they come back with it', async (t) => {
    process.kill(pid, 'SIGSTOP');
    await waitFor('all of them', async () => (await lost()).length === TOGETHER.length, { timeoutMs: 60_000 });
    process.kill(pid, 'SIGCONT');
    for (const name of TOGETHER) t.equal((await node.waitForPlugin(name, 'ready', 60_000)).pid, pid);
  });
});
