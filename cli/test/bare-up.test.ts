import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { hostSnapshot, needs } from '@cleat/harness';
import t from 'tap';
import { testPlatform } from './test-platform.ts';

t.setTimeout(120_000);

t.test('up: the flags of CLEAT_NODE_FLAGS reach the kernel and the process that holds streams', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon', 'nats-server', 'busybox')) return;
  const platform = await testPlatform(t, 'none', { CLEAT_NODE_FLAGS: '--max-semi-space-size=2 --expose-gc' });
  const { stdout } = await platform.cleat(['run', '--rm', '--rootfs', platform.rootfs, 'echo', 'attached']);
  t.equal(stdout, 'attached\n');
  const { processes } = hostSnapshot({ dirs: [platform.directory] });
  for (const main of ['kernel/dist/src/main.js', 'streams/dist/src/main.js']) {
    const found = processes.filter((line) => line.includes(main) && !line.includes('trap'));
    t.equal(found.length, 1, main);
    t.match(found[0], `--max-semi-space-size=2 --expose-gc`, main);
    t.notMatch(found[0], '--v8-pool-size', 'instead of the default ones');
  }

  await t.test('up warns of a directory that containers in user namespaces could not pass', async (t) => {
    const up = ['up', '--plugins', 'none', '--state-dir', join(platform.directory, 'state')];
    chmodSync(platform.directory, 0o700);
    const warned = await platform.cleat(up);
    t.match(warned.stderr, `cleat: warning: ${platform.directory} is closed to others, so containers in a user namespace`);
    t.equal(warned.stderr.match(/warning/g)?.length, 1, 'once, though the run directory lies there too');
    t.match(warned, { code: 1, stderr: /is up already/ });
    chmodSync(platform.directory, 0o711);
    t.notMatch((await platform.cleat(up)).stderr, platform.directory + ' is closed');
  });
});
