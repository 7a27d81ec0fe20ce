import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deadline } from '@cleat/core/deadlines';
import { processStartTime } from '@cleat/core/syscalls';
import { leakCheck, needs, waitFor } from '@cleat/harness';
import t from 'tap';
import {
  ExitWatcher,
  endByCommandLine,
  endCgroup,
  isMonitorAlive,
  isWaiting,
  killMonitor,
  type RunEnd,
  signalInit,
  startCreated,
} from '../src/monitor/index.ts';
import { logLines, NO_RESOURCES, processOf, RuntimeFixture, specOf } from './runtime-fixture.ts';

const IGNORING = ['sh', '-c', 'trap "echo got; exit 3" TERM; echo ready; while :; do sleep 0.05; done'];

if (needs(t, 'root', 'runc', 'conmon', 'busybox')) {
  t.test('a created process waits, runs when started, and its exit code, time and output stay', async (t) => {
    const fixture = new RuntimeFixture(t);
    const leaks = leakCheck(t, { dirs: [], names: new RegExp(fixture.cgroupParent.slice(1)) });
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
    await fixture.tree.remove(fixture.cgroupParent);
    await leaks.assertNothingLeft();
  });

  t.test('signals reach the process, real-time ones too', async (t) => {
    const fixture = new RuntimeFixture(t);
    const container = await fixture.run(specOf(IGNORING));
    await waitFor('its first line', () => readFileSync(container.logPath, 'utf8').includes('ready'));
    const init = { pid: container.pid, startTime: processStartTime(container.pid) ?? 0 };
    t.equal(signalInit(init, 37), true, 'SIGRTMIN+3, which process 1 of a pid namespace ignores');
    t.equal(signalInit(init, 15), true);
    t.equal((await fixture.exitOf(container)).exitCode, 3);
    await waitFor('its end', () => !signalInit(init, 9));
  });

  t.test('a process that memory ran out for is reported so', async (t) => {
    const fixture = new RuntimeFixture(t);
    const resources = { ...NO_RESOURCES, memoryBytes: 16 * 1024 * 1024, memorySwapBytes: 16 * 1024 * 1024 };
    const limits = fixture.host.hasSwapLimit ? resources : { ...resources, memorySwapBytes: 0 };
    const eater = ['sh', '-c', 'head -c 200m /dev/zero | tail'];
    const container = await fixture.run(specOf(eater, { resources: limits, process: processOf(['tail', '/dev/zero']) }));
    const report = await fixture.exitOf(container);
    t.equal(report.exitCode, 137);
    t.ok(report.oomKilled || (fixture.tree.oomKillCount(container.cgroup) ?? 0) > 0);
    t.equal(fixture.tree.oomKillCount(container.cgroup), 1);
  });

  t.test('a process that can not be run says why, in the words that clients look for', async (t) => {
    const fixture = new RuntimeFixture(t);
    const leaks = leakCheck(t, { dirs: [], names: new RegExp(fixture.cgroupParent.slice(1)) });
    await t.rejects(fixture.create(fixture.bundle(specOf(['nothing-here']))), {
      code: 'PROCESS_NOT_FOUND',
      class: 'invalid_argument',
      message: /exec: "nothing-here": executable file not found in \$PATH/,
      details: { exitCode: '127' },
    });
    await t.rejects(fixture.create(fixture.bundle(specOf(['/etc/passwd']))), {
      code: 'PROCESS_NOT_EXECUTABLE',
      message: /permission denied/,
      details: { exitCode: '126' },
    });
    await t.rejects(fixture.create(fixture.bundle(specOf(['/nowhere/x']))), { code: 'PROCESS_NOT_FOUND' });
    const sysctls = { 'kernel.hostname_not': '1' };
    await t.rejects(fixture.create(fixture.bundle(specOf(['true'], { sysctls }))), {
      code: 'RUNTIME_FAILED',
      details: { exitCode: '128' },
    });
    await fixture.tree.remove(fixture.cgroupParent);
    await leaks.assertNothingLeft();
  });

  t.test('the end of a run is told at once, and only once', async (t) => {
    const fixture = new RuntimeFixture(t);
    const ends: [string, RunEnd][] = [];
    const watcher = new ExitWatcher({ onEnd: (key, end) => ends.push([key, end]) });
    t.teardown(() => {
      watcher.close();
    });
    const container = await fixture.run(specOf(['sleep', '60']));
    watcher.watch({ key: 'a', persistDir: container.directory, ...container });
    fixture.kill(container);
    await waitFor('the end', () => ends.length > 0, { intervalMs: 1 });
    t.match(ends, [['a', { type: 'exited', report: { exitCode: 137 } }]]);
    const late = Date.now() - Number((await fixture.exitOf(container)).finishedAtNs / 1_000_000n);
    t.ok(late < 500, `known ${late} ms after the exit`);
    watcher.watch({ key: 'b', persistDir: container.directory, id: container.id, exitDir: container.exitDir, monitor: container.monitor });
    await waitFor('an end that was there before', () => ends.length > 1, { intervalMs: 1 });
    t.match(ends[1], ['b', { type: 'exited', report: { exitCode: 137 } }]);
  });

  t.test('a monitor that is killed is told, with and without its link, and the container lives on', async (t) => {
    const fixture = new RuntimeFixture(t);
    const ends: [string, RunEnd][] = [];
    const watcher = new ExitWatcher({ onEnd: (key, end) => ends.push([key, end]) });
    t.teardown(() => {
      watcher.close();
    });
    for (const key of ['linked', 'adopted']) {
      const { link, ...container } = await fixture.run(specOf(['sleep', '60']));
      if (key === 'adopted') link.destroy();
      watcher.watch({ key, persistDir: container.directory, ...container, ...(key === 'linked' ? { link } : {}) });
      t.equal(killMonitor(container.monitor), true);
      await waitFor(`the loss of ${key}`, () => ends.some(([ended]) => ended === key), { intervalMs: 5 });
      t.same(ends.at(-1), [key, { type: 'monitor-lost' }]);
      t.equal(isMonitorAlive(container.monitor), false);
      t.ok(processStartTime(container.pid), 'the container lives');
      await endCgroup(fixture.tree, container.cgroup);
    }
  });

  t.test('what a killed kernel had begun is ended by its command line and cgroup', async (t) => {
    const fixture = new RuntimeFixture(t);
    const leaks = leakCheck(t, { dirs: [], names: new RegExp(fixture.cgroupParent.slice(1)) });
    const bundle = fixture.bundle(specOf(['sleep', '60']));
    // Abandoned at different moments, as by a kill.
    for (const waitMs of [0, 5, 15, 30]) {
      const again = waitMs === 0 ? bundle : fixture.bundle(specOf(['sleep', '60']));
      const creation = fixture.create(again);
      creation.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await endByCommandLine(again.directory);
      await endCgroup(fixture.tree, again.cgroup);
      await fixture.clean(again);
      await Promise.allSettled([creation]);
      const left = fixture.tree.processes(again.cgroup);
      t.same(left, [], `nothing is left after ${waitMs} ms`);
    }
    await fixture.tree.remove(fixture.cgroupParent);
    await leaks.assertNothingLeft();
  });

  t.test('a monitor that is not installed is said to be', async (t) => {
    const fixture = new RuntimeFixture(t, { monitorPath: '/nowhere/conmon' });
    await t.rejects(fixture.create(fixture.bundle(specOf(['true']))), { code: 'MONITOR_MISSING', class: 'unavailable' });
  });

  t.test('a process that died before it was started is an error, not a wait', async (t) => {
    const fixture = new RuntimeFixture(t);
    const container = await fixture.create(fixture.bundle(specOf(['sleep', '60'])));
    fixture.kill(container);
    await waitFor('its end', () => fixture.tree.processes(container.cgroup).length === 0);
    await t.rejects(fixture.start(container), { code: 'INIT_DIED' });
  });

  t.test('a runtime that nothing is known of is started and cleaned up by its own commands', async (t) => {
    const fixture = new RuntimeFixture(t);
    const container = await fixture.create(fixture.bundle(specOf(['sh', '-c', 'exit 4'])));
    const unknown = { ...fixture.runtime, fifo: undefined };
    const { id, pid, directory } = container;
    const deadline = Deadline.after(10_000);
    await startCreated({ id, pid, bundle: directory, runtime: unknown, hasPoststartHooks: false, deadline });
    t.equal((await fixture.exitOf(container)).exitCode, 4);
    await fixture.clean(container);
    t.notOk(existsSync(join(fixture.runtime.root, id)));
    t.notOk(fixture.tree.exists(container.cgroup));
  });
}
