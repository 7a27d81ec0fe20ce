import t from 'tap';
import { adapted, modernised, type ShapeName } from '../src/versions/adapters.ts';
import { REQUESTS } from '../src/versions/requests.ts';
import { RESPONSES } from '../src/versions/responses.ts';
import { minorOf } from '../src/versions/version.ts';
import type { JsonObject } from '../src/wire/json.ts';

interface Example {
  readonly given: JsonObject;
  /** What a client of the version before sees, or is taken to have sent. */
  readonly older: JsonObject;
}

const USAGE = { TotalSize: 7, Items: [{ Id: 'a' }] };

/** One example for each adapter, by "since shape: what". */
const ANSWERS: Readonly<Record<string, Example>> = {
  '1.53 disk-usage: lists beside the sums': {
    given: { ImageUsage: USAGE },
    older: { ImageUsage: USAGE, LayersSize: 7, Images: [{ Id: 'a' }], Volumes: [] },
  },
  '1.52 disk-usage: lists only': { given: { ImageUsage: USAGE }, older: { Images: [{ Id: 'a' }] } },
  '1.52 container.inspect: addresses on the default bridge beside the networks': {
    given: { NetworkSettings: { Networks: { bridge: { IPAddress: '172.17.0.2', IPPrefixLen: 16, Gateway: '172.17.0.1' } } } },
    older: { NetworkSettings: { IPAddress: '172.17.0.2', IPPrefixLen: 16, Gateway: '172.17.0.1', Bridge: '' } },
  },
  '1.52 event: status, id and from': {
    given: { Type: 'container', Action: 'die', Actor: { ID: 'c', Attributes: { image: 'busybox' } } },
    older: { status: 'die', id: 'c', from: 'busybox', Type: 'container' },
  },
  '1.52 stats: no os_type': { given: { id: 'a', os_type: 'linux' }, older: { id: 'a' } },
  '1.52 image.inspect: empty members are there': {
    given: { Config: { Cmd: ['a'] } },
    older: { Parent: '', Comment: '', Author: '', Config: { Cmd: ['a'], Entrypoint: null } },
  },
  '1.51 image.summary: containers are not counted': { given: { Containers: 3 }, older: { Containers: -1 } },
  '1.50 image.inspect: members of a container in Config': { given: { Config: {} }, older: { Config: { Hostname: '', Tty: false } } },
  '1.50 info: bridge netfilter switches, no discovered devices': { given: { DiscoveredDevices: [] }, older: { BridgeNfIptables: false } },
  '1.49 info: no firewall backend': { given: { FirewallBackend: {} }, older: {} },
  '1.46 container.summary: no annotations': {
    given: { HostConfig: { NetworkMode: 'host', Annotations: {} } },
    older: { HostConfig: { NetworkMode: 'host' } },
  },
  '1.45 container.inspect: the short id among the aliases': {
    given: { Id: 'abcdefabcdef99', NetworkSettings: { Networks: { front: { Aliases: ['web'], DNSNames: ['web', 'abcdefabcdef'] } } } },
    older: { NetworkSettings: { Networks: { front: { Aliases: ['web', 'abcdefabcdef'] } } } },
  },
  '1.45 image.inspect: the container that it was committed from': {
    given: { Config: { Cmd: ['a'] } },
    older: { Container: '', ContainerConfig: { Cmd: ['a'] } },
  },
  '1.44 image.inspect: VirtualSize': { given: { Size: 5 }, older: { VirtualSize: 5 } },
  '1.44 image.summary: VirtualSize': { given: { Size: 5 }, older: { VirtualSize: 5 } },
  '1.44 info: no CDI directories, runtimes without status': {
    given: { CDISpecDirs: [], Runtimes: { runc: { path: 'runc', status: {} } } },
    older: { Runtimes: { runc: { path: 'runc' } } },
  },
  '1.43 image.summary: an untagged image is named <none>': {
    given: { RepoTags: [], RepoDigests: [] },
    older: { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] },
  },
  '1.42 stream: one media type for every stream': {
    given: { type: 'application/vnd.docker.multiplexed-stream' },
    older: { type: 'application/vnd.docker.raw-stream' },
  },
  '1.41 info: no address pools': { given: { DefaultAddressPools: [] }, older: {} },
};

const BODIES: Readonly<Record<string, Example>> = {
  '1.54 network.connect: MacAddress was ignored': {
    given: { EndpointConfig: { MacAddress: 'a', Aliases: [] } },
    older: { EndpointConfig: { Aliases: [] } },
  },
  '1.53 disk-usage: lists are always there': { given: { verbose: false }, older: { verbose: true } },
  '1.52 container.create: MacAddress of the container': {
    given: { MacAddress: '02:00', HostConfig: { NetworkMode: 'front' } },
    older: { NetworkingConfig: { EndpointsConfig: { front: { MacAddress: '02:00' } } } },
  },
  '1.48 network.create: no EnableIPv4': { given: { Name: 'n', EnableIPv4: false }, older: { Name: 'n' } },
  '1.44 container.create: no start interval of a check': {
    given: { Healthcheck: { StartInterval: 1, Retries: 2 } },
    older: { Healthcheck: { Retries: 2 } },
  },
  '1.44 container.create: read-only binds are not recursive': {
    given: { HostConfig: { Mounts: [{ Type: 'bind', ReadOnly: true }] } },
    older: { HostConfig: { Mounts: [{ BindOptions: { ReadOnlyNonRecursive: true } }] } },
  },
  '1.43 container.create: no annotations': { given: { HostConfig: { Annotations: { a: 'b' } } }, older: { HostConfig: {} } },
  '1.42 volume.prune: all unused volumes, named ones too': { given: {}, older: { all: ['true'] } },
  '1.42 container.create: no console size; kernel memory was given up and is ignored': {
    given: { HostConfig: { KernelMemory: 5, Memory: 6 } },
    older: { HostConfig: { Memory: 6 } },
  },
  '1.42 container.wait: an unknown condition is the default': { given: { condition: 'odd' }, older: { condition: '' } },
  '1.41 container.create: no cgroup namespace': { given: { HostConfig: { CgroupnsMode: 'private' } }, older: { HostConfig: {} } },
  '1.40 container.create: the IPC namespace can be joined': { given: { HostConfig: {} }, older: { HostConfig: { IpcMode: 'shareable' } } },
};

/** What is refused rather than changed has its own test below. */
const REFUSALS = ['1.45 container.create: no subpath of a volume', '1.44 container.create: one endpoint'];

function nameOf(adapter: { readonly since: string; readonly shape: ShapeName; readonly what: string }): string {
  return `${adapter.since} ${adapter.shape}: ${adapter.what}`;
}

t.test('every change of the interface has its example', (t) => {
  t.same(
    RESPONSES.map(nameOf).filter((name) => ANSWERS[name] === undefined),
    [],
  );
  t.same(
    REQUESTS.map(nameOf).filter((name) => BODIES[name] === undefined && !REFUSALS.includes(name)),
    [],
  );
  t.equal(Object.keys(ANSWERS).length, RESPONSES.length);
  t.equal(Object.keys(BODIES).length + REFUSALS.length, REQUESTS.length);
  t.end();
});

t.test('adapters stand from the newest to the oldest', (t) => {
  for (const list of [RESPONSES, REQUESTS]) {
    const versions = list.map((adapter) => minorOf(adapter.since));
    t.same(
      versions,
      versions.toSorted((left, right) => right - left),
    );
  }
  t.end();
});

for (const adapter of RESPONSES) {
  t.test(`answer: ${nameOf(adapter)}`, (t) => {
    const example = ANSWERS[nameOf(adapter)];
    t.match(adapted(adapter.shape, minorOf(adapter.since) - 1, example?.given ?? {}), example?.older);
    t.same(adapted(adapter.shape, minorOf('1.55'), example?.given ?? {}), example?.given, 'the newest is untouched');
    t.end();
  });
}

for (const adapter of REQUESTS.filter((one) => BODIES[nameOf(one)] !== undefined)) {
  t.test(`request: ${nameOf(adapter)}`, (t) => {
    const example = BODIES[nameOf(adapter)];
    t.match(adapter.adapt(example?.given ?? {}), example?.older);
    t.same(modernised(adapter.shape, minorOf('1.55'), example?.given ?? {}), example?.given, 'the newest is untouched');
    t.end();
  });
}

t.test('what an older version lacks is refused, not ignored', (t) => {
  const endpoints = { NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } };
  t.throws(() => modernised('container.create', minorOf('1.43'), endpoints), {
    message: 'Container cannot be connected to network endpoints: a, b',
  });
  t.same(modernised('container.create', minorOf('1.44'), endpoints), endpoints);
  const subpath = { HostConfig: { Mounts: [{ Type: 'volume', VolumeOptions: { Subpath: 'x' } }] } };
  t.throws(() => modernised('container.create', minorOf('1.44'), subpath), { message: /Subpath needs API v1\.45/ });
  t.end();
});
