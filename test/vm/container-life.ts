import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@cleat/harness';
import type { Test } from 'tap';
import { NodeClient } from '../platform/node-client.ts';
import { killKernel, type PlatformClients, pluginPid, waitUntilWell } from '../platform/platform-clients.ts';

/** Everything of a container's life that depends on the host, as one story: each command costs a second in an emulated machine. */

const MIB = 1024 * 1024;
/** One of each process that plugins share. */
const PLUGINS = ['images', 'gateway'] as const;
const SERVER = [
  'echo out; echo err >&2; mkdir -p /www; echo page > /www/index.html; httpd -p 80 -h /www',
  "trap 'exit 3' TERM; sleep 10000 & wait",
].join('; ');
const LIMITS = ['-m', '64m', '--memory-swap', '64m', '--cpus', '0.5', '--pids-limit', '20', '--cpuset-cpus', '0'];

/** Where a container's cgroup is, by the driver that made it. */
export const CGROUP_PATHS: Readonly<Record<CgroupDriver, RegExp>> = {
  cgroupfs: /^\/cleat-[0-9a-f]{8}\/[0-9a-f]{64}$/,
  systemd: /^\/cleat[0-9a-f]{8}\.slice\/cleat-[0-9a-f]{64}\.scope$/,
};

export type CgroupDriver = 'cgroupfs' | 'systemd';

/** Runs the story on a platform that has busybox:latest. */
export async function wholeLife(t: Test, platform: PlatformClients, driver: CgroupDriver): Promise<void> {
  await limitsHold(t, platform, driver);
  await streamsFlow(t, platform);
  await userNamespaceHolds(t, platform);
  await deathsAreOutlived(t, platform);
  await endIsClean(t, platform);
}

/** A container named `life` is started, and its limits are read where the Linux kernel has them. */
export async function limitsHold(t: Test, platform: PlatformClients, driver: CgroupDriver): Promise<void> {
  await t.test(`limits by ${driver} are in the files of the cgroup`, async (t) => {
    const published = ['-p', '127.0.0.1::80', '-v', 'life-data:/data'];
    await platform.docker(['run', '-d', '--name', 'life', ...LIMITS, ...published, 'busybox', 'sh', '-c', SERVER]);
    const directory = await cgroupOf(platform, 'life');
    t.match(directory.replace('/sys/fs/cgroup', ''), CGROUP_PATHS[driver]);
    t.equal(readControl(directory, 'memory.max'), String(64 * MIB));
    t.equal(readControl(directory, 'memory.swap.max'), '0');
    t.equal(readControl(directory, 'pids.max'), '20');
    t.equal(readControl(directory, 'cpu.max'), '50000 100000');
    t.equal(readControl(directory, 'cpuset.cpus'), '0');
    const inside = await platform.docker(['exec', 'life', 'cat', '/sys/fs/cgroup/memory.max']);
    t.equal(inside.stdout, `${64 * MIB}\n`, 'the container sees its own cgroup as the root');
    await platform.docker(['update', '-m', '96m', '--memory-swap', '96m', '--pids-limit', '30', 'life']);
    t.equal(readControl(directory, 'memory.max'), String(96 * MIB));
    t.equal(readControl(directory, 'pids.max'), '30');
    await platform.docker(['pause', 'life']);
    t.equal(readControl(directory, 'cgroup.freeze'), '1');
    await platform.docker(['unpause', 'life']);
    t.equal(readControl(directory, 'cgroup.freeze'), '0');
    const killed = await platform.docker(
      ['run', '--name', 'greedy', '--network', 'none', '-m', '16m', '--memory-swap', '16m', 'busybox', 'tail', '/dev/zero'],
      { allowExit: 'any' },
    );
    t.equal(killed.code, 137, 'what takes more memory than it may is killed');
    t.equal(await inspect(platform, 'greedy', '{{.State.OOMKilled}}'), 'true');
    await platform.docker(['rm', 'greedy']);
  });
}

async function streamsFlow(t: Test, platform: PlatformClients): Promise<void> {
  await t.test('logs, exec, attach and a published port', async (t) => {
    const logs = await platform.docker(['logs', 'life']);
    t.equal(logs.stdout, 'out\n');
    t.equal(logs.stderr, 'err\n');
    const exec = ['exec', '-i', 'life', 'sh', '-c', 'cat; exit 4'];
    const { code, stdout } = await platform.docker(exec, { input: 'into exec\n', allowExit: [4] });
    t.same({ code, stdout }, { code: 4, stdout: 'into exec\n' });
    t.match((await platform.docker(['exec', '-t', 'life', 'tty'])).stdout, /^\/dev\/pts\/\d/);
    await platform.docker(['create', '-i', '--name', 'echoer', '--network', 'none', 'busybox', 'cat']);
    await platform.docker(['start', 'echoer']);
    const attached = await platform.docker(['attach', 'echoer'], { input: 'through and back\n' });
    t.equal(attached.stdout, 'through and back\n');
    await platform.docker(['rm', '-f', 'echoer']);
    t.equal(await page(platform), 'page\n');
  });
}

async function userNamespaceHolds(t: Test, platform: PlatformClients): Promise<void> {
  await t.test('a user namespace: root in it is an ordinary user of the host', async (t) => {
    const client = await NodeClient.open(platform.runDir, '');
    t.teardown(() => client.close());
    const ids = [{ containerId: 0, hostId: 200_000, size: 65_536 }];
    const image = (await platform.docker(['inspect', '-f', '{{.Id}}', 'busybox:latest'])).stdout.trim();
    const script = 'touch /made; ls -n /bin/busybox > /seen; sleep 10000';
    await client.run('mapped', ['sh', '-c', script], {
      spec: { namespaces: { user: 'private', idMapping: { uids: ids, gids: ids } } },
      claims: [{ name: 'root', kind: 'root', options: JSON.stringify({ image }) }],
    });
    const { state } = await client.inspect('mapped');
    const root = `/proc/${state.pid}/root`;
    const seen = await waitFor('what the container saw', () => {
      const text = readFileSync(join(root, 'seen'), 'utf8');
      return text.includes('busybox') && text;
    });
    t.match(readFileSync(`/proc/${state.pid}/uid_map`, 'utf8'), /^\s*0\s+200000\s+65536\n$/);
    t.match(seen, /^\S+\s+\d+\s+0\s+0\s/, 'files of the image belong to root in it');
    t.equal(statSync(join(root, 'made')).uid, 200_000);
    t.equal((await platform.docker(['exec', 'mapped', 'id', '-u'])).stdout, '0\n');
    await client.remove('mapped');
  });
}

async function deathsAreOutlived(t: Test, platform: PlatformClients): Promise<void> {
  await t.test('the kernel and the plugins are killed: the container runs on and all is as before', async (t) => {
    const pid = await inspect(platform, 'life', '{{.State.Pid}}');
    await killKernel(platform);
    t.equal(await inspect(platform, 'life', '{{.State.Pid}} {{.State.Running}}'), `${pid} true`);
    const before = await Promise.all(PLUGINS.map((plugin) => pluginPid(platform, plugin)));
    for (const killed of before) process.kill(killed, 'SIGKILL');
    await waitFor(
      'other processes of the plugins',
      async () => {
        const after = await Promise.all(PLUGINS.map((plugin) => pluginPid(platform, plugin)));
        return after.every((pid) => !before.includes(pid));
      },
      { timeoutMs: 30_000, intervalMs: 200 },
    );
    await waitUntilWell(platform);
    t.equal(await inspect(platform, 'life', '{{.State.Pid}} {{.State.Running}}'), `${pid} true`);
    t.equal(await page(platform), 'page\n');
    const after = await platform.docker(['run', '--rm', '-v', 'life-data:/data', 'busybox', 'echo', 'a new one']);
    t.equal(after.stdout, 'a new one\n');
  });
}

async function endIsClean(t: Test, platform: PlatformClients): Promise<void> {
  await t.test('stop, copy, start and remove; nothing of it is left', async (t) => {
    const directory = await cgroupOf(platform, 'life');
    await platform.docker(['stop', 'life']);
    t.equal(await inspect(platform, 'life', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 3');
    t.notOk(existsSync(directory), 'a stopped container has no cgroup');
    const copied = await platform.docker(['cp', 'life:/www/index.html', '-']);
    t.match(copied.stdout, /page\n/);
    await platform.docker(['start', 'life']);
    await platform.docker(['rm', '-f', '-v', 'life']);
    t.notOk(existsSync(directory));
    await platform.docker(['volume', 'rm', 'life-data']);
    t.equal((await platform.docker(['ps', '-aq'])).stdout, '');
  });
}

async function page(platform: PlatformClients): Promise<string> {
  const { stdout } = await platform.docker(['port', 'life', '80']);
  const answer = await fetch(`http://${stdout.trim()}/index.html`, { signal: AbortSignal.timeout(30_000) });
  return answer.text();
}

export async function inspect(platform: PlatformClients, name: string, format: string): Promise<string> {
  return (await platform.docker(['inspect', '-f', format, name])).stdout.trim();
}

/** The directory of a running container's cgroup. */
export async function cgroupOf(platform: PlatformClients, name: string): Promise<string> {
  const pid = await inspect(platform, name, '{{.State.Pid}}');
  const path = /^0::(.+)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
  return `/sys/fs/cgroup${path}`;
}

function readControl(directory: string, file: string): string {
  return readFileSync(join(directory, file), 'utf8').trim();
}
