import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import {
  addAddress,
  addBaseChain,
  addElements,
  addLink,
  addNeighbour,
  addNewTable,
  addRoute,
  addRule,
  addressBytes,
  addressText,
  addTable,
  Conntrack,
  deleteElements,
  deleteLink,
  deleteLinkGroup,
  deleteTable,
  expectEqual,
  isNetlinkErrno,
  key,
  loadPayload,
  loadProtocol,
  NFPROTO,
  Nftables,
  Rtnetlink,
  redirectTo,
  setBridgePort,
  setLink,
  subnetRange,
} from '../src/netlink/index.ts';
import { attributeList, BodyWriter } from '../src/netlink/message.ts';
import { createNetworkNamespace, unpinNamespace, withNetworkNamespace } from '../src/syscalls/network-namespaces.ts';

interface Teardown {
  teardown(undo: () => void): void;
}

const directory = mkdtempSync(join(tmpdir(), 'cleat-netlink-'));
let made = 0;

/** A network namespace of this test alone. */
function namespace(test: Teardown): string {
  made += 1;
  const pin = join(directory, `ns${made}`);
  createNetworkNamespace(pin);
  test.teardown(() => {
    unpinNamespace(pin);
  });
  return pin;
}

function run(pin: string, command: string, ...args: string[]): string {
  return execFileSync('nsenter', [`--net=${pin}`, command, ...args], { encoding: 'utf8' });
}

function route<T>(pin: string, use: (routes: Rtnetlink) => T): T {
  const socket = withNetworkNamespace(pin, () => Rtnetlink.open());
  try {
    return use(socket);
  } finally {
    socket.close();
  }
}

function tables<T>(pin: string, use: (nftables: Nftables) => T): T {
  const socket = withNetworkNamespace(pin, () => Nftables.open());
  try {
    return use(socket);
  } finally {
    socket.close();
  }
}

t.teardown(() => {
  rmSync(directory, { recursive: true, force: true });
});

t.test('a veth pair reaches into another namespace with address and default route', async (t) => {
  const host = namespace(t);
  const inner = namespace(t);
  const fd = openSync(inner, 'r');
  route(host, (routes) => {
    routes.execute(addLink({ name: 'br0', type: { kind: 'bridge' }, mac: '02:42:0a:00:00:01', isUp: true }));
    const bridge = routes.link('br0');
    if (bridge === undefined) throw new Error('no bridge');
    t.match(bridge, { kind: 'bridge', isUp: true, mac: '02:42:0a:00:00:01' });
    routes.execute(addAddress({ linkIndex: bridge.index, address: '10.0.0.1', prefixLength: 24 }));
    const peer = { name: 'eth0', mac: '02:42:0a:00:00:02', mtu: 1400, netnsFd: fd };
    routes.execute(addLink({ name: 'veth0', type: { kind: 'veth', peer }, mtu: 1400, masterIndex: bridge.index, group: 77, isUp: true }));
    t.match(routes.link('veth0'), { kind: 'veth', masterIndex: bridge.index, group: 77, mtu: 1400 });
    t.ok(routes.addresses().some((entry) => entry.address === '10.0.0.1' && entry.prefixLength === 24));
  });
  closeSync(fd);
  route(inner, (routes) => {
    const eth0 = routes.link('eth0');
    if (eth0 === undefined) throw new Error('no eth0');
    t.match(eth0, { mac: '02:42:0a:00:00:02', mtu: 1400, isUp: false });
    routes.execute(
      setLink(1, { isUp: true }),
      setLink(eth0.index, { isUp: true }),
      addAddress({ linkIndex: eth0.index, address: '10.0.0.2', prefixLength: 24 }),
      addRoute({ family: 4, prefixLength: 0, gateway: '10.0.0.1', linkIndex: eth0.index }),
    );
    t.ok(routes.routes().some((entry) => entry.destination === undefined && entry.gateway === '10.0.0.1'));
    t.ok(routes.routes().some((entry) => entry.destination === '10.0.0.0' && entry.prefixLength === 24));
  });
  t.match(run(inner, 'ip', 'addr', 'show', 'eth0'), 'inet 10.0.0.2/24 brd 10.0.0.255');
  run(inner, 'busybox', 'ping', '-c', '1', '-W', '2', '10.0.0.1');
});

t.test('links are changed, renamed and deleted, alone and by group', async (t) => {
  const host = namespace(t);
  route(host, (routes) => {
    routes.execute(addLink({ name: 'br0', type: { kind: 'bridge' }, isUp: true }));
    const bridge = routes.link('br0')?.index ?? 0;
    for (const name of ['a', 'b', 'c']) {
      routes.execute(addLink({ name, type: { kind: 'veth', peer: { name: `${name}-peer` } }, group: 5, masterIndex: bridge }));
    }
    const port = routes.link('a')?.index ?? 0;
    routes.execute(setBridgePort(port, { isIsolated: true, isHairpin: true }));
    t.match(run(host, 'ip', '-d', 'link', 'show', 'a'), /hairpin on.*isolated on/s);
    routes.execute(
      setBridgePort(port, { isIsolated: false, isHairpin: false }),
      setLink(port, { name: 'renamed', masterIndex: 0, mac: '02:00:00:00:00:09' }),
    );
    t.match(routes.link('renamed'), { masterIndex: undefined, mac: '02:00:00:00:00:09' });
    routes.execute(deleteLinkGroup(5));
    t.same(
      routes
        .links()
        .map((link) => link.name)
        .filter((name) => name !== 'lo' && !name.startsWith('ifb')),
      ['br0'],
    );
    routes.execute(deleteLink(bridge));
    t.equal(routes.link('br0'), undefined);
  });
});

t.test('an error carries the name of its errno and the sentence of the kernel', async (t) => {
  const host = namespace(t);
  route(host, (routes) => {
    routes.execute(addLink({ name: 'br0', type: { kind: 'bridge' } }));
    t.throws(() => routes.execute(addLink({ name: 'br0', type: { kind: 'bridge' } })), {
      class: 'already_exists',
      code: 'NETLINK_EEXIST',
      details: { errno: 'EEXIST' },
      message: /br0/,
    });
    t.throws(() => routes.execute(deleteLink(4711)), { class: 'not_found', code: 'NETLINK_ENODEV' });
    t.throws(() => routes.execute(addRoute({ family: 4, destination: '10.9.0.0', prefixLength: 16, gateway: '10.1.1.1' })), {
      code: 'NETLINK_ENETUNREACH',
      message: /gateway/,
    });
    t.equal(routes.link('nothing'), undefined);
    try {
      routes.execute(deleteLink(4711));
    } catch (error) {
      t.ok(isNetlinkErrno(error, 'ENODEV'));
      t.notOk(isNetlinkErrno(error, 'EEXIST'));
    }
    // The socket goes on after a failure, and the messages behind the one that failed are done.
    t.throws(() => routes.execute(deleteLink(4711), setLink(1, { isUp: true })));
    t.equal(routes.link('lo')?.isUp, true);
  });
});

t.test('vxlan and macvlan links are made, with neighbour and forwarding entries', async (t) => {
  const host = namespace(t);
  route(host, (routes) => {
    routes.execute(addLink({ name: 'up0', type: { kind: 'veth', peer: { name: 'up1' } }, isUp: true }));
    const parentIndex = routes.link('up0')?.index ?? 0;
    routes.execute(addLink({ name: 'mv0', type: { kind: 'macvlan', parentIndex, mode: 'bridge' } }));
    routes.execute(addLink({ name: 'vx0', type: { kind: 'vxlan', id: 4097, port: 4789, local: '10.0.0.1' }, mtu: 1450, isUp: true }));
    const linkIndex = routes.link('vx0')?.index ?? 0;
    t.match(run(host, 'ip', '-d', 'link', 'show', 'vx0'), /vxlan id 4097 local 10.0.0.1.*dstport 4789.*nolearning proxy/s);
    routes.execute(
      addNeighbour({ table: 'neighbour', linkIndex, address: '10.5.0.2', mac: '02:42:0a:05:00:02' }),
      addNeighbour({ table: 'forwarding', linkIndex, mac: '02:42:0a:05:00:02', remote: '10.0.0.2' }),
    );
    t.strictSame(
      routes.neighbours('neighbour').filter((entry) => entry.linkIndex === linkIndex && entry.mac === '02:42:0a:05:00:02').length,
      1,
    );
    t.match(run(host, 'bridge', 'fdb', 'show', 'dev', 'vx0'), '02:42:0a:05:00:02 dst 10.0.0.2 self permanent');
    t.ok(routes.neighbours('forwarding').some((entry) => entry.table === 'forwarding' && entry.remote === '10.0.0.2'));
  });
});

const TABLE = { family: 'inet', name: 'cleat-test' } as const;
const SKELETON = `table inet cleat-test {
  set bridges { type ifname; }
  map pairs { type ifname . ifname : verdict; }
  set hairpin4 { type ifname . ipv4_addr; flags interval; }
  set hairpin6 { type ifname . ipv6_addr; flags interval; }
  set masq4 { type ipv4_addr; flags interval; }
  set masq6 { type ipv6_addr; flags interval; }
  map any4 { type inet_proto . inet_service : ipv4_addr . inet_service; }
  map pub6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }
}`;

const ELEMENTS = [
  { set: 'bridges', key: [key.interface('br-a')] },
  { set: 'pairs', key: [key.interface('br-a'), key.interface('br-a')], value: { verdict: 'accept' } },
  { set: 'hairpin4', key: [key.interface('br-a')], range: subnetRange('172.18.0.0', 16) },
  { set: 'hairpin6', key: [key.interface('br-a')], range: subnetRange('fd00:1::', 64) },
  { set: 'masq4', key: [], range: subnetRange('172.18.0.0', 16) },
  { set: 'masq4', key: [], range: subnetRange('255.255.255.0', 24) },
  { set: 'masq6', key: [], range: subnetRange('fd00:1::', 64) },
  { set: 'any4', key: [key.protocol('tcp'), key.port(8080)], value: { parts: [key.address('172.18.0.2'), key.port(80)] } },
  {
    set: 'pub6',
    key: [key.address('fd00::1'), key.protocol('udp'), key.port(53)],
    value: { parts: [key.address('fd00:1::2'), key.port(5353)] },
  },
] as const;

t.test('elements written raw read back as nft would have written them, and go again', async (t) => {
  const host = namespace(t);
  execFileSync('nsenter', [`--net=${host}`, 'nft', '-f', '-'], { input: SKELETON });
  tables(host, (nftables) => {
    t.equal(nftables.hasTable(TABLE), true);
    t.equal(nftables.hasTable({ family: 'inet', name: 'other' }), false);
    nftables.transact(addElements(TABLE, ELEMENTS));
    const listing = run(host, 'nft', 'list', 'table', 'inet', 'cleat-test');
    for (const line of [
      'elements = { "br-a" }',
      '"br-a" . "br-a" : accept',
      '"br-a" . 172.18.0.0/16',
      '"br-a" . fd00:1::/64',
      '172.18.0.0/16, 255.255.255.0/24',
      'elements = { fd00:1::/64 }',
      'tcp . 8080 : 172.18.0.2 . 80',
      'fd00::1 . udp . 53 : fd00:1::2 . 5353',
    ]) {
      t.match(listing.replaceAll(/\s+/g, ' '), line);
    }
    t.throws(() => nftables.transact(addElements(TABLE, [ELEMENTS[7]])), { code: 'NETLINK_EEXIST' });
    // One refused message undoes the whole transaction.
    const other = { set: 'bridges', key: [key.interface('br-b')] };
    t.throws(() => nftables.transact(addElements(TABLE, [other, ELEMENTS[7]])));
    t.same(
      nftables.elementKeys(TABLE, 'bridges').map((name) => name.toString('utf8', 0, 4)),
      ['br-a'],
    );
    nftables.transact(deleteElements(TABLE, ELEMENTS));
    t.notMatch(run(host, 'nft', 'list', 'table', 'inet', 'cleat-test'), /elements/);
    t.throws(() => nftables.transact(deleteElements(TABLE, [ELEMENTS[0]])), { code: 'NETLINK_ENOENT' });
  });
});

t.test('a table with a chain and a redirecting rule is made in one transaction', async (t) => {
  const host = namespace(t);
  const table = { family: 'ip', name: 'dns' } as const;
  tables(host, (nftables) => {
    const rule = [
      loadPayload('network', 16, 4),
      expectEqual(addressBytes('127.0.0.11')),
      loadProtocol(),
      expectEqual(Buffer.from([17])),
      loadPayload('transport', 2, 2),
      expectEqual(Buffer.from([0, 53])),
      ...redirectTo(NFPROTO.ip, addressBytes('127.0.0.11'), 40053),
    ];
    const messages = [
      addTable(table),
      deleteTable(table),
      addTable(table),
      addBaseChain(table, { name: 'output', type: 'nat', hook: 'output', priority: -100 }),
      addRule(table, 'output', rule),
    ];
    nftables.transact(messages);
    nftables.transact(messages);
    t.equal(nftables.dropsByPolicy(table, 'output'), false);
    t.equal(nftables.dropsByPolicy(table, 'nothing'), false);
    t.same([nftables.hasChain(table, 'output'), nftables.hasChain(table, 'nothing')], [true, false]);
    t.throws(() => nftables.transact([addNewTable(table)]), { code: 'NETLINK_EEXIST' });
  });
  t.match(run(host, 'nft', 'list', 'table', 'ip', 'dns'), 'ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:40053');
  execFileSync('nsenter', [`--net=${host}`, 'nft', '-f', '-'], {
    input: 'table ip f {\nchain FORWARD { type filter hook forward priority 0; policy drop; }\n}\n',
  });
  t.equal(
    tables(host, (nftables) => nftables.dropsByPolicy({ family: 'ip', name: 'f' }, 'FORWARD')),
    true,
  );
});

t.test('flows to a removed backend are forgotten', async (t) => {
  const host = namespace(t);
  const conntrack = withNetworkNamespace(host, () => Conntrack.open());
  t.teardown(() => {
    conntrack.close();
  });
  // Nothing is tracked here; the request itself must be one that the kernel takes.
  conntrack.forget([
    { direction: 'reply', address: '172.18.0.2' },
    { direction: 'original', address: 'fd00::2' },
    { direction: 'reply', address: '172.18.0.2', service: { protocol: 'udp', port: 53 } },
  ]);
});

t.test('a body grows with what is written into it', async (t) => {
  const body = new BodyWriter();
  for (let value = 0; value < 100; value += 1)
    body
      .u32be(1, value)
      .u16(2, value)
      .u8(3, value)
      .nest(4, (inner) => inner.u64be(5, BigInt(value)));
  const values = attributeList(body.finish());
  t.same(
    values.filter(({ type }) => type === 1).map(({ value }) => value.readUInt32BE(0)),
    Array.from({ length: 100 }, (_, value) => value),
  );
  t.equal(values.length, 400);
});

t.test('addresses keep their meaning through bytes and text', async (t) => {
  for (const address of ['0.0.0.0', '172.18.0.255', '::', '::1', 'fd00:1::2', '2001:db8::1:0:0:1', 'fe80::1:2:3:4']) {
    t.equal(addressText(addressBytes(address)), address);
  }
  t.equal(addressText(addressBytes('::ffff:1.2.3.4')), '::ffff:102:304');
  t.equal(addressText(addressBytes('2001:DB8:0:0:0:0:0:1')), '2001:db8::1');
  for (const wrong of ['', '1.2.3', '1.2.3.256', '01.2.3.4', '1::2::3', '12345::', ':1', '1:2:3:4:5:6:7:8:9', 'fe80::1%eth0', '::1.2.3']) {
    t.throws(() => addressBytes(wrong), { code: 'NETLINK_ADDRESS_INVALID' });
  }
});
