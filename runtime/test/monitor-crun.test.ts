import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CgroupTree } from '@cleat/core/cgroup';
import { needs, runProcess } from '@cleat/harness';
import t from 'tap';
import { isWaiting } from '../src/monitor/index.ts';
import { logLines, RuntimeFixture, specOf } from './runtime-fixture.ts';

/** crun 1.8 refuses a hybrid host, so there the test runs once more where the v2 tree can't be seen. */
const HIDES_V2 = 'umount /sys/fs/cgroup/unified && exec "$@"';

if (needs(t, 'root', 'crun', 'conmon', 'busybox')) {
  if (new CgroupTree().layout === 'hybrid') {
    t.test('all of it, without the v2 tree', async (t) => {
      const self = fileURLToPath(import.meta.url);
      const argv = ['unshare', '-m', '--', 'sh', '-c', HIDES_V2, 'sh', process.execPath, self];
      const { stdout } = await runProcess(argv, { timeoutMs: 60_000, allowExit: 'any' });
      t.match(stdout, /# \{ total: \d+, pass: \d+ \}/, stdout);
      t.match(stdout, /crun starts, reports and cleans up/);
    });
  } else {
    t.test('crun starts, reports and cleans up, by its pipe and by its commands', async (t) => {
      const fixture = new RuntimeFixture(t, { runtime: 'crun' });
      const container = await fixture.create(fixture.bundle(specOf(['sh', '-c', 'echo out; exit 7'])));
      t.equal(isWaiting(fixture.runtime, container.id), true);
      await fixture.start(container);
      t.equal((await fixture.exitOf(container)).exitCode, 7);
      t.same(logLines(readFileSync(container.logPath, 'utf8')), ['out']);
      t.equal(isWaiting(fixture.runtime, container.id), false);
      await fixture.clean(container);
      t.notOk(existsSync(join(fixture.runtime.root, container.id)));
      t.notOk(fixture.tree.exists(container.cgroup));
    });

    t.test('its errors have the words that clients look for', async (t) => {
      const fixture = new RuntimeFixture(t, { runtime: 'crun' });
      await t.rejects(fixture.create(fixture.bundle(specOf(['nothing-here']))), {
        code: 'PROCESS_NOT_FOUND',
        message: /exec: "nothing-here": executable file not found in \$PATH/,
        details: { exitCode: '127' },
      });
      await t.rejects(fixture.create(fixture.bundle(specOf(['/etc/passwd']))), {
        code: 'PROCESS_NOT_EXECUTABLE',
        details: { exitCode: '126' },
      });
    });
  }
}
