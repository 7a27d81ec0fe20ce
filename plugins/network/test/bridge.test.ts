import { needs, startProcess } from '@cleat/harness';
import t from 'tap';
import { NetworkLab } from './network-lab.ts';
import { askTcp, askUdp, serveTcp, serveUdp } from './probe.ts';

const OUTSIDE = '198.51.100.2';
const HOST = '198.51.100.1';

t.test('a container on the default bridge reaches the outside and is reached by its published port', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const outside = await lab.namespace('outside');
  await lab.wire(hostNs, HOST, outside, OUTSIDE);
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  const web = await host.start(await lab.namespace('web'), {
    name: 'web',
    publish: [{ containerPort: 80, protocol: 'tcp', hostPort: 8080 }],
  });
  t.match(web.status, {
    networkName: 'bridge',
    gateway: '172.17.0.1',
    ipv4: '172.17.0.2',
    ipv4PrefixLength: 16,
    mac: '02:42:ac:11:00:02',
    interface: 'eth0',
  });
  t.same(web.hosts, [`172.17.0.2\t${web.id.slice(0, 12)}`]);
  await serveTcp(t, web.namespace, 80, 'web');
  await serveTcp(t, outside, 9000, 'outside');
  t.equal(await askTcp(web.namespace, OUTSIDE, 9000), 'outside', 'egress');
  t.equal(await askTcp(outside, HOST, 8080), 'web', 'from outside');
  t.equal(await askTcp(hostNs, '127.0.0.1', 8080), 'web', 'by 127.0.0.1');
  t.equal(await askTcp(hostNs, HOST, 8080), 'web', 'by the own address');
  t.equal(await askTcp(hostNs, '172.17.0.2', 80), 'web', 'by the container address');
  t.equal(await askTcp(hostNs, '::1', 8080), 'web', 'by ::1');
  t.equal(await askTcp(web.namespace, HOST, 8080), 'web', 'hairpin by the host address');
  t.equal(await askTcp(web.namespace, '172.17.0.1', 8080), 'web', 'hairpin by the gateway');
  await host.detach(web);
  t.equal(await askTcp(hostNs, '127.0.0.1', 8080), '');
  await host.release(web);
});

t.test('networks are kept apart, and what is not published is not reached from outside', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const outside = await lab.namespace('outside');
  await lab.wire(hostNs, HOST, outside, OUTSIDE);
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  await host.createNetwork('front');
  await host.createNetwork('lonely', { options: { 'com.docker.network.bridge.enable_icc': 'false' } });
  await host.createNetwork('inner', { internal: true });
  const one = await host.start(await lab.namespace('one'), {
    name: 'one',
    publish: [{ containerPort: 80, hostPort: 8081, hostIp: '127.0.0.1' }],
  });
  const two = await host.start(await lab.namespace('two'), { name: 'two' });
  const front = await host.start(await lab.namespace('front'), {
    name: 'front',
    network: 'front',
    publish: [{ containerPort: 80, hostPort: 8082 }],
  });
  for (const container of [one, two, front]) await serveTcp(t, container.namespace, 80, container.name);
  const addressOf = (container: typeof one): string => String(container.status['ipv4']);

  t.equal(await askTcp(two.namespace, addressOf(one), 80), 'one', 'neighbours reach each other');
  t.equal(await askTcp(two.namespace, addressOf(front), 80, 1), '', 'another network does not');
  t.equal(await askTcp(front.namespace, addressOf(one), 80, 1), '');
  t.equal(await askTcp(two.namespace, HOST, 8082), 'front', 'but by its published port');
  t.equal(await askTcp(front.namespace, HOST, 8082), 'front');
  t.equal(await askTcp(hostNs, '127.0.0.1', 8081), 'one');
  t.equal(await askTcp(outside, HOST, 8081, 1), '', 'published on 127.0.0.1 alone');

  // A neighbour of the host that routes container addresses, and 127.0.0.1, to it.
  await lab.run(outside, 'ip', 'route', 'add', '172.16.0.0/12', 'via', HOST);
  t.equal(await askTcp(outside, addressOf(two), 80, 1), '', 'no way to an unpublished port');
  await lab.run(outside, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet');
  await lab.run(outside, 'ip', 'addr', 'del', '127.0.0.1/8', 'dev', 'lo');
  await lab.run(outside, 'ip', 'route', 'add', '127.0.0.1', 'via', HOST, 'src', OUTSIDE);
  t.equal(await askTcp(outside, '127.0.0.1', 8081, 1), '', 'nor to one on 127.0.0.1');

  const alone = await host.start(await lab.namespace('alone'), { name: 'alone', network: 'lonely' });
  const shy = await host.start(await lab.namespace('shy'), {
    name: 'shy',
    network: 'lonely',
    publish: [{ containerPort: 80, hostPort: 8083 }],
  });
  await serveTcp(t, shy.namespace, 80, 'shy');
  t.equal(await askTcp(alone.namespace, addressOf(shy), 80, 1), '', 'without icc neighbours do not reach each other');
  t.equal(await askTcp(outside, HOST, 8083), 'shy');

  const inner = await host.start(await lab.namespace('inner'), {
    name: 'inner',
    network: 'inner',
    publish: [{ containerPort: 80, hostPort: 8084 }],
  });
  const mate = await host.start(await lab.namespace('mate'), { name: 'mate', network: 'inner' });
  await serveTcp(t, inner.namespace, 80, 'inner');
  await serveTcp(t, outside, 9000, 'outside');
  t.equal(await askTcp(mate.namespace, addressOf(inner), 80), 'inner', 'an internal network connects its own');
  t.same(inner.status['ports'], []);
  t.notMatch(await lab.run(mate.namespace, 'ip', 'route'), /default/);
  await lab.run(mate.namespace, 'ip', 'route', 'add', 'default', 'via', String(mate.status['gateway']));
  t.equal(await askTcp(mate.namespace, OUTSIDE, 9000, 1), '', 'and nobody else');
});

t.test('UDP ports and both families are published', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const outside = await lab.namespace('outside');
  await lab.wire(hostNs, HOST, outside, OUTSIDE);
  for (const [namespace, address] of [
    [hostNs, '2001:db8::1'],
    [outside, '2001:db8::2'],
  ] as const) {
    const link = (await lab.run(namespace, 'ip', '-br', 'link')).match(/w[ab]\d+/)?.[0] ?? '';
    await lab.run(namespace, 'ip', 'addr', 'add', `${address}/64`, 'dev', link, 'nodad');
  }
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  await host.createNetwork('six', { ipv6: true });
  await host.createNetwork('named', {
    ipv6: true,
    pools: [
      { subnet: '10.77.0.0/24', range: '', gateway: '10.77.0.254', auxiliary: {} },
      { subnet: 'fd77::/64', range: '', gateway: '', auxiliary: {} },
    ],
  });
  const publish = [
    { containerPort: 53, protocol: 'udp', hostPort: 5353 },
    { containerPort: 80, protocol: 'tcp', hostPort: 8080 },
  ];
  const six = await host.start(await lab.namespace('six'), { name: 'six', network: 'six', publish });
  t.match(six.status['ipv6'], /^fd[0-9a-f:]+::2$/);
  await serveUdp(t, six.namespace, 53);
  await serveTcp(t, six.namespace, 80, 'six');
  t.equal(await askUdp(outside, HOST, 5353), `from ${OUTSIDE}`);
  t.equal(await askUdp(hostNs, '127.0.0.1', 5353), 'from 172.18.0.1');
  t.equal(await askTcp(outside, '2001:db8::1', 8080), 'six', 'IPv6 from outside');
  t.equal(await askTcp(hostNs, '2001:db8::1', 8080), 'six');
  t.equal(await askTcp(hostNs, '::1', 8080), 'six');
  t.equal(await askTcp(six.namespace, '2001:db8::1', 8080), 'six', 'hairpin');
  await serveTcp(t, outside, 9000, 'outside');
  t.equal(await askTcp(six.namespace, '2001:db8::2', 9000), 'outside', 'egress');

  const named = await host.start(await lab.namespace('named'), {
    name: 'named',
    network: 'named',
    ipv4: '10.77.0.9',
    ipv6: 'fd77::9',
    mac: '02:00:00:00:00:99',
    linkLocal: ['169.254.7.7'],
  });
  t.match(named.status, { ipv4: '10.77.0.9', gateway: '10.77.0.254', ipv6: 'fd77::9', ipv6Gateway: 'fd77::1', mac: '02:00:00:00:00:99' });
  t.same(named.hosts, [`10.77.0.9\t${named.id.slice(0, 12)}`, `fd77::9\t${named.id.slice(0, 12)}`]);
  t.match(await lab.run(named.namespace, 'ip', 'addr'), '169.254.7.7/16');
  t.equal(await askTcp(named.namespace, HOST, 8080), 'six');

  // A container without IPv6 is reached over IPv6 by the plugin's own listener.
  const four = await host.start(await lab.namespace('four'), {
    name: 'four',
    publish: [
      { containerPort: 80, hostPort: 8090 },
      { containerPort: 53, protocol: 'udp', hostPort: 8053 },
    ],
  });
  await serveTcp(t, four.namespace, 80, 'four');
  await serveUdp(t, four.namespace, 53);
  t.equal(await askTcp(outside, '2001:db8::1', 8090), 'four');
  t.equal(await askUdp(hostNs, '::1', 8053), 'from 172.17.0.1');
  t.match(await lab.run(four.namespace, 'cat', '/proc/sys/net/ipv6/conf/eth0/disable_ipv6'), '1');
});

t.test('another firewall that drops what is forwarded does not cut containers off', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const outside = await lab.namespace('outside');
  await lab.wire(hostNs, HOST, outside, OUTSIDE);
  await lab.run(hostNs, 'iptables-nft', '-P', 'FORWARD', 'DROP');
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  const web = await host.start(await lab.namespace('web'), { name: 'web', publish: [{ containerPort: 80, hostPort: 8080 }] });
  await serveTcp(t, web.namespace, 80, 'web');
  await serveTcp(t, outside, 9000, 'outside');
  t.equal(await askTcp(web.namespace, OUTSIDE, 9000), 'outside');
  t.equal(await askTcp(outside, HOST, 8080), 'web');
  await host.detach(web);
  await host.call('close', {});
  t.notMatch(await lab.run(hostNs, 'iptables-nft', '-S', 'FORWARD'), /ACCEPT/);
});

t.test('rules that somebody flushed come back whole with the next change', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  const web = await host.start(await lab.namespace('web'), { name: 'web', publish: [{ containerPort: 80, hostPort: 8080 }] });
  await lab.run(hostNs, 'nft', 'flush', 'ruleset');
  const other = await host.start(await lab.namespace('other'), { name: 'other', publish: [{ containerPort: 80, hostPort: 8081 }] });
  t.match(await lab.run(hostNs, 'nft', 'list', 'ruleset'), /tcp \. 8080 : 172\.17\.0\.2 \. 80/);
  await lab.run(hostNs, 'nft', 'flush', 'ruleset');
  await host.detach(web);
  await host.detach(other);
  t.notMatch(await lab.run(hostNs, 'nft', 'list', 'ruleset'), /tcp \. 808/);
});

t.test('a namespace that belongs to a user namespace is connected like any other', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox', 'user-namespaces')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  await host.createNetwork('front');
  const mapped = startProcess(t, ['unshare', '--user', '--map-root-user', '--net', 'sh', '-c', 'echo up; exec sleep 600']);
  await mapped.waitForOutput(/up/);
  const web = await host.start(`/proc/${mapped.pid}/ns/net`, {
    name: 'web',
    network: 'front',
    publish: [{ containerPort: 80, hostPort: 8080 }],
  });
  await serveTcp(t, web.namespace, 80, 'web');
  t.equal(await askTcp(hostNs, '127.0.0.1', 8080), 'web');
  t.match(await lab.run(web.namespace, 'busybox', 'nslookup', '-type=a', 'web', '127.0.0.11'), String(web.status['ipv4']));
  await host.detach(web);
});

t.test('a host that forwarded nothing before becomes no router between its own networks', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  // Links without a kind are devices; a namespace has only ones of a kind, of which vlan and bond count as devices too.
  const left = await lab.namespace('left');
  const right = await lab.namespace('right');
  await lab.wire(hostNs, '198.51.100.1', left, '198.51.100.2');
  await lab.wire(hostNs, '203.0.113.1', right, '203.0.113.2');
  await lab.run(left, 'ip', 'route', 'add', 'default', 'via', '198.51.100.1');
  await lab.run(right, 'ip', 'route', 'add', 'default', 'via', '203.0.113.1');
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  const web = await host.start(await lab.namespace('web'), { name: 'web' });
  t.match(
    await lab.run(hostNs, 'nft', 'list', 'chain', 'inet', `cleat-${host.instanceId}`, 'forward'),
    'iifname @uplinks oifname @uplinks drop',
  );
  const uplinks = (await lab.run(hostNs, 'ip', '-br', 'link')).match(/wa\d+/g) ?? [];
  await lab.run(
    hostNs,
    'nft',
    'add',
    'element',
    'inet',
    `cleat-${host.instanceId}`,
    'uplinks',
    `{ ${uplinks.map((name) => `"${name}"`).join(', ')} }`,
  );
  await serveTcp(t, right, 9000, 'right');
  t.equal(await askTcp(left, '203.0.113.2', 9000, 1), '', 'not from one side to the other');
  t.equal(await askTcp(web.namespace, '203.0.113.2', 9000), 'right', 'but from a container');
});

t.test('a bridge that the host has already is used as it is, and stays', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const hostNs = await lab.namespace('host');
  await lab.run(hostNs, 'ip', 'link', 'add', 'br-mine', 'type', 'bridge');
  await lab.run(hostNs, 'ip', 'address', 'add', '10.77.0.1/24', 'dev', 'br-mine');
  await lab.run(hostNs, 'ip', 'link', 'set', 'br-mine', 'up');
  const host = await lab.host(hostNs);
  await host.reconcile([]);
  const options = { 'com.docker.network.bridge.name': 'br-mine' };
  await t.rejects(host.createNetwork('other', { options }), { code: 'NETWORK_BRIDGE_NAME' });
  await host.createNetwork('mine', { options, pools: [{ subnet: '10.77.0.0/24', gateway: '10.77.0.1', range: '', auxiliary: {} }] });
  const web = await host.start(await lab.namespace('web'), { name: 'web', network: 'mine' });
  await serveTcp(t, web.namespace, 80, 'web');
  t.equal(await askTcp(hostNs, String(web.status['ipv4']), 80), 'web');
  await host.detach(web);
  await host.release(web);
  await host.call('remove', { network: 'mine' });
  t.match(await lab.run(hostNs, 'ip', 'address', 'show', 'br-mine'), '10.77.0.1/24');
});
