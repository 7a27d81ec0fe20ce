import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { containerTypes } from '@cleat/schemas';
import { Ajv } from 'ajv';
import t from 'tap';
import { cgroupDirectoryOf, cgroupsPathOf } from '../src/oci/cgroup-path.ts';
import { buildSpec, type HostFacts, resourcesOf, type SpecParts, supportedResources, viewSpec } from '../src/oci/index.ts';
import { NO_RESOURCES, PRIVATE, processOf, specOf } from './runtime-fixture.ts';

const SCHEMAS = join(import.meta.dirname, '../../test/oci-runtime-schema');

const HOST: HostFacts = {
  layout: 'hybrid',
  capabilities: processOf([]).capabilities,
  hasAppArmor: true,
  hasSwapLimit: true,
  hasBlkioWeight: true,
  initPath: '/usr/bin/tini-static',
};

const USER = { uid: 0, gid: 0, additionalGids: [], home: '/root' };
const MAPPING = { uids: [{ containerId: 0, hostId: 100000, size: 65536 }], gids: [{ containerId: 0, hostId: 100000, size: 65536 }] };

function build(spec: containerTypes.Spec, change: Partial<SpecParts> = {}): ReturnType<typeof buildSpec> {
  return buildSpec({ spec, root: '/root-fs', user: USER, host: HOST, cgroupsPath: '/p/c', ...change });
}

function validator(): (value: unknown) => string {
  const ajv = new Ajv({ strict: false, allErrors: true });
  const files = readdirSync(SCHEMAS);
  for (const file of files) {
    const schema: unknown = JSON.parse(readFileSync(join(SCHEMAS, file), 'utf8'));
    if (typeof schema !== 'object' || schema === null) throw new Error(file);
    // ajv knows draft 4 no longer; what these use of it is as it was.
    ajv.addSchema(Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema')), file);
  }
  return (value) => (ajv.validate('config-schema.json', JSON.parse(JSON.stringify(value))) ? '' : ajv.errorsText());
}

const FULL = specOf([], {
  process: processOf(['sh'], {
    terminal: true,
    consoleRows: 24,
    consoleColumns: 80,
    env: ['A=1', 'B=2', 'A=3', 'PATH'],
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 2048 }],
    oomScoreAdj: 100,
    apparmorProfile: 'docker-default',
    noNewPrivileges: true,
  }),
  domainname: 'example.org',
  readonlyRootfs: true,
  init: true,
  mounts: [
    { type: 'bind', source: '/srv/deep', target: '/data/deep', options: ['ro'], createSource: false },
    { type: 'bind', source: '/srv', target: '/data/', options: ['rshared'], createSource: false },
    { type: 'tmpfs', source: '', target: '/run', options: ['size=64m'], createSource: false },
  ],
  deviceRules: ['c 1:3 rwm', 'a *:* r'],
  resources: {
    ...NO_RESOURCES,
    memoryBytes: 1e8,
    memorySwapBytes: -1,
    cpuQuotaUs: 50000,
    cpuPeriodUs: 100000,
    cpusetCpus: '0',
    pidsLimit: 100,
    blkioWeight: 300,
  },
  sysctls: { 'net.ipv4.ip_forward': '1' },
  annotations: { 'io.example': 'x' },
});

const FULL_PARTS: Partial<SpecParts> = {
  files: { hosts: '/f/hosts', resolvConf: '/f/resolv.conf', hostname: '/f/hostname' },
  namespacePaths: { network: '/pins/net' },
  contribution: {
    mounts: [
      { type: 'bind', source: '/vol', target: '/data', options: [], copyUp: false },
      { type: 'bind', source: '/vol2', target: '/etc/hosts', options: [], copyUp: false },
    ],
    environment: ['A=0', 'C=4'],
    annotations: { 'io.example': 'y', 'io.other': 'z' },
    hooks: [{ at: 'createRuntime', path: '/bin/true', args: ['true'], env: [], timeoutS: 5 }],
  },
  devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0, access: 'rwm' }],
};

t.test('what is built is a specification by its schema', async (t) => {
  const errors = validator();
  t.not(errors({ ociVersion: 1 }), '', 'the check can fail');
  const userSpec = specOf(['sh'], { namespaces: { ...PRIVATE, user: 'private', idMapping: MAPPING } });
  const full = build(FULL, FULL_PARTS);
  t.equal(errors(build(specOf(['true']))), '');
  t.equal(errors(full), '');
  t.equal(errors(build(userSpec)), '');
  t.equal(errors(viewSpec(full, '/p/v')), '');
});

t.test("the user's word wins over a contribution's, and both over the files of the kernel", async (t) => {
  const { mounts, process, annotations } = build(FULL, FULL_PARTS);
  const at = (target: string): unknown => mounts.filter((mount) => mount.destination === target);
  t.match(at('/data'), [{ source: '/srv', options: ['rbind', 'rshared'] }]);
  t.match(at('/etc/hosts'), [{ source: '/vol2' }]);
  t.match(at('/etc/resolv.conf'), [{ source: '/f/resolv.conf', options: ['rbind', 'ro', 'rprivate'] }]);
  const order = mounts.map((mount) => mount.destination);
  t.ok(order.indexOf('/data') < order.indexOf('/data/deep'), 'shallow ones first');
  t.same(process.env, ['HOSTNAME=box', 'TERM=xterm', 'A=3', 'C=4', 'B=2', 'HOME=/root']);
  t.equal(annotations?.['io.example'], 'x');
  t.equal(annotations?.['io.other'], 'z');
});

t.test('defaults are those of Docker', async (t) => {
  const { mounts, linux, process, root, hooks } = build(FULL, FULL_PARTS);
  t.same(process.args, ['/sbin/docker-init', '--', 'sh']);
  t.match(
    mounts.at(-1)?.destination === '/sbin/docker-init' || mounts.some(({ destination }) => destination === '/sbin/docker-init'),
    true,
  );
  t.equal(root.readonly, true);
  t.equal(linux.rootfsPropagation, 'shared');
  t.equal(linux.sysctl?.['kernel.domainname'], 'example.org');
  t.match(linux.resources, {
    memory: { limit: 1e8, swap: -1 },
    cpu: { quota: 50000, period: 100000, cpus: '0' },
    pids: { limit: 100 },
    blockIO: { weight: 300 },
  });
  t.same(linux.resources.devices[0], { allow: false, access: 'rwm' });
  t.same(linux.resources.devices.at(-2), { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' });
  t.same(
    linux.namespaces.find(({ type }) => type === 'network'),
    { type: 'network', path: '/pins/net' },
  );
  t.same(hooks?.createRuntime, [{ path: '/bin/true', args: ['true'], env: [], timeout: 5 }]);
  t.equal(build(specOf(['true'])).process.oomScoreAdj, 0, 'never what the monitor has');
  const other = build(specOf(['true']), { user: { ...USER, uid: 1000, additionalGids: [5] } });
  t.same(other.process.capabilities.effective, []);
  t.same(other.process.user, { uid: 1000, gid: 0, additionalGids: [5] });
  const none = build(
    specOf(['true'], { namespaces: { ...PRIVATE, ipc: 'none', uts: 'host', pid: 'host', network: 'host', cgroup: 'host' } }),
  );
  t.same(none.linux.namespaces, [{ type: 'mount' }, { type: 'ipc' }]);
  t.notOk(none.mounts.some(({ destination }) => destination === '/dev/shm'));
  const privileged = build(specOf(['true'], { privileged: true }));
  t.same(privileged.linux.resources.devices, [{ allow: true, access: 'rwm' }]);
  t.notOk(privileged.mounts.find(({ destination }) => destination === '/sys')?.options?.includes('ro'));
});

t.test('what can never work is refused', async (t) => {
  t.throws(() => build(specOf([])), { code: 'COMMAND_MISSING', message: 'no command specified' });
  const more = processOf(['true'], { capabilities: ['CAP_SYS_ADMIN'] });
  t.throws(() => build(specOf([], { process: more })), { code: 'CAPABILITY_UNAVAILABLE', message: /CAP_SYS_ADMIN/ });
  t.same(build(specOf([], { process: more, privileged: true })).process.capabilities.bounding, []);
  const mapped = { ...PRIVATE, user: 'private', idMapping: MAPPING };
  t.throws(() => build(specOf(['true'], { namespaces: { ...mapped, network: 'host' } })), { code: 'USER_NAMESPACE_CONFLICT' });
  t.throws(() => build(specOf(['true'], { namespaces: { ...PRIVATE, user: 'private' } })), { code: 'ID_MAPPING_MISSING' });
  t.throws(() => build(specOf(['true'], { deviceRules: ['x'] })), { code: 'DEVICE_RULE_INVALID' });
  const root = [{ type: 'bind', source: '/x', target: '/a/..', options: [], createSource: false }];
  t.throws(() => build(specOf(['true'], { mounts: root })), { code: 'MOUNT_INVALID' });
  t.throws(() => build(specOf(['true'], { init: true }), { host: { ...HOST, initPath: undefined } }), { code: 'INIT_MISSING' });
  t.throws(() => build(specOf([], { process: processOf(['true'], { seccomp: '{' }) })), { code: 'SECCOMP_PROFILE_INVALID' });
});

t.test('limits that this host has no means for are left out with a warning', async (t) => {
  const asked = { ...NO_RESOURCES, memoryBytes: 1e8, memorySwapBytes: 2e8, memorySwappiness: 10, oomKillDisable: true, blkioWeight: 10 };
  t.same(supportedResources(asked, HOST), { resources: asked, warnings: [] });
  const poor = supportedResources(asked, { ...HOST, layout: 'unified', hasSwapLimit: false, hasBlkioWeight: false });
  t.equal(JSON.stringify(resourcesOf(poor.resources)), '{"memory":{"limit":100000000},"cpu":{}}');
  t.equal(poor.warnings.length, 4);
  t.match(poor.warnings[0], /^Your kernel does not support swap limit/);
});

t.test('a cgroup has its place with either driver', async (t) => {
  const place = { prefix: 'cleat', name: 'x', parent: '/pods/', driver: 'cgroupfs' } as const;
  t.equal(cgroupsPathOf(place), '/pods/x');
  t.equal(cgroupDirectoryOf(place), '/pods/x');
  const slice = { ...place, driver: 'systemd', parent: 'a-b.slice' } as const;
  t.equal(cgroupsPathOf(slice), 'a-b.slice:cleat:x');
  t.equal(cgroupDirectoryOf(slice), '/a.slice/a-b.slice/cleat-x.scope');
  t.throws(() => cgroupsPathOf({ ...slice, parent: '/pods' }), { code: 'CGROUP_PARENT_INVALID' });
});
