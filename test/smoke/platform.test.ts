import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs, tempDir } from '@cleat/harness';
import t from 'tap';
import { instanceCgroups, instanceProcesses } from '../platform/instance-end.ts';
import { Platform } from '../platform/platform.ts';

t.setTimeout(180_000);

t.test('a platform on this version of Node runs a container', async (t) => {
  if (!needs(t, 'root', 'overlayfs', 'docker')) return;
  const platform = new Platform(tempDir(t, 'smoke'));
  await platform.up();
  t.teardown(() => platform.down());
  await platform.importBusybox();
  const run = await platform.docker(['run', '--rm', '-v', 'kept:/data', 'busybox', 'sh', '-c', 'echo out > /data/f; cat /data/f; exit 3'], {
    allowExit: [3],
  });
  t.equal(run.code, 3);
  t.equal(run.stdout, 'out\n');
  await platform.docker(['run', '-d', '--name', 'lasting', 'busybox', 'sh', '-c', 'echo said; exec sleep 1000']);
  t.equal((await platform.docker(['exec', 'lasting', 'echo', 'in it'])).stdout, 'in it\n');
  t.equal((await platform.docker(['logs', 'lasting'])).stdout, 'said\n');
  const { stdout } = await platform.cleat(['status', '--json']);
  t.match(JSON.parse(stdout), { up: true });
  t.match(JSON.parse(stdout), { plugins: Array.from({ length: 5 }, () => ({ state: 'ready' })) }, 'up waits for them');
  await platform.down();
  const instance = readFileSync(join(platform.dir, 'state', 'instance'), 'utf8').trim();
  t.same(instanceProcesses(platform.dir, instance), [], 'no process is left');
  t.same(instanceCgroups(instance), [], 'no cgroup');
  t.same(readdirSync(platform.dir).sort(), ['busybox.tar', 'state'], 'no socket and no run directory');
});
