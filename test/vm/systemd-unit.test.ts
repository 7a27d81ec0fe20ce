import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { needs, tempDir, waitFor } from '@cleat/harness';
import t from 'tap';
import { CGROUP_PATHS, cgroupOf, inspect, wholeLife } from './container-life.ts';
import { UnitPlatform } from './unit-platform.ts';

t.test('systemd runs the platform: socket activation, containers as scopes, restarts', async (t) => {
  if (!needs(t, 'root', 'cgroup-v2', 'systemd', 'overlayfs', 'docker')) return;
  const platform = new UnitPlatform();
  const dir = tempDir(t, 'vm-unit');
  t.teardown(() => platform.remove());
  await platform.install();

  await t.test('the first client that connects to the socket starts the service, and is answered', async (t) => {
    await platform.systemctl('start', 'cleat.socket');
    t.notOk(await platform.isActive('cleat.service'));
    const { stdout } = await platform.docker(['version', '--format', '{{.Server.APIVersion}}']);
    t.match(stdout, /^1\.\d+\n$/);
    t.ok(await platform.isActive('cleat.service'));
    t.equal((await platform.docker(['info', '-f', '{{.CgroupDriver}} {{.CgroupVersion}}'])).stdout, 'systemd 2\n');
    const { stdout: status } = await platform.cleat(['status', '--json']);
    t.match(status, /"hosts":\["unix:\/\/\/run\/cleat\/docker.sock"\]/);
  });

  await platform.importBusybox(dir);
  await wholeLife(t, platform, 'systemd');

  await platform.docker(['run', '-d', '--name', 'stays', '--network', 'none', 'busybox', 'sleep', '10000']);
  const state = '{{.State.Pid}} {{.State.Running}}';
  const before = await inspect(platform, 'stays', state);

  await t.test('stopped, it is down; the socket starts it again; containers run all the while', async (t) => {
    await platform.systemctl('stop', 'cleat.service');
    t.equal((await platform.cleat(['status'], { allowExit: 'any' })).code, 3);
    t.ok(isAlive(Number(before.split(' ')[0])));
    t.equal(await inspect(platform, 'stays', state), before);
    t.ok(await platform.isActive('cleat.service'));
  });

  await t.test('its first process killed, systemd starts another, with the other driver if the configuration says so', async (t) => {
    const config = '/etc/cleat/config.yaml';
    writeFileSync(config, readFileSync(config, 'utf8').replace('cgroupDriver: systemd', 'cgroupDriver: cgroupfs'));
    const killed = platform.loopPid;
    process.kill(killed, 'SIGKILL');
    await waitFor('another first process', () => platform.loopPid !== killed, { timeoutMs: 30_000 });
    await platform.waitForApi();
    t.equal(await inspect(platform, 'stays', state), before);
    t.equal((await platform.docker(['exec', 'stays', 'echo', 'well'])).stdout, 'well\n');
    await platform.docker(['run', '-d', '--name', 'direct', '--network', 'none', '-m', '32m', 'busybox', 'sleep', '10000']);
    const directory = await cgroupOf(platform, 'direct');
    t.match(directory.replace('/sys/fs/cgroup', ''), CGROUP_PATHS.cgroupfs);
    t.equal(readFileSync(`${directory}/memory.max`, 'utf8'), '33554432\n');
    await platform.docker(['rm', '-f', 'direct', 'stays']);
    t.equal((await platform.docker(['ps', '-aq'])).stdout, '');
  });
});

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
