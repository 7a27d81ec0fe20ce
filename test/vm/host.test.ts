import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { findProgram, needs, runProcess, tempDir } from '@cleat/harness';
import t from 'tap';

const PROGRAMS = ['runc', 'conmon', 'nats-server', 'nft', 'ip', 'busybox', 'nsenter'];

t.test('the machine has cgroup v2 with every controller that limits need', (t) => {
  if (!needs(t, 'root', 'cgroup-v2')) return;
  const controllers = readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' ');
  for (const name of ['cpu', 'cpuset', 'io', 'memory', 'pids']) t.ok(controllers.includes(name), name);
  t.end();
});

t.test('the machine has every program that the platform starts', (t) => {
  t.same(
    PROGRAMS.filter((name) => findProgram(name) === undefined),
    [],
  );
  t.end();
});

t.test('a temporary directory can be the upper layer of an overlay', async (t) => {
  if (!needs(t, 'root', 'overlayfs')) return;
  const dir = tempDir(t);
  await runProcess(['mkdir', `${dir}/lower`, `${dir}/upper`, `${dir}/work`, `${dir}/merged`]);
  const layers = `lowerdir=${dir}/lower,upperdir=${dir}/upper,workdir=${dir}/work`;
  await runProcess(['mount', '-t', 'overlay', 'none', '-o', layers, `${dir}/merged`]);
  t.teardown(() => runProcess(['umount', `${dir}/merged`]));
  t.equal(statfsSync(`${dir}/merged`).type, 0x794c7630);
});

t.test('systemd, where it is process 1, takes a transient unit with a limit', async (t) => {
  if (!needs(t, 'root', 'systemd')) return;
  const unit = ['--quiet', '--wait', '--pipe', '--collect', '-p', 'MemoryMax=64M'];
  const { stdout } = await runProcess(['systemd-run', ...unit, 'cat', '/proc/self/cgroup']);
  const path = /^0::(.+)$/m.exec(stdout)?.[1] ?? '';
  t.match(path, /\.service$/);
  t.ok(existsSync('/run/systemd/system'));
});
