import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deadline } from '@cleat/core/deadlines';
import { createUserAndNetworkNamespace, openInRoot, unpinNamespace } from '@cleat/core/syscalls';
import { leakCheck, needs } from '@cleat/harness';
import type { containerTypes } from '@cleat/schemas';
import t from 'tap';
import { createView, endView, updateResources } from '../src/monitor/index.ts';
import { type SpecParts, viewSpec } from '../src/oci/index.ts';
import { logLines, NO_RESOURCES, PRIVATE, processOf, RuntimeFixture, specOf } from './runtime-fixture.ts';

/** Runs a script in a container and gives its output. */
async function output(
  fixture: RuntimeFixture,
  script: string,
  change: Partial<containerTypes.Spec> = {},
  parts: Partial<SpecParts> = {},
): Promise<string> {
  const process = { ...processOf([]), ...change.process, args: ['sh', '-c', script] };
  const container = await fixture.run(specOf([], { ...change, process }), parts);
  const { exitCode } = await fixture.exitOf(container);
  const lines = logLines(readFileSync(container.logPath, 'utf8'));
  await fixture.clean(container);
  return `${lines.join('\n')} (${exitCode})`;
}

if (needs(t, 'root', 'runc', 'conmon', 'busybox')) {
  t.test('a container is what its specification says', async (t) => {
    const fixture = new RuntimeFixture(t);
    const source = join(fixture.directory, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'bound\n');
    const mount = (target: string, options: string[]): containerTypes.Mount => ({
      type: 'bind',
      source,
      target,
      options,
      createSource: false,
    });

    t.equal(
      await output(fixture, 'hostname; echo $HOME $HOSTNAME $PATH; id -u'),
      'box\n/root box /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n0 (0)',
    );
    t.match(await output(fixture, 'cat /m/file; touch /m/x', { mounts: [mount('/m', ['ro'])] }), /^bound\n.*Read-only.* \(1\)$/);
    t.match(await output(fixture, 'touch /x', { readonlyRootfs: true }), /Read-only file system/);
    t.equal(
      await output(fixture, 'id -u; id -g; id -G; echo $HOME', { process: processOf([], { user: 'nobody', groups: ['7'] }) }),
      '65534\n65534\n65534 7\n/home (0)',
    );
    t.equal(await output(fixture, 'cat /proc/1/comm; ls /proc | grep -c "^[0-9]"', { init: true }), 'docker-init\n4 (0)');
    t.equal(
      await output(fixture, 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/domainname', {
        sysctls: { 'net.ipv4.ip_forward': '1' },
        domainname: 'd.org',
      }),
      '1\nd.org (0)',
    );
    t.equal(
      await output(fixture, 'ulimit -n; cat /proc/self/oom_score_adj', {
        process: processOf([], { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }], oomScoreAdj: 50 }),
      }),
      '100\n50 (0)',
    );
    t.equal(await output(fixture, 'cat /proc/self/oom_score_adj'), '0 (0)');
    t.match(await output(fixture, 'grep -c . /proc/keys; mount -t tmpfs x /mnt 2>/dev/null || echo refused'), /^0\nrefused \(0\)$/);
    t.match(
      await output(fixture, 'mkdir -p /mnt; mount -t tmpfs x /mnt && echo mounted; ls /dev | grep -c .', {
        privileged: true,
        process: processOf([], { capabilities: fixture.host.capabilities, seccomp: 'unconfined' }),
      }),
      /^mounted/,
    );
    t.match(
      await output(fixture, 'ls -l /dev/xnull; echo hi > /dev/xnull && echo written', {
        devices: [{ hostPath: '/dev/null', containerPath: '/dev/xnull', permissions: 'rw' }],
      }),
      /1, +3.*\nwritten \(0\)$/s,
    );
    t.match(await output(fixture, 'df /dev/shm | tail -1', { shmSizeBytes: 1024 * 1024 }), /1024 .*\/dev\/shm \(0\)$/);
    t.equal(await output(fixture, 'cat /etc/hosts', {}, { files: { hosts: join(source, 'file') } }), 'bound (0)');
    t.equal(await output(fixture, 'ls /dev/shm /dev/mqueue 2>/dev/null | wc -l', { namespaces: { ...PRIVATE, ipc: 'none' } }), '0 (0)');
    t.match(
      await output(fixture, 'ip link | grep -c UP', {
        namespaces: { ...PRIVATE, network: 'host', uts: 'host', cgroup: 'host', ipc: 'host', pid: 'host' },
      }),
      /^\d+ \(0\)$/,
    );
    t.match(
      await output(fixture, 'touch /tmp/f; chown 1 /tmp/f 2>/dev/null || echo no', { process: processOf([], { capabilities: [] }) }),
      /no \(0\)$/,
    );
    const profile = JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
    });
    t.match(await output(fixture, 'mkdir /tmp/never', { process: processOf([], { seccomp: profile }) }), /not permitted \(1\)$/);
  });

  t.test('limits are those asked for, at the start and after an update', async (t) => {
    const fixture = new RuntimeFixture(t);
    const resources = {
      ...NO_RESOURCES,
      memoryBytes: 64 * 1024 * 1024,
      cpuPeriodUs: 100000,
      cpuQuotaUs: 50000,
      pidsLimit: 50,
      cpuShares: 512,
      cpusetCpus: '0',
    };
    const container = await fixture.run(specOf(['sleep', '100'], { resources }));
    const read = (controller: string, v1: string, v2: string): string => {
      const path = fixture.tree.paths(container.cgroup).get(fixture.tree.layout === 'unified' ? 'unified' : controller);
      return readFileSync(join(path ?? '', fixture.tree.layout === 'unified' ? v2 : v1), 'utf8').trim();
    };
    const quota = (): string => read('cpu', 'cpu.cfs_quota_us', 'cpu.max').split(' ')[0] ?? '';
    t.equal(read('memory', 'memory.limit_in_bytes', 'memory.max'), String(64 * 1024 * 1024));
    t.equal(quota(), '50000');
    t.equal(read('pids', 'pids.max', 'pids.max'), '50');
    t.equal(read('cpuset', 'cpuset.cpus', 'cpuset.cpus'), '0');
    await updateResources({
      id: container.id,
      bundle: container.directory,
      runtime: fixture.runtime,
      resources: { memory: { limit: 32 * 1024 * 1024 }, cpu: { quota: 20000, period: 100000 }, pids: { limit: 20 } },
      deadline: Deadline.after(10_000),
    });
    t.equal(read('memory', 'memory.limit_in_bytes', 'memory.max'), String(32 * 1024 * 1024));
    t.equal(quota(), '20000');
    t.equal(read('pids', 'pids.max', 'pids.max'), '20');
    t.equal(read('cpuset', 'cpuset.cpus', 'cpuset.cpus'), '0', 'what was not mentioned stays');
    await t.rejects(
      updateResources({
        id: 'unknown',
        bundle: container.directory,
        runtime: fixture.runtime,
        resources: { pids: { limit: 1 } },
        deadline: Deadline.after(10_000),
      }),
      { code: 'RUNTIME_FAILED', message: /update failed.*does not exist/ },
    );
    fixture.kill(container);
  });

  t.test('a view shows the file system with its mounts, also of a container whose program is missing, and leaves nothing', async (t) => {
    const fixture = new RuntimeFixture(t);
    const leaks = leakCheck(t, { dirs: [], names: new RegExp(fixture.cgroupParent.slice(1)) });
    const source = join(fixture.directory, 'root', 'www');
    writeFileSync(join(source, 'page'), 'page\n');
    const mounts = [{ type: 'bind', source, target: '/seen', options: [], createSource: false }];
    const spec = specOf([], { mounts, process: processOf(['no-such-program'], { user: '12:34', cwd: '/none' }) });
    const bundle = fixture.bundle(spec);
    writeFileSync(join(bundle.directory, 'config.json'), JSON.stringify(viewSpec(bundle.oci, bundle.cgroup)));
    const init = await createView({ id: bundle.id, bundle: bundle.directory, runtime: fixture.runtime, deadline: Deadline.after(10_000) });
    const fd = openInRoot(`/proc/${init.pid}/root`, 'seen/page', 0);
    t.equal(readFileSync(fd, 'utf8'), 'page\n');
    const request = {
      id: bundle.id,
      runtime: fixture.runtime,
      tree: fixture.tree,
      cgroup: bundle.cgroup,
      hasOwnPidNamespace: true,
      hasPoststopHooks: false,
      bundle: bundle.directory,
      deadline: Deadline.after(10_000),
    };
    await endView(init, request);
    await endView(init, request);
    t.notOk(existsSync(`/proc/${init.pid}/root/seen`));
    t.notOk(fixture.tree.exists(bundle.cgroup));
    await fixture.tree.remove(fixture.cgroupParent);
    await leaks.assertNothingLeft();
  });
}

if (needs(t, 'root', 'runc', 'conmon', 'busybox', 'user-namespaces')) {
  t.test('a container in a user namespace of its own, pinned with its network', async (t) => {
    const fixture = new RuntimeFixture(t);
    const range = [{ containerId: 0, hostId: 200000, size: 65536 }];
    // Whoever is root in there must be able to walk to the root.
    chmodSync(fixture.directory, 0o711);
    const pins = { userPin: join(fixture.directory, 'user'), netPin: join(fixture.directory, 'net') };
    await createUserAndNetworkNamespace({ ...pins, uidMap: range, gidMap: range });
    t.teardown(() => {
      unpinNamespace(pins.netPin);
      unpinNamespace(pins.userPin);
    });
    // The root's files are the host root's, which is nobody in there; that is enough to run.
    const change = { namespaces: { ...PRIVATE, user: 'private', idMapping: { uids: range, gids: range } } };
    const paths = { namespacePaths: { network: pins.netPin, user: pins.userPin } };
    t.equal(await output(fixture, 'id -u; cat /proc/self/uid_map', change, paths), '0\n         0     200000      65536 (0)');
    const bundle = fixture.bundle(specOf(['true'], change), paths);
    writeFileSync(join(bundle.directory, 'config.json'), JSON.stringify(viewSpec(bundle.oci, bundle.cgroup)));
    const view = await createView({ id: bundle.id, bundle: bundle.directory, runtime: fixture.runtime, deadline: Deadline.after(10_000) });
    t.ok(existsSync(`/proc/${view.pid}/root/bin/busybox`));
  });
}
