import t from 'tap';
import { isObject, type JsonObject, objectAt, stringAt } from '../src/wire/json.ts';
import { type Api, startApi } from './api-client.ts';
import { ApiSpec } from './api-spec.ts';

const spec = new ApiSpec();

async function create(api: Api, body: JsonObject, query = ''): Promise<string> {
  const answer = await api.call('POST', `/containers/create${query}`, { Image: 'busybox', ...body });
  if (answer.status !== 201) throw new Error(`create: ${answer.status} ${answer.text}`);
  return stringAt(answer.json, 'Id');
}

function lastCreate(api: Api): JsonObject {
  return api.platform.callsOf('container.create').at(-1)?.request ?? {};
}

function claims(api: Api, kind: string): readonly unknown[] {
  const list = lastCreate(api)['claims'];
  return (Array.isArray(list) ? list : [])
    .filter((claim) => stringAt(claim, 'kind') === kind)
    .map((claim): unknown => JSON.parse(stringAt(claim, 'options')));
}

t.test('create makes one call with a complete spec and its claims', async (t) => {
  const api = await startApi(t);
  const imageId = api.platform.addImage('busybox', {
    env: ['PATH=/bin', 'A=image'],
    workingDir: '/srv',
    exposedPorts: ['80/tcp'],
    volumes: ['/cache'],
  });
  const answer = await api.call('POST', '/v1.41/containers/create?name=web', {
    Image: 'busybox',
    Cmd: ['httpd', '-f'],
    Env: ['A=mine', 'B=2'],
    Labels: { tier: 'front' },
    HostConfig: {
      Binds: ['data:/data', '/etc/hosts:/h:ro'],
      PortBindings: { '80/tcp': [{ HostPort: '8080' }] },
      Memory: 67108864,
      NanoCpus: 500000000,
      PidsLimit: 100,
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
    },
  });
  t.equal(answer.status, 201);
  t.same(spec.problems('post', '/containers/create', 201, answer.json), []);
  const made = lastCreate(api);
  t.match(made, { id: stringAt(answer.json, 'Id'), name: 'web', attributes: { image: 'busybox' } });
  const process = objectAt(made['spec'], 'process');
  t.same(process['args'], ['httpd', '-f']);
  t.same(process['env'], ['A=mine', 'B=2', 'PATH=/bin']);
  t.equal(process['cwd'], '/srv');
  t.match(made['spec'], {
    labels: { tier: 'front' },
    resources: { memoryBytes: 67108864, memorySwapBytes: 134217728, cpuQuotaUs: 50000, cpuPeriodUs: 100000, pidsLimit: 100 },
    restart: { name: 'on-failure', maximumRetries: 3 },
    mounts: [{ type: 'bind', source: '/etc/hosts', target: '/h', createSource: true }],
  });
  t.same(claims(api, 'root'), [{ image: imageId, reference: 'busybox' }]);
  t.match(claims(api, 'volume'), [
    { name: 'data', target: '/data' },
    { target: '/cache', anonymous: true },
  ]);
  t.match(claims(api, 'network'), [
    { network: 'bridge', publish: [{ containerPort: 80, protocol: 'tcp', hostPort: 8080 }], expose: [{ port: 80, protocol: 'tcp' }] },
  ]);
});

t.test('inspect gives back what was asked for, in the shape of the description', async (t) => {
  const api = await startApi(t);
  api.platform.addImage('busybox', { entrypoint: ['/entry'] });
  const id = await create(
    api,
    { Cmd: ['a', 'b'], Tty: true, OpenStdin: true, HostConfig: { NetworkMode: 'none', CapAdd: ['NET_ADMIN'], Binds: ['xx:/x'] } },
    '?name=one',
  );
  const { json, status } = await api.call('GET', '/v1.55/containers/one/json');
  t.equal(status, 200);
  t.same(spec.problems('get', '/containers/{id}/json', 200, json), []);
  t.match(json, {
    Id: id,
    Name: '/one',
    Path: '/entry',
    Args: ['a', 'b'],
    Config: { Entrypoint: ['/entry'], Cmd: ['a', 'b'], Tty: true, OpenStdin: true, Image: 'busybox' },
    HostConfig: { NetworkMode: 'none', CapAdd: ['NET_ADMIN'], Binds: ['xx:/x'], RestartPolicy: { Name: 'no' } },
    State: { Status: 'created', Running: false, StartedAt: '0001-01-01T00:00:00Z' },
    NetworkSettings: { Networks: { none: {} } },
  });
  t.equal(objectAt(json, 'NetworkSettings')['IPAddress'], undefined);
  const old = await api.call('GET', '/v1.41/containers/one/json');
  t.equal(objectAt(old.json, 'NetworkSettings')['IPAddress'], '');
});

t.test('the list follows what changes, and old clients get their shape', async (t) => {
  const api = await startApi(t);
  api.platform.addImage('busybox');
  t.same((await api.call('GET', '/containers/json?all=1')).json, []);
  const first = await create(api, { Cmd: ['true'], HostConfig: { Annotations: { a: 'b' } } }, '?name=first');
  const second = await create(api, { Cmd: ['sleep', '1 day'] }, '?name=second');
  const list = await api.call('GET', '/containers/json?all=1');
  t.same(spec.problems('get', '/containers/json', 200, list.json), []);
  t.match(list.json, [
    {
      Id: second,
      Names: ['/second'],
      State: 'created',
      Status: 'Created',
      Command: "sleep '1 day'",
      HostConfig: { NetworkMode: 'bridge' },
    },
    { Id: first, Names: ['/first'], HostConfig: { Annotations: { a: 'b' } } },
  ]);
  t.same((await api.call('GET', '/containers/json')).json, [], 'only running ones without all');
  api.platform.change(first, (info) => ({
    ...info,
    state: { ...info.state, status: 'running', pid: 7, startedAt: BigInt(Date.now() - 3_600_000) * 1_000_000n },
  }));
  t.match((await api.call('GET', '/v1.41/containers/json')).json, [{ Id: first, State: 'running', Status: 'Up About an hour' }]);
  const [old] = [(await api.call('GET', '/v1.41/containers/json')).json].flat();
  t.equal(objectAt(old, 'HostConfig')['Annotations'], undefined);
  await api.call('DELETE', `/containers/${first}`);
  t.match((await api.call('GET', '/containers/json?all=1')).json, [{ Id: second }]);
  t.equal(api.platform.callsOf('container.list').at(-1)?.request['incarnation'], 'one', 'asks for the difference');
});

t.test('filters of the list take what Docker takes and refuse the rest', async (t) => {
  const api = await startApi(t);
  api.platform.addImage('busybox');
  const a = await create(api, { Labels: { app: 'a', env: 'x' } }, '?name=alpha');
  await create(api, { Labels: { app: 'b' }, HostConfig: { Binds: ['vol:/v'] } }, '?name=beta');
  const names = async (filters: object): Promise<readonly string[]> => {
    const answer = await api.call('GET', `/containers/json?all=1&filters=${encodeURIComponent(JSON.stringify(filters))}`);
    return Array.isArray(answer.json)
      ? answer.json.map((one) => String(isObject(one) && Array.isArray(one['Names']) ? one['Names'][0] : ''))
      : [answer.text];
  };
  t.same(await names({ label: ['app=a'] }), ['/alpha']);
  t.same(await names({ label: { 'app=b': true } }), ['/beta']);
  t.same(await names({ name: ['^/al'] }), ['/alpha']);
  t.same(await names({ volume: ['vol'] }), ['/beta']);
  t.same(await names({ id: [a.slice(0, 12)] }), ['/alpha']);
  t.same(await names({ ancestor: ['busybox'] }), ['/beta', '/alpha']);
  t.same(await names({ status: ['running'] }), []);
  t.match(await api.call('GET', '/containers/json?filters={"nope":["x"]}'), { status: 400, json: { message: "invalid filter 'nope'" } });
  t.match(await api.call('GET', '/containers/json?filters={"status":["odd"]}'), {
    status: 400,
    json: { message: "invalid filter 'status=odd'" },
  });
  t.match(await api.call('GET', '/containers/json?filters=notjson'), { status: 400 });
  t.match(await api.call('GET', '/containers/json?filters={"before":["nobody"]}'), {
    status: 404,
    json: { message: 'No such container: nobody' },
  });
});

t.test('bad input is refused with the status and words of Docker', async (t) => {
  const api = await startApi(t);
  api.platform.addImage('busybox');
  await create(api, {}, '?name=taken');
  const refused = async (body: unknown, query = ''): Promise<string> => {
    const answer = await api.call('POST', `/containers/create${query}`, body);
    return `${answer.status} ${stringAt(answer.json, 'message')}`;
  };
  const withHost = (host: object): object => ({ Image: 'busybox', HostConfig: host });
  const before = api.platform.callsOf('container.create').length;
  t.match(await refused('{'), /^400 invalid JSON/);
  t.equal(await refused(''), '400 invalid JSON: got EOF while reading request body');
  t.match(await refused('[]'), /^400 invalid JSON: cannot unmarshal array/);
  t.match(
    await refused({ Image: 'busybox', Tty: 'yes' }),
    /^400 invalid JSON: cannot unmarshal string into field ContainerCreateRequest\.Tty of type bool/,
  );
  t.match(await refused(withHost({ Memory: '5m' })), /^400 invalid JSON: .*HostConfig\.Memory of type int64/);
  t.equal(await refused({ Image: 'nope' }), '404 No such image: nope:latest');
  t.equal(await refused({}), '400 No image specified');
  t.match(
    await refused({ Image: 'busybox' }, '?name=a/b'),
    /^400 Invalid container name \(a\/b\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed/,
  );
  t.equal(await refused(withHost({ Memory: 1024 })), '400 Minimum memory limit allowed is 6MB');
  t.match(await refused(withHost({ NanoCpus: 1e15 })), /^400 range of CPUs is from 0\.01 to [\d.]+, as there are only \d+ CPUs available/);
  t.match(await refused(withHost({ CpusetCpus: '4096' })), /^400 Requested CPUs are not available - requested 4096, available: 0/);
  t.match(await refused(withHost({ RestartPolicy: { Name: 'often' } })), /^400 invalid restart policy: unknown policy 'often'/);
  t.equal(
    await refused(withHost({ AutoRemove: true, RestartPolicy: { Name: 'always' } })),
    "400 can't create 'AutoRemove' container with restart policy",
  );
  t.equal(await refused(withHost({ CapAdd: ['NET_NOPE'] })), '400 invalid CapAdd: unknown capability: "CAP_NET_NOPE"');
  t.match(await refused(withHost({ Binds: ['a:b'] })), /^400 invalid volume specification: 'a:b'/);
  t.match(await refused(withHost({ Binds: ['/a:/b:fast'] })), /^400 invalid mode: fast/);
  t.match(
    await refused(withHost({ Binds: ['../x:/b'] })),
    /^400 create \.\.\/x: "\.\.\/x" includes invalid characters for a local volume name/,
  );
  t.match(
    await refused(withHost({ Mounts: [{ Type: 'bind', Source: '/no/such/place', Target: '/b' }] })),
    /^400 invalid mount config for type "bind": bind source path does not exist: \/no\/such\/place/,
  );
  t.equal(await refused(withHost({ Binds: ['/a:/b', '/c:/b'] })), '400 Duplicate mount point: /b');
  t.match(await refused(withHost({ PortBindings: { '80/tcp': [{ HostPort: 'x' }] } })), /^400 invalid port specification: "x"/);
  t.match(await refused(withHost({ PortBindings: { 'eighty/tcp': [] } })), /^400 invalid port specification: "eighty"/);
  t.match(await refused(withHost({ NetworkMode: 'container:nobody' })), /^400 No such container: nobody/);
  t.match(await refused(withHost({ SecurityOpt: ['odd=1'] })), /^400 invalid --security-opt 2: "odd=1"/);
  t.match(
    await refused(withHost({ BlkioDeviceReadBps: [{ Path: '/dev/sda', Rate: 1 }] })),
    /^501 HostConfig\.BlkioDeviceReadBps is not supported/,
  );
  t.match(await refused(withHost({ DeviceRequests: [{ Driver: 'nvidia' }] })), /^501 HostConfig\.DeviceRequests is not supported/);
  t.match(await refused(withHost({ UsernsMode: 'odd' })), /^400 invalid user namespace mode/);
  t.match(await refused(withHost({ OomScoreAdj: 2000 })), /^400 Invalid value 2000, range for oom score adj is \[-1000, 1000\]/);
  t.equal(api.platform.callsOf('container.create').length, before, 'nothing was half made');
  t.match(
    await refused({ Image: 'busybox' }, '?name=taken'),
    /^409 Conflict\. The container name "\/taken" is already in use by container "[0-9a-f]{64}"\. You have to remove \(or rename\) that container to be able to reuse that name\./,
  );
});

t.test('a container without a name gets one that is free', async (t) => {
  const api = await startApi(t);
  api.platform.addImage('busybox');
  await create(api, {});
  t.match(stringAt(lastCreate(api), 'name'), /^[a-z]+_[a-z]+\d*$/);
});

t.test('start and stop that change nothing are 304', async (t) => {
  const api = await startApi(t);
  api.platform.addImage('busybox');
  const id = await create(api, {});
  t.equal((await api.call('POST', `/containers/${id}/start`)).status, 204);
  t.match(await api.call('POST', '/containers/nobody/start'), { status: 404, json: { message: 'No such container: nobody' } });
  api.platform.on('container.start', () => ({ changed: false }));
  api.platform.on('container.stop', () => ({ changed: false }));
  t.equal((await api.call('POST', `/containers/${id}/start`)).status, 304);
  t.equal((await api.call('POST', `/containers/${id}/stop?t=3`)).status, 304);
  t.match(api.platform.callsOf('container.stop').at(-1)?.request, { timeoutS: 3 });
});

t.test('update changes what the request names and keeps the rest', async (t) => {
  const api = await startApi(t);
  api.platform.addImage('busybox');
  api.platform.on('container.update', () => ({ warnings: [] }));
  const id = await create(api, { HostConfig: { Memory: 64 << 20, CpuShares: 512 } });
  const answer = await api.call('POST', `/containers/${id}/update`, { PidsLimit: 20, RestartPolicy: { Name: 'always' } });
  t.match(answer, { status: 200, json: { Warnings: [] } });
  t.match(api.platform.callsOf('container.update').at(-1)?.request, {
    resources: { memoryBytes: 64 << 20, memorySwapBytes: 128 << 20, cpuShares: 512, pidsLimit: 20 },
    restart: { name: 'always' },
  });
  t.match(await api.call('POST', `/containers/${id}/update`, { Memory: 1 }), {
    status: 400,
    json: { message: 'Minimum memory limit allowed is 6MB' },
  });
});

t.test('volumes of another container come by their names', async (t) => {
  const api = await startApi(t);
  api.platform.addImage('busybox');
  await create(api, { HostConfig: { Binds: ['shared:/data'] } }, '?name=source');
  await create(api, { HostConfig: { VolumesFrom: ['source:ro'] } });
  t.match(claims(api, 'volume'), [{ name: 'shared', target: '/data', readonly: true }]);
});

t.test('prune removes what has ended and says so', async (t) => {
  const api = await startApi(t);
  api.platform.addImage('busybox');
  const kept = await create(api, { Labels: { keep: '1' } }, '?name=kept');
  const gone = await create(api, {}, '?name=gone');
  const answer = await api.call('POST', `/containers/prune?filters=${encodeURIComponent('{"label!":["keep"]}')}`);
  t.same(spec.problems('post', '/containers/prune', 200, answer.json), []);
  t.same(answer.json, { ContainersDeleted: [gone], SpaceReclaimed: 0 });
  t.match((await api.call('GET', '/containers/json?all=1')).json, [{ Id: kept }]);
});
