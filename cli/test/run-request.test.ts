import type { ContainerRequest } from '@cleat/sdk/container';
import t from 'tap';
import { defineCommand } from '../src/command/command.ts';
import { parseCommandLine } from '../src/command/parser.ts';
import { derivedName } from '../src/container/container-name.ts';
import { environment } from '../src/container/key-values.ts';
import { RUN_OPTIONS } from '../src/container/run-options.ts';
import { type RunSurroundings, runRequest } from '../src/container/run-request.ts';

const AROUND: RunSurroundings = { host: { cgroupVersion: 2, cpus: 4 }, env: { HOME: '/root' }, find: async (name) => `id-of-${name}` };

/** The request of a command line, by the way that the command itself takes. */
async function requestOf(argv: readonly string[], around: RunSurroundings = AROUND): Promise<ContainerRequest> {
  let request: ContainerRequest | undefined;
  const command = defineCommand({
    usage: [],
    options: RUN_OPTIONS,
    operands: { least: 0 },
    examples: [],
    run: async ({ flags, operands }) => {
      request = await runRequest(flags, operands, around);
      return 0;
    },
  });
  const { flags, operands } = parseCommandLine(argv, RUN_OPTIONS, { passesOn: true });
  await command.execute(flags, { operands, globals: { runDir: '/nowhere', json: false, color: false } });
  if (request === undefined) throw new Error('there is no request');
  return request;
}

t.test('a plain run asks for the default network, a log, and nothing else', async (t) => {
  const request = await requestOf(['busybox', 'ls', '-l']);
  t.match(request, {
    imageReference: 'busybox',
    command: ['ls', '-l'],
    networks: [{ network: 'bridge' }],
    log: {},
    mounts: [],
    claims: [],
    autoRemove: false,
  });
  t.match(request.namespaces, { network: 'private', pid: 'private', ipc: 'private', cgroup: 'private' });
});

t.test('on a bare kernel nothing is asked for that nobody provides', async (t) => {
  const request = await requestOf(['--rootfs', '/srv/root', '--', '/bin/ls'], { ...AROUND, kinds: new Set() });
  t.match(request, { rootfs: '/srv/root', command: ['/bin/ls'], networks: [] });
  t.equal(request.log, undefined);
  t.same((await requestOf(['--rootfs', '/r', '--network', 'host', 'ls'], { ...AROUND, kinds: new Set() })).networks, []);
});

t.test('standard input ends with the first client only where it is attached', async (t) => {
  t.match(await requestOf(['-i', 'busybox']), { openStdin: true, stdinOnce: true });
  t.match(await requestOf(['-di', 'busybox']), { openStdin: true, stdinOnce: false });
});

t.test('limits are those that Docker makes of the same flags', async (t) => {
  const { resources } = await requestOf(['-m', '64m', '--cpus', '1.5', '--pids-limit', '20', 'busybox']);
  t.match(resources, { memoryBytes: 67_108_864, memorySwapBytes: 134_217_728, cpuPeriodUs: 100_000, cpuQuotaUs: 150_000, pidsLimit: 20 });
  t.match((await requestOf(['-m', '64m', '--memory-swap', '-1', 'busybox'])).resources, { memorySwapBytes: -1 });
  t.match(await requestOf(['--restart', 'on-failure:3', 'busybox']), { restart: { name: 'on-failure', maximumRetries: 3 } });
});

t.test('volumes, paths of the host and tmpfs are told apart', async (t) => {
  const { mounts } = await requestOf([
    '-v',
    'data:/data',
    '-v',
    '/srv:/srv:ro',
    '-v',
    '/anonymous',
    '-v',
    './here:/here',
    '--tmpfs',
    '/tmp:size=64m',
    'busybox',
  ]);
  t.match(mounts, [
    { type: 'volume', name: 'data', target: '/data', readonly: false },
    { type: 'bind', source: '/srv', target: '/srv', readonly: true, createSource: true },
    { type: 'volume', target: '/anonymous', anonymous: true },
    { type: 'bind', source: `${process.cwd()}/here`, target: '/here' },
    { type: 'tmpfs', target: '/tmp', options: ['size=64m'] },
  ]);
});

t.test('ports are published singly, in ranges, and at an address', async (t) => {
  const ports = async (text: string): Promise<unknown> => (await requestOf(['-p', text, 'busybox'])).publish;
  t.same(await ports('80'), [{ containerPort: 80, protocol: 'tcp' }]);
  t.same(await ports('8080:80'), [{ containerPort: 80, protocol: 'tcp', hostPort: 8080 }]);
  t.same(await ports('127.0.0.1:5353:53/udp'), [{ containerPort: 53, protocol: 'udp', hostIp: '127.0.0.1', hostPort: 5353 }]);
  t.same(await ports('127.0.0.1::53'), [{ containerPort: 53, protocol: 'tcp', hostIp: '127.0.0.1' }]);
  t.same(await ports('[::1]:8080:80'), [{ containerPort: 80, protocol: 'tcp', hostIp: '::1', hostPort: 8080 }]);
  t.same(await ports('8000-8010:80'), [{ containerPort: 80, protocol: 'tcp', hostPort: 8000, hostPortEnd: 8010 }]);
  t.same(await ports('8000-8001:80-81'), [
    { containerPort: 80, protocol: 'tcp', hostPort: 8000 },
    { containerPort: 81, protocol: 'tcp', hostPort: 8001 },
  ]);
});

t.test('namespaces of other containers are named by their ids', async (t) => {
  const request = await requestOf(['--network', 'container:web', '--pid', 'container:web', '--ipc', 'host', 'busybox']);
  t.match(request.namespaces, { network: 'container:id-of-web', pid: 'container:id-of-web', ipc: 'host' });
  t.same(request.networks, []);
});

t.test('claims of third parties are passed on as they are', async (t) => {
  const { claims } = await requestOf(['--claim', 'gpu={"count":1}', '--claim', 'licence', 'busybox']);
  t.same(claims, [
    { kind: 'gpu', options: { count: 1 } },
    { kind: 'licence', options: {} },
  ]);
});

t.test('what can never work is refused by the flag that is wrong', async (t) => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['--rm', '--restart', 'always', 'x'], /--rm and --restart/],
    [['--restart', 'always:3', 'x'], /--restart always:3/],
    [['-m', 'much', 'x'], /--memory much/],
    [['--cpus', '0', 'x'], /--cpus 0/],
    [['--pids-limit', 'x', 'x'], /--pids-limit x/],
    [['-v', 'a:b', 'x'], /"b" is no absolute path/],
    [['-v', '/a:/b:rx', 'x'], /unknown mode "rx"/],
    [['-v', 'a/b:/c', 'x'], /no name for a volume/],
    [['-p', 'nowhere:80:80', 'x'], /no IP address/],
    [['-p', '0:80', 'x'], /no port of the host/],
    [['-p', '8000-8002:80-81', 'x'], /not equally long/],
    [['-p', '80:80', '--network', 'none', 'x'], /--publish has no meaning with --network none/],
    [['--ip', '10.0.0.1', '--network', 'host', 'x'], /--ip has no meaning/],
    [['--network', 'host', '--network', 'front', 'x'], /cannot be combined/],
    [['-l', '=b', 'x'], /--label =b/],
    [['--sysctl', 'a', 'x'], /--sysctl a/],
    [['--ulimit', 'nofile', 'x'], /--ulimit nofile/],
    [['--device', 'null', 'x'], /--device null/],
    [['--security-opt', 'label=off', 'x'], /--security-opt label=off/],
    [['--claim', 'gpu=[]', 'x'], /no JSON object/],
    [['--claim', 'GPU', 'x'], /no name of a kind/],
    [['--log-driver', 'none', '--log-opt', 'a=b', 'x'], /--log-opt has no meaning/],
    [['--pid', 'theirs', 'x'], /--pid theirs/],
    [['-e', '=x', 'x'], /-e =x/],
    [['--env-file', '/does/not/exist', 'x'], /--env-file \/does\/not\/exist/],
  ];
  for (const [argv, message] of wrong) await t.rejects(requestOf(argv), { code: 'USAGE', message }, argv.join(' '));
});

t.test('a variable without value is taken from here, or left out', async (t) => {
  t.same(environment(['A=1', 'HOME', 'NOT_SET', 'EMPTY='], [], { HOME: '/root' }), ['A=1', 'HOME=/root', 'EMPTY=']);
});

t.test('a container without a name is called after what it is made of', async (t) => {
  const id = `0123456789abcdef${'0'.repeat(48)}`;
  t.equal(derivedName('registry.test:5000/tools/web:2.1', id), 'web-01234567');
  t.equal(derivedName('busybox@sha256:abc', id), 'busybox-01234567');
  t.equal(derivedName('/srv/rootfs/', id), 'rootfs-01234567');
  t.equal(derivedName('/', id), 'container-01234567');
});
