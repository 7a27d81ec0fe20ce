import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@cleat/harness';
import t from 'tap';
import { examine, report } from '../src/commands/doctor.ts';
import { cgroupLayout } from '../src/doctor/cgroup-findings.ts';
import type { Finding, HostLook } from '../src/doctor/finding.ts';
import { lookAtHost } from '../src/doctor/host-look.ts';
import { isAtLeast, versionIn } from '../src/doctor/versions.ts';
import { painter } from '../src/output/style.ts';
import { closedDirectories } from '../src/platform/closed-directories.ts';

const PROGRAMS: Readonly<Record<string, string>> = {
  runc: 'runc version 1.1.5+ds1',
  conmon: 'conmon version 2.1.6',
  'nats-server': 'nats-server: v2.9.10',
  nft: 'nftables v1.0.6 (Lester Gooch #5)',
  ip: 'ip utility, iproute2-6.1.0, libbpf 1.1.2',
  crun: 'crun version 1.8.1',
  docker: 'Docker version 28.2.2, build e6534b4',
};

const GOOD: HostLook = {
  isRoot: true,
  kernelRelease: '6.1.0-18-amd64',
  architecture: 'x64',
  nodeVersion: '22.1.0',
  fileSystems: new Set(['overlay', 'ext4']),
  read: (path) =>
    ({
      '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids',
      '/proc/sys/user/max_user_namespaces': '1000',
      '/proc/sys/kernel/seccomp/actions_avail': 'kill_process',
    })[path],
  exists: (path) => path === '/proc/self/ns/user' || path === '/sys/fs/cgroup/cgroup.controllers',
  freeBytes: () => 50e9,
  closedDirectories: () => [],
  version: async (program) => PROGRAMS[program],
  nftWorks: async () => true,
};

async function finding(name: string, look: Partial<HostLook>): Promise<Finding> {
  const found = (await examine({ ...GOOD, ...look }, '/var/lib/cleat')).find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no finding ${name}`);
  return found;
}

t.test('on a good host nothing is wrong, and every line says what follows', async (t) => {
  const findings = await examine(GOOD, '/var/lib/cleat');
  t.ok(findings.length > 15);
  for (const { name, verdict, found, means } of findings) {
    t.equal(verdict, 'ok', name);
    t.ok(found !== '' && means !== '', name);
  }
  t.match(report(findings, painter(false)), /Cleat can run here\.\n$/);
});

t.test('what Cleat cannot do without is missing, the rest is a limit', async (t) => {
  const none = async (): Promise<undefined> => undefined;
  for (const name of ['runc', 'conmon', 'nats-server'])
    t.match(await finding(name, { version: none }), { verdict: 'missing', means: /apt-get install/ }, name);
  t.match(await finding('nft', { version: none }), { verdict: 'limited', means: /bridge networks/ });
  t.match(await finding('docker', { version: none }), { verdict: 'ok' });
  t.match(await finding('node', { nodeVersion: '18.19.0' }), { verdict: 'missing' });
  t.match(await finding('Linux', { kernelRelease: '5.4.0-1' }), { verdict: 'missing' });
  t.match(await finding('layout', { exists: () => false }), { verdict: 'missing' });
  t.match(await finding('overlayfs', { fileSystems: new Set() }), { verdict: 'limited', means: /modprobe overlay/ });
  t.match(await finding('read-only mounts', { kernelRelease: '5.10.0' }), { verdict: 'limited' });
  t.match(await finding('controllers', { read: () => 'cpuset cpu memory' }), { verdict: 'limited', means: /^--pids-limit cannot/ });
  t.match(await finding('space', { freeBytes: () => 5e8 }), { verdict: 'limited' });
  t.match(await finding('state directory', { closedDirectories: () => ['/root'] }), {
    verdict: 'limited',
    found: /\/root/,
    means: /user namespace .*chmod o\+x/,
  });
  t.match(await finding('nftables', { nftWorks: async () => false }), { verdict: 'limited', means: /published ports/ });
});

t.test('whether crun works depends on the cgroups', async (t) => {
  const hybrid = (path: string): boolean =>
    path === '/sys/fs/cgroup/unified/cgroup.controllers' || path.startsWith('/sys/fs/cgroup/memory');
  t.equal(cgroupLayout({ exists: hybrid }), 'hybrid');
  t.match(await finding('crun', { exists: hybrid }), { verdict: 'limited', means: /use runc/ });
  t.match(await finding('crun', {}), { verdict: 'ok', means: /--runtime crun/ });
});

t.test('directories that others may not pass are found on every way that leads to a path', async (t) => {
  const directory = tempDir(t);
  chmodSync(directory, 0o755);
  const [open, closed, link] = ['open', 'closed', 'link'].map((name) => join(directory, name)) as [string, string, string];
  mkdirSync(join(open, 'state'), { recursive: true });
  mkdirSync(join(closed, 'deep'), { recursive: true });
  symlinkSync(join(closed, 'deep'), link);
  const before = closedDirectories(open);
  chmodSync(closed, 0o750);
  const more = (path: string): readonly string[] => closedDirectories(path).filter((found) => !before.includes(found));
  t.same(more(join(open, 'state')), []);
  t.same(more(join(closed, 'deep')), [closed]);
  t.same(more(join(closed, 'not', 'made', 'yet')), [closed]);
  t.same(more(join(link, 'state')), [closed], 'also behind a link');
  chmodSync(join(open, 'state'), 0o700);
  t.same(more(join(open, 'state')), [join(open, 'state')], 'and at the end of the way');
});

t.test('versions are compared by their numbers', async (t) => {
  t.same(versionIn('runc version 1.1.5+ds1'), [1, 1, 5]);
  t.same(versionIn('no version'), undefined);
  t.equal(isAtLeast([2, 10, 27], [2, 10, 27]), true);
  t.equal(isAtLeast([2, 9, 30], [2, 10, 27]), false);
  t.equal(isAtLeast([3, 0, 0], [2, 10, 27]), true);
});

t.test('this host can be looked at without changing it', async (t) => {
  const findings = await examine(lookAtHost(), '/var/lib/cleat');
  t.match(
    findings.find(({ name }) => name === 'node'),
    { found: process.versions.node },
  );
});
