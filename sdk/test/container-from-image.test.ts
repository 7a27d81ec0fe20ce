import t from 'tap';
import {
  type ContainerParts,
  type ContainerRequest,
  containerFromImage,
  type ImageDefaults,
  parseExposedPorts,
} from '../src/container/index.ts';

const ID = 'a1b2c3d4e5f6'.padEnd(64, '0');
const IMAGE: ImageDefaults = {
  id: `sha256:${'1'.repeat(64)}`,
  config: {
    user: 'www',
    exposedPorts: ['80/tcp'],
    env: ['PATH=/usr/bin', 'MODE=image'],
    entrypoint: ['/entry'],
    cmd: ['serve'],
    volumes: ['/data'],
    workingDir: '/srv',
    labels: { from: 'image', both: 'image' },
    stopSignal: 'SIGQUIT',
    healthcheck: { test: ['CMD', 'check'], intervalNs: 5_000_000_000, retries: 3 },
  },
};

function made(request: ContainerRequest, image: ImageDefaults = IMAGE): ContainerParts {
  return containerFromImage({ id: ID, image, request });
}

function options(parts: ContainerParts, kind: string): readonly unknown[] {
  return parts.claims.filter((claim) => claim.kind === kind).map((claim): unknown => JSON.parse(claim.options ?? '{}'));
}

t.test('without a wish everything comes from the image', (t) => {
  const parts = made({ imageReference: 'web' });
  t.match(parts.spec.process, { args: ['/entry', 'serve'], env: ['PATH=/usr/bin', 'MODE=image'], cwd: '/srv', user: 'www' });
  t.match(parts.spec, { hostname: 'a1b2c3d4e5f6', stopSignal: 'SIGQUIT', labels: { from: 'image' } });
  t.same(options(parts, 'root'), [{ image: IMAGE.id, reference: 'web' }]);
  t.same(options(parts, 'volume'), [{ target: '/data', anonymous: true }]);
  t.same(options(parts, 'health'), [{ test: ['CMD', 'check'], intervalNs: 5_000_000_000, retries: 3 }]);
  t.same(
    parts.claims.filter((claim) => claim.fromImage === true).map((claim) => claim.kind),
    ['volume', 'health'],
  );
  t.same(parts.attributes, { image: 'web' });
  t.end();
});

t.test('entrypoint and command follow the rules of Docker', (t) => {
  const args = (request: ContainerRequest): unknown => made(request).spec.process.args;
  t.same(args({ command: ['other'] }), ['/entry', 'other']);
  t.same(args({ entrypoint: ['/mine'] }), ['/mine'], 'the command of the image belongs to its entrypoint');
  t.same(args({ entrypoint: [''], command: ['sh'] }), ['sh'], 'an empty string takes the entrypoint away');
  t.throws(() => args({ entrypoint: [''] }), { message: 'no command specified' });
  t.end();
});

t.test('variables of the user win and can take those of the image away', (t) => {
  t.same(made({ env: ['MODE=mine', 'NEW=1'] }).spec.process.env, ['MODE=mine', 'NEW=1', 'PATH=/usr/bin']);
  t.same(made({ env: ['MODE'] }).spec.process.env, ['PATH=/usr/bin']);
  t.throws(() => made({ env: ['=x'] }), { code: 'ENV_INVALID' });
  t.end();
});

t.test('a mount of the user takes the place of a volume of the image', (t) => {
  const parts = made({ mounts: [{ type: 'bind', source: '/host', target: '/data/', readonly: true }] });
  t.same(parts.spec.mounts, [
    { type: 'bind', source: '/host', target: '/data', options: ['rbind', 'rprivate', 'rro'], createSource: false },
  ]);
  t.same(options(parts, 'volume'), []);
  t.throws(
    () =>
      made({
        mounts: [
          { type: 'tmpfs', target: '/t' },
          { type: 'tmpfs', target: '/t/' },
        ],
      }),
    { message: 'Duplicate mount point: /t' },
  );
  t.throws(() => made({ mounts: [{ type: 'tmpfs', target: '/' }] }), { code: 'MOUNT_TARGET_ROOT' });
  t.same(made({ mounts: [{ type: 'tmpfs', target: '/t', options: ['exec', 'size=1m'] }] }).spec.mounts, [
    { type: 'tmpfs', source: '', target: '/t', options: ['nosuid', 'nodev', 'exec', 'size=1m'] },
  ]);
  t.end();
});

t.test('the first network carries the ports, of the image too', (t) => {
  const parts = made({
    networks: [{ network: 'front' }, { network: 'back' }],
    publish: [{ containerPort: 80, protocol: 'tcp', hostPort: 8080 }],
  });
  t.same(options(parts, 'network'), [
    { network: 'front', publish: [{ containerPort: 80, protocol: 'tcp', hostPort: 8080 }], expose: [{ port: 80, protocol: 'tcp' }] },
    { network: 'back' },
  ]);
  t.end();
});

t.test('capabilities are added to and taken from the default', (t) => {
  const of = (request: ContainerRequest): readonly string[] => made(request).spec.process.capabilities ?? [];
  t.equal(of({}).length, 14);
  t.ok(of({ capAdd: ['sys_admin'] }).includes('CAP_SYS_ADMIN'));
  t.notOk(of({ capDrop: ['CAP_CHOWN'] }).includes('CAP_CHOWN'));
  t.same(of({ capDrop: ['ALL'], capAdd: ['KILL'] }), ['CAP_KILL']);
  t.notOk(of({ capAdd: ['ALL'], capDrop: ['SYS_BOOT'] }).includes('CAP_SYS_BOOT'));
  t.throws(() => of({ capDrop: ['nonsense'] }), { message: 'invalid CapDrop: unknown capability: "CAP_NONSENSE"' });
  t.end();
});

t.test('privileged opens what is closed by default', (t) => {
  const { spec } = made({ privileged: true });
  t.match(spec, { maskedPaths: [], readonlyPaths: [], privileged: true, process: { seccomp: 'unconfined' } });
  t.ok((made({}).spec.maskedPaths ?? []).length > 5);
  t.end();
});

t.test('limits that can never work are refused', (t) => {
  const refused = (resources: NonNullable<ContainerRequest['resources']>, message: string | RegExp): void => {
    t.throws(() => made({ resources }), { message });
  };
  refused({ memoryBytes: 1 }, 'Minimum memory limit allowed is 6MB');
  refused({ memoryBytes: 10_000_000, memorySwapBytes: 9_000_000 }, /^Minimum memoryswap limit/);
  refused({ memorySwapBytes: 10_000_000 }, /^You should always set the Memory limit/);
  refused({ cpuPeriodUs: 10 }, /^CPU cfs period/);
  refused({ cpusetCpus: 'a' }, 'Invalid value a for cpuset cpus');
  refused({ blkioWeight: 5 }, 'Range of blkio weight is from 10 to 1000');
  t.end();
});

t.test('a check of the user is filled up from the image, and can be switched off', (t) => {
  t.same(options(made({ health: { retries: 9 } }), 'health'), [{ test: ['CMD', 'check'], intervalNs: 5_000_000_000, retries: 9 }]);
  t.same(options(made({ health: { test: ['NONE'] } }), 'health'), []);
  t.end();
});

t.test('hosts are given as name and address, of either family', (t) => {
  t.same(made({ extraHosts: ['db:10.0.0.1', 'six:::1', 'seven=[fe80::1]'] }).spec.hosts, ['10.0.0.1\tdb', '::1\tsix', 'fe80::1\tseven']);
  t.throws(() => made({ extraHosts: ['nothing'] }), { code: 'EXTRA_HOST_INVALID' });
  t.end();
});

t.test('ports are read one by one and as ranges', (t) => {
  t.same(parseExposedPorts('8000-8001/udp'), [
    { port: 8000, protocol: 'udp' },
    { port: 8001, protocol: 'udp' },
  ]);
  for (const wrong of ['x', '80/icmp', '9-8', '70000']) t.throws(() => parseExposedPorts(wrong), { code: 'PORT_INVALID' });
  t.end();
});
