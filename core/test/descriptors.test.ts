import { chmodSync, closeSync, existsSync, fstatSync, lstatSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { runProcess, tempDir, waitFor } from '@cleat/harness';
import t from 'tap';
import {
  closeDescriptor,
  descriptorOf,
  listenTcpInheritable,
  listenUnixInheritable,
  localPort,
  peerCredentials,
  recvFds,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  send,
  sendFds,
  socketPair,
} from '../src/syscalls/index.ts';

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

t.test('open files travel to the other end of a socket with the data they came with', async (t) => {
  const directory = tempDir(t);
  writeFileSync(join(directory, 'file'), 'content');
  const [left, right] = socketPair(SOCK_STREAM);
  t.equal(recvFds(right, 100, 4), undefined, 'nothing is there yet');
  const file = openSync(join(directory, 'file'), 'r');
  t.equal(sendFds(left, Buffer.from('two files'), [file, file]), 9);
  closeSync(file);
  const received = recvFds(right, 100, 4);
  t.equal(received?.data.toString(), 'two files');
  t.equal(received?.fds.length, 2);
  for (const fd of received?.fds ?? []) {
    t.match(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), /flags:\s+02/, 'with close-on-exec');
    t.equal(fstatSync(fd).size, 7);
    closeSync(fd);
  }
  closeDescriptor(left);
  t.strictSame(recvFds(right, 100, 4), { data: Buffer.alloc(0), fds: [] }, 'end of file');
  closeDescriptor(right);
});

t.test('a message without descriptors is received as one', async (t) => {
  const [left, right] = socketPair(SOCK_SEQPACKET);
  send(left, Buffer.from('plain'));
  t.strictSame(recvFds(right, 100, 1), { data: Buffer.from('plain'), fds: [] });
  t.throws(() => sendFds(left, Buffer.alloc(0), [0]), { code: 'DESCRIPTORS_INVALID' });
  t.throws(() => sendFds(left, Buffer.from('x'), []), { code: 'DESCRIPTORS_INVALID' });
  closeDescriptor(left);
  closeDescriptor(right);
});

t.test('more descriptors than were asked for are refused and none stays open', async (t) => {
  const [left, right] = socketPair(SOCK_SEQPACKET);
  const before = openDescriptors();
  sendFds(left, Buffer.from('many'), [0, 0, 0, 0, 0, 0]);
  t.throws(() => recvFds(right, 100, 2), { code: 'DESCRIPTORS_INVALID' });
  t.equal(openDescriptors(), before);
  closeDescriptor(left);
  closeDescriptor(right);
});

t.test('an inheritable Unix listener serves, says who connects, and has its mode from the start', async (t) => {
  const path = join(tempDir(t), 'docker.sock');
  const fd = listenUnixInheritable(path, 0o660, { gid: 12345 });
  const stat = lstatSync(path);
  t.equal(stat.mode & 0o7777, 0o660);
  t.equal(stat.gid, 12345);
  const inherited = await runProcess(['sh', '-c', `readlink /proc/self/fd/${fd}`]);
  t.match(inherited.stdout, /^socket:/, 'a child has it');
  t.throws(() => listenUnixInheritable(path, 0o600), { class: 'conflict', code: 'SOCKET_IN_USE' });
  const server = createServer();
  server.listen({ fd });
  t.teardown(() => server.close());
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const client = createConnection(path);
  t.teardown(() => client.destroy());
  const socket = await accepted;
  t.strictSame(peerCredentials(descriptorOf(socket)), { pid: process.pid, uid: 0, gid: 0 });
  socket.destroy();
  t.throws(() => descriptorOf(socket), { code: 'SOCKET_CLOSED' });
});

t.test('a socket file that nobody listens on is replaced, another file is not', async (t) => {
  const directory = tempDir(t);
  const path = join(directory, 'stale.sock');
  closeDescriptor(listenUnixInheritable(path, 0o600));
  t.ok(existsSync(path));
  closeDescriptor(listenUnixInheritable(path, 0o600));
  const file = join(directory, 'file');
  writeFileSync(file, 'mine');
  chmodSync(file, 0o640);
  t.throws(() => listenUnixInheritable(file, 0o600), { class: 'already_exists', code: 'SOCKET_PATH_TAKEN' });
  t.equal(readFileSync(file, 'utf8'), 'mine');
});

t.test('an inheritable TCP listener serves on IPv4 and IPv6 addresses', async (t) => {
  for (const host of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
    const fd = listenTcpInheritable(host, 0);
    const port = localPort(fd);
    t.ok(port > 0);
    t.throws(() => listenTcpInheritable(host, port), { class: 'conflict', code: 'SYSCALL_EADDRINUSE' });
    const server = createServer((socket) => socket.end('hello'));
    server.listen({ fd });
    const client = createConnection({ host, port });
    let text = '';
    client.on('data', (data) => {
      text += data.toString();
    });
    await waitFor(`an answer from ${host}`, () => text === 'hello');
    client.destroy();
    server.close();
  }
  t.throws(() => listenTcpInheritable('localhost', 0), { class: 'invalid_argument', code: 'ADDRESS_INVALID' });
  t.throws(() => listenTcpInheritable('127.0.0.1', 70000), { code: 'ADDRESS_INVALID' });
});
