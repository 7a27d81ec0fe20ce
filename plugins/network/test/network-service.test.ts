import { needs } from '@cleat/harness';
import t from 'tap';
import { NetworkLab } from './network-lab.ts';
import { askTcp, serveTcp } from './probe.ts';

interface Listed {
  readonly networks: readonly {
    readonly name: string;
    readonly id: string;
    readonly endpoints: readonly Readonly<Record<string, string>>[];
  }[];
}

t.test('networks are made, shown, and removed when no container runs on them', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip')) return;
  const lab = new NetworkLab(t);
  const host = await lab.host(await lab.namespace('host'));
  await host.reconcile([]);
  const names = async (filters = {}): Promise<string[]> =>
    ((await host.call('list', { filters })) as unknown as Listed).networks.map(({ name }) => name);
  t.same(await names(), ['bridge', 'host', 'none']);
  t.equal((await lab.run(host.namespace, 'nft', 'list', 'tables')).trim(), '', 'the host is untouched until a network is used');

  const id = await host.createNetwork('front', {
    labels: { tier: 'web' },
    pools: [{ subnet: '10.66.0.0/24', range: '', gateway: '', auxiliary: {} }],
  });
  t.match(host.events, [{ type: 'network.created', subject: id, labels: { tier: 'web' }, properties: { name: 'front', type: 'bridge' } }]);
  t.match(await lab.run(host.namespace, 'ip', '-o', 'addr'), '10.66.0.1/24');
  await t.rejects(host.createNetwork('front'), { code: 'NETWORK_NAME_TAKEN' });
  t.match(await host.call('inspect', { network: id.slice(0, 8) }), {
    name: 'front',
    pools: [{ subnet: '10.66.0.0/24', gateway: '10.66.0.1' }],
    labels: { tier: 'web' },
    predefined: false,
  });

  const web = await host.start(await lab.namespace('web'), { name: 'web', network: 'front' });
  t.match(await host.call('inspect', { network: 'front' }), {
    endpoints: [{ container: web.id, name: 'web', ipv4: '10.66.0.2/24', mac: '02:42:0a:42:00:02' }],
  });
  await t.rejects(host.call('remove', { network: 'front' }), {
    code: 'NETWORK_IN_USE',
    message: `error while removing network: network front id ${id} has active endpoints`,
  });
  t.same(await names({ dangling: ['true'] }), []);
  await host.detach(web);
  t.same(await host.call('prune', { filters: {} }), { removed: [] }, 'a stopped container keeps its network from being pruned');
  await host.call('remove', { network: 'front' });
  await t.rejects(host.attach(web), { code: 'NETWORK_NOT_FOUND', message: `network ${id} not found` });
  await host.release(web);
  t.notMatch(await lab.run(host.namespace, 'ip', '-o', 'addr'), '10.66.0.1/24');
  t.match(host.events.at(-1), { type: 'network.removed', subject: id });

  await host.createNetwork('one');
  await host.createNetwork('two');
  t.same(await host.call('prune', { filters: {} }), { removed: ['one', 'two'] });
  t.same(await names(), ['bridge', 'host', 'none']);
  for (const name of ['bridge', 'host', 'none']) await t.rejects(host.call('remove', { network: name }), { code: 'NETWORK_PREDEFINED' });
  await t.rejects(host.call('inspect', { network: 'front' }), { code: 'NETWORK_NOT_FOUND' });
});

t.test('a claim asks only for what its network has', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip')) return;
  const lab = new NetworkLab(t);
  const host = await lab.host(await lab.namespace('host'));
  await host.reconcile([]);
  await host.createNetwork('picked');
  await host.createNetwork('named', { pools: [{ subnet: '10.66.0.0/24', range: '', gateway: '', auxiliary: {} }] });
  const refused: [Record<string, unknown>, RegExp][] = [
    [{ network: 'nothing' }, /^network nothing not found$/],
    [{ network: 'bridge', ipv4: '172.17.0.9' }, /user defined networks only/],
    [{ network: 'bridge', aliases: ['a'] }, /only for containers in user defined networks/],
    [{ network: 'picked', ipv4: '172.18.0.9' }, /networks with user configured subnets/],
    [{ network: 'named', ipv4: '10.67.0.9' }, /does not belong to any of this network's subnets/],
    [{ network: 'named', ipv6: 'fd00::9' }, /does not belong/],
    [{ network: 'named', ipv4: '10.66.0.1' }, /Address already in use/],
    [{ network: 'host', mac: '02:42:00:00:00:01' }, /host network has no addresses/],
  ];
  for (const [options, message] of refused) await t.rejects(host.reserve('', { name: 'x', ...options }), message);

  const held = await host.reserve(await lab.namespace('held'), { name: 'held', network: 'named', ipv4: '10.66.0.9' });
  await t.rejects(host.reserve('', { name: 'late', network: 'named', ipv4: '10.66.0.9' }), { code: 'NETWORK_ADDRESS_IN_USE' });
  await host.attach(held);
  await host.detach(held);
  await t.rejects(
    host.reserve('', { name: 'late', network: 'named', ipv4: '10.66.0.9' }),
    { code: 'NETWORK_ADDRESS_IN_USE' },
    'a stopped container holds its address',
  );
  t.equal((await host.attach(held)).status['ipv4'], '10.66.0.9');
  await host.detach(held);
  await host.release(held);
  await host.reserve('', { name: 'next', network: 'named', ipv4: '10.66.0.9' });
  await t.rejects(host.attach({ ...held, claim: 'unknown' }), { code: 'NETWORK_CLAIM_UNKNOWN' });
  const homeless = await host.reserve('', { name: 'homeless' });
  await t.rejects(host.attach(homeless), { code: 'NETWORK_NO_NAMESPACE' });
});

t.test('the host network and none need nothing, and links on the default bridge are lines of hosts', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip')) return;
  const lab = new NetworkLab(t);
  const host = await lab.host(await lab.namespace('host'));
  await host.reconcile([]);
  const plain = await host.start('', { name: 'plain', network: 'host' });
  t.match(plain.status, { networkName: 'host', driver: 'host', ports: [] });
  t.equal(plain.dns, null);
  t.match(await host.call('inspect', { network: 'host' }), { endpoints: [{ name: 'plain', ipv4: '' }] });
  await host.detach(plain);
  t.equal((await lab.run(host.namespace, 'nft', 'list', 'tables')).trim(), '');

  const db = await host.start(await lab.namespace('db'), { name: 'db' });
  const web = await host.start(await lab.namespace('web'), { name: 'web', links: [{ container: db.id, alias: 'database' }] });
  t.same(web.hosts, [`172.17.0.3\t${web.id.slice(0, 12)}`, `172.17.0.2\tdatabase db ${db.id.slice(0, 12)}`]);
  await host.detach(db);
  const late = await host.reserve(await lab.namespace('late'), { name: 'late', links: [{ container: db.id, alias: 'database' }] });
  await t.rejects(host.attach(late), /Cannot link to a non running container: db AS database/);
  t.same((await host.start(await lab.namespace('own'), { name: 'own', dns: { servers: ['192.0.2.53'], search: ['corp.test'] } })).dns, {
    servers: ['192.0.2.53'],
    search: ['corp.test'],
    options: [],
  });
});

t.test('a bridge that somebody deleted comes back, with the containers that run on it', async (t) => {
  if (!needs(t, 'root', 'nft', 'ip', 'busybox')) return;
  const lab = new NetworkLab(t);
  const host = await lab.host(await lab.namespace('host'));
  await host.reconcile([]);
  const web = await host.start(await lab.namespace('web'), { name: 'web', publish: [{ containerPort: 80, hostPort: 8080 }] });
  await serveTcp(t, web.namespace, 80, 'web');
  const bridge = (await lab.run(host.namespace, 'ip', '-br', 'link')).match(/cl[0-9a-f]{8}\w+/)?.[0] ?? '';
  await lab.run(host.namespace, 'ip', 'link', 'delete', bridge);
  t.equal(await askTcp(host.namespace, '127.0.0.1', 8080, 1), '');
  const other = await host.start(await lab.namespace('other'), { name: 'other' });
  t.equal(other.status['gateway'], web.status['gateway']);
  t.equal(await askTcp(host.namespace, '127.0.0.1', 8080), 'web');
  t.equal(await askTcp(other.namespace, String(web.status['ipv4']), 80), 'web');
});
