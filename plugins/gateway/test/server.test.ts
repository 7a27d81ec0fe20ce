import { connect } from 'node:net';
import t from 'tap';
import { startApi } from './api-client.ts';

t.test('ping answers GET and HEAD with the same headers', async (t) => {
  const api = await startApi(t);
  const get = await api.call('GET', '/_ping');
  const head = await api.call('HEAD', '/_ping');
  t.equal(get.text, 'OK');
  t.equal(head.text, '');
  for (const answer of [get, head]) {
    t.match(
      { status: answer.status, ...answer.headers },
      { status: 200, 'api-version': '1.55', ostype: 'linux', 'docker-experimental': 'false', swarm: 'inactive', 'builder-version': '1' },
    );
  }
});

t.test('a version out of range is refused in words that say which are served', async (t) => {
  const api = await startApi(t);
  t.match(await api.call('GET', '/v1.23/version'), {
    status: 400,
    json: { message: /client version 1\.23 is too old\. Minimum supported API version is 1\.24/ },
  });
  t.match(await api.call('GET', '/v1.56/version'), {
    status: 400,
    json: { message: 'client version 1.56 is too new. Maximum supported API version is 1.55' },
  });
  t.match(await api.call('GET', '/v1.24/version'), { status: 200, json: { ApiVersion: '1.55', MinAPIVersion: '1.24' } });
});

t.test('an unknown path is 404 with a message', async (t) => {
  const api = await startApi(t);
  t.match(await api.call('GET', '/v1.41/nowhere'), { status: 404, json: { message: 'page not found' } });
});

t.test('a path that cannot be read is refused like every bad request', async (t) => {
  const api = await startApi(t);
  t.match(await api.call('GET', '/containers/%ZZ/json'), { status: 400, json: { message: /not a valid url/ } });
  t.match(await api.call('GET', `/containers/${'a'.repeat(5000)}/json`), { status: 414, json: { message: /max param length/ } });
});

t.test('what belongs to a swarm is answered as by a node outside of one', async (t) => {
  const api = await startApi(t);
  for (const path of ['/nodes', '/services', '/tasks', '/secrets', '/configs', '/services/x', '/swarm']) {
    t.match(await api.call('GET', path), { status: 503, json: { message: /^This node is not a swarm manager/ } }, path);
  }
});

t.test('what is not there yet is 501 with a sentence', async (t) => {
  const api = await startApi(t);
  for (const path of ['/build', '/session', '/auth', '/commit', '/images/create?fromImage=busybox&tag=latest']) {
    t.match(await api.call('POST', path), { status: 501, json: { message: /not supported|cannot be pulled/ } }, path);
  }
  t.match(await api.call('GET', '/images/search?term=x'), { status: 501 });
});

t.test('bytes that are not HTTP get a 400', async (t) => {
  const api = await startApi(t);
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(api.socket, () => socket.write('not http at all\r\n\r\n'));
    let received = '';
    socket.on('data', (data: Buffer) => {
      received += data.toString();
    });
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
  t.match(text, /^HTTP\/1\.1 400 /);
  t.match(text, /"message":"malformed HTTP request/);
});

t.test('one connection carries many requests', async (t) => {
  const api = await startApi(t);
  const text = await new Promise<string>((resolve, reject) => {
    const get = 'GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n';
    const socket = connect(api.socket, () => socket.write(`${get}${get}GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n`));
    let received = '';
    socket.on('data', (data: Buffer) => {
      received += data.toString();
    });
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
  t.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 3);
});

t.test('calls are made for the user at the other end', async (t) => {
  const api = await startApi(t);
  await api.call('GET', '/containers/json');
  t.match(api.platform.callsOf('container.list')[0]?.options, { principal: 'uid:1000' });
});

t.test('a client that goes away ends its call', async (t) => {
  const api = await startApi(t);
  const aborted = new Promise<void>((resolve) => {
    api.platform.on('container.inspect', async (_request, options) => {
      await new Promise<void>((done) => options.signal?.addEventListener('abort', () => done()));
      resolve();
      throw new Error('gone');
    });
  });
  const socket = connect(api.socket, () => socket.write('GET /containers/x/json HTTP/1.1\r\nHost: docker\r\n\r\n'));
  socket.on('error', () => undefined);
  const poll = setInterval(() => {
    if (api.platform.callsOf('container.inspect').length > 0) socket.destroy();
  }, 5);
  t.teardown(() => clearInterval(poll));
  await aborted;
  t.pass('the signal of the call was aborted');
});
