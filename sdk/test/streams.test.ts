import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { encodeFrame, FrameDecoder, frameHeader, openStream } from '../src/streams/index.ts';
import { TokenServer } from '../src/streams/token-server.ts';
import { failure } from './fixture.ts';

function server(t: Test): { readonly streams: TokenServer; readonly directory: string; readonly errors: unknown[] } {
  const directory = mkdtempSync(join(tmpdir(), 'cleat-streams-'));
  const errors: unknown[] = [];
  const streams = new TokenServer({ directory, instance: 'i1', onError: (error) => errors.push(error) });
  t.teardown(async () => {
    await streams.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { streams, directory, errors };
}

/** To the end of what the other side sends; this side stays open, which an iteration would not leave it. */
async function readAll(connection: Socket): Promise<string> {
  let all = '';
  connection.setEncoding('utf8').on('data', (chunk: string) => {
    all += chunk;
  });
  await once(connection, 'end');
  return all;
}

t.test('the client with the token gets the stream, with half-close both ways', async (t) => {
  const { streams } = server(t);
  const ticket = await streams.offer(async (connection) => {
    connection.end(`you said ${await readAll(connection)}`);
  });
  t.equal(statSync(ticket.socket).mode & 0o777, 0o600);
  const socket = await openStream(ticket);
  socket.end('hello');
  t.equal(await text(socket), 'you said hello');
});

t.test('what comes with the token in one piece is not lost', async (t) => {
  const { streams } = server(t);
  const ticket = await streams.offer(async (connection) => {
    connection.end(await readAll(connection));
  });
  const socket = connect({ path: ticket.socket, allowHalfOpen: true });
  socket.end(`${ticket.token}\nand more`);
  t.equal(await text(socket), 'and more');
});

t.test('a token is good for one client, and a wrong one for none', async (t) => {
  const { streams } = server(t);
  let clients = 0;
  const ticket = await streams.offer((connection: Socket) => {
    clients += 1;
    connection.end();
  });
  t.equal(await text(await openStream({ ...ticket, token: 'x'.repeat(48) })), '');
  await text(await openStream(ticket));
  await text(await openStream(ticket));
  t.equal(clients, 1);
});

t.test('a handler that fails ends its stream and no other', async (t) => {
  const { streams, errors } = server(t);
  const bad = await streams.offer(() => {
    throw new Error('no');
  });
  const good = await streams.offer((connection) => {
    connection.end('fine');
  });
  const socket = await openStream(bad);
  socket.on('error', () => undefined);
  await text(socket).catch(() => undefined);
  t.equal(errors.length, 1);
  t.equal(await text(await openStream(good)), 'fine');
});

t.test('a stream that nobody offers any more is told as gone, and old sockets are removed', async (t) => {
  const { streams, directory } = server(t);
  writeFileSync(join(directory, 'streams-old.sock'), '');
  streams.removeStale();
  t.same(readdirSync(directory), []);
  t.match(await failure(openStream({ socket: join(directory, 'none.sock'), token: 'x' })), { class: 'unavailable', code: 'STREAM_GONE' });
});

t.test('frames come out as they went in, however they are cut', (t) => {
  const bytes = Buffer.concat([
    encodeFrame('stdout', Buffer.from('one')),
    frameHeader('stdout', 0),
    encodeFrame('stderr', Buffer.from('two')),
  ]);
  for (let size = 1; size <= bytes.length; size += 1) {
    const decoder = new FrameDecoder();
    const texts = { stdin: '', stdout: '', stderr: '', systemerr: '' };
    for (let at = 0; at < bytes.length; at += size) {
      for (const { stream, data } of decoder.push(bytes.subarray(at, at + size))) texts[stream] += data.toString();
    }
    t.ok(decoder.isBetween);
    t.match(texts, { stdout: 'one', stderr: 'two' });
  }
  t.throws(() => new FrameDecoder().push(Buffer.from('plain text')), /not frames/);
  t.end();
});
