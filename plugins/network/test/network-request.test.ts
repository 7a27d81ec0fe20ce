import t from 'tap';
import { pickSubnet, uniqueLocalSubnet } from '../src/default-pools.ts';
import { instanceNames } from '../src/instance-names.ts';
import type { NetworkDefinition } from '../src/model.ts';
import { filterNetworks, findNetwork, prunable } from '../src/network-lookup.ts';
import { newNetwork } from '../src/network-request.ts';
import { parseConfig } from '../src/plugin-config.ts';
import { missingPredefined } from '../src/predefined-networks.ts';
import type { Subnet } from '../src/subnet.ts';
import { overlaps, parseSubnet } from '../src/subnet.ts';

const names = instanceNames('1a2b3c4d');

function request(name: string, more: Record<string, unknown> = {}): Parameters<typeof newNetwork>[0] {
  return {
    name,
    driver: 'bridge',
    internal: false,
    attachable: false,
    ipv4: true,
    ipv6: false,
    ipamDriver: 'default',
    ipamOptions: {},
    pools: [],
    options: {},
    labels: {},
    ...more,
  };
}

function make(
  name: string,
  more: Record<string, unknown> = {},
  existing: readonly NetworkDefinition[] = [],
  occupied: readonly Subnet[] = [],
): NetworkDefinition {
  return newNetwork(request(name, more), {
    instanceId: '1a2b3c4d',
    names,
    existing,
    occupied: () => occupied,
    now: 1_700_000_000_000_000_000n,
    isPlugin: (driver) => driver === 'lonely',
  });
}

const pool = (subnet: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  subnet,
  range: '',
  gateway: '',
  auxiliary: {},
  ...more,
});

t.test('subnets come from Docker’s default pools in their order, free of routes and of each other', async (t) => {
  t.equal(pickSubnet([]), '172.17.0.0/16');
  t.equal(pickSubnet([parseSubnet('172.16.0.0/14')]), '172.20.0.0/16');
  t.equal(pickSubnet([parseSubnet('172.17.0.9/32'), parseSubnet('172.18.255.0/24')]), '172.19.0.0/16');
  const taken: Subnet[] = [];
  for (let index = 0; index < 31; index += 1) {
    const subnet = parseSubnet(pickSubnet(taken));
    t.notOk(taken.some((other) => overlaps(other, subnet)));
    taken.push(subnet);
  }
  t.throws(() => pickSubnet(taken), { code: 'NETWORK_POOLS_EMPTY', class: 'resource_exhausted' });
  t.match(uniqueLocalSubnet('a', 'b'), /^fd[0-9a-f]{2}:[0-9a-f:]+::\/64$/);
  t.not(uniqueLocalSubnet('a', 'b'), uniqueLocalSubnet('a', 'c'));
});

t.test('a network is made as asked, and what is not supported is refused with a sentence', async (t) => {
  const first = make('front');
  t.match(first, { name: 'front', driver: 'bridge', pools: [{ subnet: '172.17.0.0/16', gateway: '172.17.0.1' }], isPoolPicked: true });
  t.match(first.bridge, /^cl1a2b3c4d[a-z2-7]{5}$/);
  t.match(make('next', {}, [first]).pools, [{ subnet: '172.18.0.0/16' }]);
  t.match(make('own', { pools: [pool('10.9.0.0/16', { range: '10.9.1.0/24', gateway: '10.9.0.9' })] }), {
    isPoolPicked: false,
    pools: [{ gateway: '10.9.0.9', range: '10.9.1.0/24' }],
  });
  t.match(make('six', { ipv6: true }).pools, [{ subnet: /^172/ }, { subnet: /^fd/ }]);
  t.match(make('only', { ipv4: false, ipv6: true }).pools, [{ subnet: /^fd/ }]);
  const refusals: [Record<string, unknown>, string][] = [
    [{ pools: [pool('172.17.1.0/24')] }, 'NETWORK_POOL_OVERLAPS'],
    [{ pools: [pool('10.0.0.0/16'), pool('10.0.1.0/24')] }, 'NETWORK_POOL_OVERLAPS'],
    [{ pools: [pool('fd00::/64')] }, 'NETWORK_POOL_INVALID'],
    [{ pools: [pool('', { gateway: '10.0.0.1' })] }, 'NETWORK_POOL_INVALID'],
    [{ driver: 'overlay' }, 'NETWORK_DRIVER_UNSUPPORTED'],
    [{ driver: 'macvlan' }, 'NETWORK_DRIVER_UNSUPPORTED'],
    [{ driver: 'ipvlan' }, 'NETWORK_DRIVER_UNSUPPORTED'],
    [{ driver: 'weave' }, 'NETWORK_DRIVER_NOT_FOUND'],
    [{ driver: 'host' }, 'NETWORK_SINGLE_INSTANCE'],
    [{ ipamDriver: 'dhcp' }, 'NETWORK_IPAM_DRIVER'],
    [{ ipamOptions: { x: 'y' } }, 'NETWORK_IPAM_OPTIONS'],
    [{ options: { 'com.docker.network.bridge.gateway_mode_ipv4': 'routed' } }, 'NETWORK_OPTION_UNKNOWN'],
    [{ options: { 'com.docker.network.driver.mtu': 'large' } }, 'NETWORK_OPTION_INVALID'],
    [{ options: { 'com.docker.network.bridge.name': 'a-name-that-is-too-long' } }, 'NETWORK_OPTION_INVALID'],
    [{ ipv4: false }, 'NETWORK_NO_FAMILY'],
  ];
  for (const [more, code] of refusals) t.throws(() => make('other', more, [first]), { code });
  for (const [name, code] of [
    ['front', 'NETWORK_NAME_TAKEN'],
    ['host', 'NETWORK_PREDEFINED'],
    ['', 'NETWORK_NAME_INVALID'],
    ['a b', 'NETWORK_NAME_INVALID'],
  ] as const) {
    t.throws(() => make(name, {}, [first]), { code });
  }
});

t.test('bridge, host and none are there from the start, under ids that stay', async (t) => {
  const missing = (existing: readonly NetworkDefinition[] = []): readonly NetworkDefinition[] =>
    missingPredefined({ instanceId: '1a2b3c4d', names, config: parseConfig({}), existing, occupied: () => [], now: 1n });
  const all = missing();
  t.same(
    all.map(({ name, driver }) => [name, driver]),
    [
      ['bridge', 'bridge'],
      ['host', 'host'],
      ['none', 'null'],
    ],
  );
  t.same(
    missing().map(({ id }) => id),
    all.map(({ id }) => id),
  );
  t.ok(all.every(({ id }) => /^[0-9a-f]{64}$/.test(id)));
  t.same(missing(all), []);
  const configured = missingPredefined({
    instanceId: '1a2b3c4d',
    names,
    existing: [],
    occupied: () => [],
    now: 1n,
    config: parseConfig({ bridge: { subnet: '10.200.0.0/24', gateway: '10.200.0.254', mtu: 1400, icc: false } }),
  });
  t.match(configured[0], {
    isPoolPicked: false,
    pools: [{ subnet: '10.200.0.0/24', gateway: '10.200.0.254' }],
    options: { 'com.docker.network.driver.mtu': '1400', 'com.docker.network.bridge.enable_icc': 'false' },
  });
  t.throws(() => parseConfig({ bridge: { gateway: '10.0.0.1' } }), { code: 'NETWORK_CONFIG_INVALID' });
});

t.test('a network is found by name, id and the beginning of an id, and filtered as Docker does', async (t) => {
  const front = { ...make('front', { labels: { env: 'test', a: '' } }), id: `ab${'0'.repeat(62)}` };
  const back = { ...make('back'), id: `ac${'0'.repeat(62)}`, createdAt: String(1_000_000_000n * 1_000_000_000n) };
  const [bridge] = missingPredefined({ instanceId: '1a2b3c4d', names, config: parseConfig({}), existing: [], occupied: () => [], now: 1n });
  if (bridge === undefined) throw new Error('no bridge');
  const all = [front, back, bridge];
  t.equal(findNetwork(all, 'front'), front);
  t.equal(findNetwork(all, front.id), front);
  t.equal(findNetwork(all, 'ab'), front);
  t.equal(findNetwork(all, 'default'), bridge);
  t.throws(() => findNetwork(all, 'a'), { code: 'NETWORK_AMBIGUOUS' });
  t.throws(() => findNetwork(all, 'x'), { code: 'NETWORK_NOT_FOUND', message: 'network x not found' });
  t.throws(() => findNetwork(all, ''), { code: 'NETWORK_NOT_FOUND' });
  const filtered = (filters: Record<string, string[]>): string[] =>
    filterNetworks(all, filters, (network) => network === front).map(({ name }) => name);
  t.same(filtered({}), ['front', 'back', 'bridge']);
  t.same(filtered({ name: ['r'] }), ['front', 'bridge']);
  t.same(filtered({ id: ['ac'] }), ['back']);
  t.same(filtered({ driver: ['host'] }), []);
  t.same(filtered({ type: ['custom'] }), ['front', 'back']);
  t.same(filtered({ label: ['env=test', 'a'] }), ['front']);
  t.same(filtered({ label: ['env=prod'] }), []);
  t.same(filtered({ dangling: ['true'] }), ['back']);
  t.same(filtered({ dangling: ['false'], scope: ['local'] }), ['front', 'bridge']);
  for (const filters of [{ color: ['red'] }, { type: ['big'] }, { dangling: ['maybe'] }])
    t.throws(() => filtered(filters as never), { code: 'NETWORK_FILTER_INVALID' });
  const now = 1_700_000_000_000 + 3_600_000;
  t.equal(prunable(back, { until: ['1h'] }, now), true);
  t.equal(prunable(front, { until: ['2h'] }, now), false);
  t.equal(prunable(front, { 'label!': ['env'] }, now), false);
  t.equal(prunable(back, { 'label!': ['env'], until: ['2020-01-01T00:00:00Z'] }, now), true);
  t.throws(() => prunable(back, { until: ['yesterday'] }, now), { code: 'NETWORK_FILTER_INVALID' });
});

t.test('a driver of another plugin is told its options, and gives the addresses itself', async (t) => {
  const made = make('far', { driver: 'lonely', options: { colour: 'blue' } });
  t.match(made, { driver: 'plugin', plugin: 'lonely', pools: [], bridge: '', options: { colour: 'blue' } });
  const refused: [Record<string, unknown>, string][] = [
    [{ driver: 'lonely', pools: [pool('10.1.0.0/16')] }, 'NETWORK_POOL_INVALID'],
    [{ driver: 'lonely', ipamDriver: 'other' }, 'NETWORK_IPAM_DRIVER'],
    [{ driver: 'unheard' }, 'NETWORK_DRIVER_NOT_FOUND'],
  ];
  for (const [more, code] of refused) t.throws(() => make('far', more), { code });
});
