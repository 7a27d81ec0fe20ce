import { CleatError } from '@cleat/schemas';
import t from 'tap';
import { isObject, objectAt } from '../src/wire/json.ts';
import { startApi } from './api-client.ts';
import { ApiSpec } from './api-spec.ts';
import { ticketServer } from './fake-platform.ts';

const spec = new ApiSpec();

t.test('images are listed, inspected, tagged and removed', async (t) => {
  const api = await startApi(t);
  const id = api.platform.addImage('library/box', { entrypoint: ['/e'], volumes: ['/v'], labels: { a: 'b' } });
  const list = await api.call('GET', '/images/json');
  t.same(spec.problems('get', '/images/json', 200, list.json), []);
  t.match(list.json, [{ Id: id, Created: 1_700_000_000, Containers: 0 }]);
  t.match((await api.call('GET', '/v1.43/images/json')).json, [{ Containers: -1, VirtualSize: 1_234_567 }]);
  const inspect = await api.call('GET', '/images/library/box/json');
  t.same(spec.problems('get', '/images/{name}/json', 200, inspect.json), []);
  t.match(inspect.json, { Id: id, Config: { Entrypoint: ['/e'], Volumes: { '/v': {} } }, RootFS: { Type: 'layers' } });
  t.equal(objectAt(inspect.json, 'ContainerConfig')['Cmd'], undefined);
  const old = await api.call('GET', '/v1.41/images/library/box/json');
  t.match(old.json, { Parent: '', Container: '', ContainerConfig: { Hostname: '', Entrypoint: ['/e'] } });
  t.match(await api.call('GET', '/images/nope/json'), { status: 404, json: { message: 'No such image: nope:latest' } });
  api.platform.on('image.tag', () => ({}));
  t.equal((await api.call('POST', '/images/library/box/tag?repo=me/box&tag=2')).status, 201);
  t.match(api.platform.callsOf('image.tag')[0]?.request, { image: 'library/box', target: 'me/box:2' });
  api.platform.on('image.remove', () => ({ items: [{ untagged: 'box:latest' }, { deleted: id }] }));
  const removed = await api.call('DELETE', '/images/library/box?force=1');
  t.same(spec.problems('delete', '/images/{name}', 200, removed.json), []);
  t.same(removed.json, [{ Untagged: 'box:latest' }, { Deleted: id }]);
  api.platform.on('image.history', () => ({ entries: [{ createdBy: 'import', sizeBytes: 5 }] }));
  const history = await api.call('GET', '/images/library/box/history');
  t.same(spec.problems('get', '/images/{name}/history', 200, history.json), []);
});

t.test('load sends the archive to the ticket and its progress back', async (t) => {
  const api = await startApi(t);
  const far = await ticketServer(api.directory, (socket) => {
    socket.on('end', () =>
      socket.end('{"progress":{"message":"unpacking","current":1,"total":2}}\n{"id":"sha256:aa","reference":"box:1"}\n'),
    );
  });
  t.teardown(() => far.close());
  api.platform.on('image.load', () => far.ticket);
  const answer = await api.call('POST', '/images/load?quiet=1', Buffer.alloc(300_000), { 'content-type': 'application/x-tar' });
  t.equal(answer.status, 200);
  t.match(answer.text, /"status":"unpacking".*\r\n.*Loaded image: box:1/s);
  t.equal(far.received().length, 'token-1\n'.length + 300_000);
});

t.test('an archive that is refused at once is an error of the request', async (t) => {
  const api = await startApi(t);
  const far = await ticketServer(api.directory, (socket) => socket.end('{"error":{"message":"no tar"}}\n'));
  t.teardown(() => far.close());
  api.platform.on('image.import', () => far.ticket);
  const answer = await api.call('POST', '/images/create?fromSrc=-&repo=a&tag=b', Buffer.alloc(100_000), {
    'content-type': 'application/x-tar',
  });
  t.match(answer, { status: 400, json: { message: 'no tar' } });
  t.match(api.platform.callsOf('image.import')[0]?.request, { target: 'a:b' });
});

const VOLUME = {
  name: 'data',
  driver: 'local',
  mountpoint: '/m',
  createdAt: 1_700_000_000_000_000_000n,
  labels: { a: 'b' },
  references: 2,
  sizeBytes: 99,
};

t.test('volumes have the shape of the description', async (t) => {
  const api = await startApi(t);
  api.platform.on('volume.list', () => ({ volumes: [VOLUME] }));
  api.platform.on('volume.create', () => VOLUME);
  const list = await api.call('GET', '/volumes');
  t.same(spec.problems('get', '/volumes', 200, list.json), []);
  const made = await api.call('POST', '/volumes/create', { Name: 'data' });
  t.same(spec.problems('post', '/volumes/create', 201, made.json), []);
  t.match(made.json, { Name: 'data', Mountpoint: '/m', CreatedAt: '2023-11-14T22:13:20Z' });
  t.match(await api.call('POST', '/volumes/create', { Name: 'a/b' }), {
    status: 400,
    json: { message: /includes invalid characters for a local volume name/ },
  });
  api.platform.fails('volume.inspect', new CleatError('not_found', 'VOLUME_NOT_FOUND', 'volume x does not exist'));
  t.match(await api.call('GET', '/volumes/x'), { status: 404, json: { message: 'get x: no such volume' } });
  api.platform.on('volume.prune', () => ({ removed: [], spaceBytes: 0 }));
  await api.call('POST', '/volumes/prune');
  await api.call('POST', '/v1.41/volumes/prune');
  t.same(
    api.platform.callsOf('volume.prune').map((call) => call.request['all']),
    [false, true],
  );
});

const NETWORK = {
  ...{ id: 'e'.repeat(64), name: 'front', driver: 'bridge', createdAt: 1_700_000_000_000_000_000n },
  pools: [{ subnet: '172.20.0.0/16', gateway: '172.20.0.1' }],
};

t.test('networks are made, shown, connected and disconnected', async (t) => {
  const api = await startApi(t);
  api.platform.addImage('busybox');
  api.platform.on('network.list', () => ({ networks: [NETWORK] }));
  api.platform.on('network.inspect', () => ({
    ...NETWORK,
    endpoints: [{ id: 'f'.repeat(64), container: 'a'.repeat(64), name: 'web', ipv4: '172.20.0.2/16' }],
  }));
  api.platform.on('network.create', () => ({ id: NETWORK.id }));
  api.platform.on('claim.add', () => ({}));
  api.platform.on('claim.remove', () => ({}));
  const list = await api.call('GET', '/networks');
  t.same(
    spec.problems('get', '/networks', 200, list.json).filter((problem) => !problem.includes('Containers')),
    [],
  );
  const inspect = await api.call('GET', '/networks/front');
  t.same(spec.problems('get', '/networks/{id}', 200, inspect.json), []);
  const made = await api.call('POST', '/networks/create', { Name: 'front', IPAM: { Config: [{ Subnet: '172.20.0.0/16' }] } });
  t.same(spec.problems('post', '/networks/create', 201, made.json), []);
  t.match(api.platform.callsOf('network.create')[0]?.request, { name: 'front', driver: 'bridge', pools: [{ subnet: '172.20.0.0/16' }] });
  await api.call('POST', '/containers/create?name=web', { Image: 'busybox' });
  t.equal((await api.call('POST', '/networks/front/connect', { Container: 'web', EndpointConfig: { Aliases: ['w'] } })).status, 200);
  const added = api.platform.callsOf('claim.add')[0]?.request;
  t.match(objectAt(added, 'claim'), { name: 'network-2', kind: 'network', options: '{"network":"front","aliases":["w"]}' });
  t.match(await api.call('POST', '/networks/front/disconnect', { Container: 'web' }), {
    status: 403,
    json: { message: /is not connected to network front/ },
  });
});

t.test('info and version have the shape of the description, also when plugins are away', async (t) => {
  const api = await startApi(t);
  const info = await api.call('GET', '/info');
  t.same(spec.problems('get', '/info', 200, info.json), []);
  const warnings = isObject(info.json) ? info.json['Warnings'] : [];
  t.match(warnings, [/images cannot be told/]);
  const version = await api.call('GET', '/version');
  t.same(spec.problems('get', '/version', 200, version.json), []);
});

t.test('disk usage is summed, with lists for those who want them', async (t) => {
  const api = await startApi(t);
  api.platform.addImage('busybox');
  api.platform.on('volume.list', () => ({ volumes: [VOLUME] }));
  await api.call('POST', '/containers/create', { Image: 'busybox' });
  const sums = await api.call('GET', '/system/df');
  t.same(spec.problems('get', '/system/df', 200, sums.json), []);
  t.match(sums.json, { VolumeUsage: { TotalCount: 1, ActiveCount: 1, TotalSize: 99 }, ContainerUsage: { TotalCount: 1, ActiveCount: 0 } });
  t.equal(objectAt(sums.json, 'VolumeUsage')['Items'], undefined);
  const old = await api.call('GET', '/v1.41/system/df');
  t.match(old.json, {
    LayersSize: 1_234_567,
    Volumes: [{ Name: 'data', UsageData: { Size: 99, RefCount: 2 } }],
    Containers: [{ Image: 'busybox' }],
    BuildCache: [],
  });
});
