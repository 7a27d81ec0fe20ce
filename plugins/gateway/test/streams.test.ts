import { connect, type Socket } from 'node:net';
import { waitFor } from '@cleat/harness';
import { handOver, peerUid, stopReading } from '@cleat/sdk/connections';
import t from 'tap';
import { stringAt } from '../src/wire/json.ts';
import { type Api, startApi } from './api-client.ts';
import { ticketServer } from './fake-platform.ts';

interface Client {
  readonly socket: Socket;
  readonly text: () => string;
  readonly isEnded: () => boolean;
}

function open(t: { teardown(action: () => unknown): void }, api: Api, request: string): Client {
  let text = '';
  let isEnded = false;
  const socket = connect({ path: api.socket, allowHalfOpen: true }, () => socket.write(request));
  t.teardown(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.on('data', (data: Buffer) => {
    text += data.toString('latin1');
  });
  socket.on('end', () => {
    isEnded = true;
  });
  return { socket, text: () => text, isEnded: () => isEnded };
}

async function container(api: Api, config: object = {}): Promise<string> {
  api.platform.addImage('busybox');
  const answer = await api.call('POST', '/containers/create', { Image: 'busybox', ...config });
  return stringAt(answer.json, 'Id');
}

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';

t.test('attach answers an upgrade and relays both ways', async (t) => {
  const api = await startApi(t);
  const id = await container(api);
  const far = await ticketServer(api.directory, (socket) => {
    socket.write('hello ');
    socket.on('data', (data: Buffer) => socket.write(data.toString().toUpperCase()));
    socket.on('end', () => socket.end('!'));
  });
  t.teardown(() => far.close());
  api.platform.on('container.attach', () => ({ ...far.ticket, terminal: false }));
  const client = open(
    t,
    api,
    `POST /v1.44/containers/${id}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\n${UPGRADE}Content-Length: 0\r\n\r\n`,
  );
  await waitFor('the greeting', () => client.text().includes('hello '));
  t.match(
    client.text(),
    /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n/,
  );
  client.socket.write('abc');
  await waitFor('the echo', () => client.text().endsWith('ABC'));
  client.socket.end();
  await waitFor('the end', () => client.isEnded());
  t.ok(client.text().endsWith('ABC!'));
  t.equal(far.received().split('\n')[0], JSON.stringify({ token: 'token-1', framing: 'docker' }));
  t.match(api.platform.callsOf('container.attach')[0]?.request, {
    container: id,
    stdin: true,
    stdout: true,
    stderr: false,
    detachKeys: 'ctrl-p,ctrl-q',
  });
});

t.test('a client without upgrade gets the older answer, one before 1.42 the older media type', async (t) => {
  const api = await startApi(t);
  const id = await container(api, { Tty: true });
  const far = await ticketServer(api.directory, (socket) => socket.end('x'));
  t.teardown(() => far.close());
  api.platform.on('container.attach', () => ({ ...far.ticket, terminal: true }));
  const client = open(t, api, `POST /v1.24/containers/${id}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\n\r\n`);
  await waitFor('the end', () => client.isEnded());
  t.equal(client.text(), 'HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nx');
  t.match(far.received(), /"framing":"raw"/);
});

t.test('exec start reads its body before the connection becomes a stream', async (t) => {
  const api = await startApi(t);
  const id = await container(api);
  api.platform.change(id, (info) => ({ ...info, state: { ...info.state, status: 'running', pid: 7 } }));
  api.platform.on('exec.create', (request) => ({ id: request['id'] }));
  const made = await api.call('POST', `/containers/${id}/exec`, { Cmd: ['cat'], AttachStdin: true, AttachStdout: true, Env: ['X=1'] });
  t.equal(made.status, 201);
  t.match(api.platform.callsOf('exec.create')[0]?.request, { process: { args: ['cat'], env: ['X=1', 'PATH=/bin'], openStdin: true } });
  const execId = stringAt(made.json, 'Id');
  api.platform.on('exec.inspect', () => ({ id: execId, container: id, process: { args: ['cat'] } }));
  const far = await ticketServer(api.directory, (socket) => socket.pipe(socket));
  t.teardown(() => far.close());
  api.platform.on('exec.start', () => ({ pid: 8, ticket: far.ticket }));
  const body = JSON.stringify({ Detach: false, Tty: false });
  const client = open(
    t,
    api,
    `POST /v1.45/exec/${execId}/start HTTP/1.1\r\nHost: d\r\n${UPGRADE}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await waitFor('the head', () => client.text().includes('\r\n\r\n'));
  client.socket.end('through');
  await waitFor('the end', () => client.isEnded());
  t.ok(client.text().endsWith('\r\n\r\nthrough'));
});

t.test('wait sends its head at once, and the answer when it comes', async (t) => {
  const api = await startApi(t);
  const id = await container(api);
  let finish: (() => void) | undefined;
  const far = await ticketServer(api.directory, (socket) => {
    finish = () => socket.end('11\r\n{"StatusCode":42}\r\n0\r\n\r\n');
  });
  t.teardown(() => far.close());
  api.platform.on('container.wait', () => ({ done: false, ticket: far.ticket }));
  const answer = api.call('POST', `/containers/${id}/wait?condition=next-exit`);
  const call = await waitFor('the ticket', () => finish);
  call();
  t.match(await answer, { status: 200, json: { StatusCode: 42 } });
  t.match(far.received(), /"framing":"chunked"/);
  t.match(await api.call('POST', `/containers/${id}/wait?condition=odd`), { status: 400, json: { message: 'invalid condition: "odd"' } });
  api.platform.on('container.wait', () => ({ done: true, exitCode: 3 }));
  t.match(await api.call('POST', `/containers/${id}/wait`), { status: 200, json: { StatusCode: 3 } });
});

t.test('logs relay a ticket as the body', async (t) => {
  const api = await startApi(t);
  const id = await container(api);
  const far = await ticketServer(api.directory, (socket, line) => socket.end(`for ${line}`));
  t.teardown(() => far.close());
  api.platform.on('log.read', () => far.ticket);
  const answer = await api.call('GET', `/containers/${id}/logs?stdout=1&stderr=1&tail=5&timestamps=1&since=1700000000.5`);
  t.match(answer, { status: 200, text: 'for token-1', headers: { 'content-type': 'application/vnd.docker.multiplexed-stream' } });
  t.match(api.platform.callsOf('log.read')[0]?.request, {
    container: id,
    stdout: true,
    stderr: true,
    tail: 5,
    timestamps: true,
    follow: false,
    since: 1_700_000_000_500_000_000n,
  });
  t.match(await api.call('GET', `/containers/${id}/logs`), {
    status: 400,
    json: { message: 'Bad parameters: you must choose at least one stream' },
  });
});

t.test('the connection itself is handed over, with what was read of it', async (t) => {
  const api = await startApi(t, {
    peerUid,
    stopReading,
    handOver: async (request) => {
      t.equal(request.path, '/streams.sock');
      t.match(JSON.parse(request.line), { token: 'abc', framing: 'docker' });
      await handOver({ ...request, path: far.ticket.socket });
    },
  });
  const id = await container(api);
  const far = await ticketServer(api.directory, () => undefined);
  t.teardown(() => far.close());
  api.platform.on('container.attach', () => ({ socket: '/streams.sock', token: 'abc' }));
  const client = open(t, api, `POST /containers/${id}/attach?stream=1 HTTP/1.1\r\nHost: d\r\n${UPGRADE}\r\n`);
  await waitFor('the line', () => far.received().includes('\n'));
  t.match(client.text(), /^HTTP\/1\.1 101 UPGRADED/);
  t.match(api.platform.callsOf('container.attach')[0]?.options, { principal: `uid:${process.getuid?.() ?? 0}` });
});
