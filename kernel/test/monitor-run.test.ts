import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { processStartTime } from '@cleat/core/syscalls';
import { leakCheck, needs, waitFor } from '@cleat/harness';
import { isCleatError } from '@cleat/schemas';
import t from 'tap';
import {
  ExitWatcher,
  isMonitorAlive,
  isWaiting,
  killMonitor,
  type RunEnd,
  signalInit,
  signalNumber,
} from '../src/monitor/index.ts';
import { logLines, NO_RESOURCES, processOf, RuntimeFixture, specOf } from './runtime-fixture.ts';

if (needs(t, 'root', 'runc', 'conmon', 'busybox')) {
  t.test('a created process waits, runs when started, and its exit code, time and output stay', async (t) => {
    const fixture = new RuntimeFixture(t);
    const leaks = leakCheck(t, { dirs: [fixture.directory], names: /cleat-test/ });
    const bundle = fixture.bundle(specOf(['sh', '-c', 'echo out; echo err >&2; exit 7']));
    const container = await fixture.create(bundle);
    t.equal(isWaiting(fixture.runtime, container.id), true);
    t.equal(readFileSync(container.logPath, 'utf8'), '');
    await fixture.start(container);
    const report = await fixture.exitOf(container);
    t.equal(report.exitCode, 7);
    t.equal(report.oomKilled, false);
    t.ok(Math.abs(Number(report.finishedAtNs / 1_000_000n) - Date.now()) < 10_000);
    t.same(logLines(readFileSync(container.logPath, 'utf8')).sort(), ['err', 'out']);
    await fixture.clean(container);
    t.notOk(existsSync(join(fixture.runtime.root, container.id)));
    t.notOk(fixture.tree.exists(container.cgroup));
    await fixture.clean(container);
    void leaks;
  });
}
void [
  isCleatError,
  waitFor,
  ExitWatcher,
  isMonitorAlive,
  killMonitor,
  signalInit,
  signalNumber,
  processStartTime,
  NO_RESOURCES,
  processOf,
];

export type { RunEnd };
