import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir, waitFor } from '@cleat/harness';
import t from 'tap';
import {
  AF_UNIX,
  accept,
  bindUnix,
  closeDescriptor,
  connectSeqpacket,
  listenSocket,
  rawSocket,
  recv,
  type SeqpacketConnection,
  SO_SNDBUF,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOL_SOCKET,
  send,
  setSocketOption,
} from '../src/syscalls/index.ts';

/** A seqpacket server whose one connection the test drives by bare descriptor. */
class Peer {
  readonly path: string;
  readonly #listener: number;
  #fd = -1;

  constructor(path: string) {
    this.path = path;
    this.#listener = rawSocket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK);
    bindUnix(this.#listener, path);
    listenSocket(this.#listener, 1);
  }

  accept(): void {
    const fd = accept(this.#listener);
    if (fd === undefined) throw new Error('nobody has connected');
    this.#fd = fd;
    setSocketOption(fd, SOL_SOCKET, SO_SNDBUF, 1 << 20);
  }

  send(text: string): void {
    if (send(this.#fd, Buffer.from(text)) === undefined) throw new Error('the buffer is full');
  }

  receive(): string | undefined {
    const buffer = Buffer.alloc(65536);
    const length = recv(this.#fd, buffer);
    return length === undefined ? undefined : buffer.toString('utf8', 0, length);
  }

  hangUp(): void {
    closeDescriptor(this.#fd);
  }

  close(): void {
    closeDescriptor(this.#listener);
  }
}

function connected(t: { teardown(undo: () => void): void }, path: string): { peer: Peer; connection: SeqpacketConnection } {
  const peer = new Peer(path);
  t.teardown(() => {
    peer.close();
  });
  const connection = connectSeqpacket(path);
  t.teardown(() => connection.socket.destroy());
  peer.accept();
  return { peer, connection };
}

/** Every packet that arrives, with those that are drained at the end, until the connection is closed. */
function allPackets(connection: SeqpacketConnection): Promise<string[]> {
  const packets: string[] = [];
  return new Promise((resolve) => {
    const drain = (): void => {
      packets.push(...connection.drain().map(String));
    };
    connection.socket.on('data', (data: Buffer) => packets.push(data.toString()));
    connection.socket.on('error', drain);
    connection.socket.on('end', () => {
      drain();
      connection.socket.destroy();
    });
    connection.socket.on('close', () => {
      drain();
      resolve(packets);
    });
  });
}

t.test('packets arrive one by one in both directions', async (t) => {
  const { peer, connection } = connected(t, join(tempDir(t), 'attach'));
  const received: string[] = [];
  connection.socket.on('data', (data: Buffer) => received.push(data.toString()));
  peer.send('one');
  peer.send('two');
  await waitFor('two packets', () => received.length === 2);
  t.strictSame(received, ['one', 'two']);
  await new Promise((resolve) => connection.socket.write('back', resolve));
  t.equal(await waitFor('the answer', () => peer.receive()), 'back');
  connection.socket.end();
  t.equal(await waitFor('end of file', () => peer.receive() ?? false).catch(() => 'none'), '', 'half-close is end of file');
  peer.send('still');
  await waitFor('a packet after half-close', () => received.length === 3);
  peer.hangUp();
});

t.test('nothing is lost of many packets that a hang-up follows at once', async (t) => {
  for (let round = 0; round < 20; round += 1) {
    const { peer, connection } = connected(t, join(tempDir(t), 'attach'));
    const packets = allPackets(connection);
    const sent = Array.from({ length: 100 }, (_, index) => `packet ${round} ${index} `.repeat(20));
    for (const packet of sent) peer.send(packet);
    peer.hangUp();
    t.strictSame(await packets, sent);
  }
});

t.test('nothing is lost when the peer goes with our data unread, which resets the connection', async (t) => {
  const { peer, connection } = connected(t, join(tempDir(t), 'attach'));
  const packets = allPackets(connection);
  await new Promise((resolve) => connection.socket.write('never read', resolve));
  const sent = Array.from({ length: 50 }, (_, index) => `line ${index}`);
  for (const packet of sent) peer.send(packet);
  peer.hangUp();
  t.strictSame(await packets, sent);
});

t.test('a path longer than an address holds is reached', async (t) => {
  const directory = join(tempDir(t), 'x'.repeat(120));
  mkdirSync(directory);
  const { peer, connection } = connected(t, join(directory, 'attach'));
  peer.send('far');
  t.equal(await new Promise((resolve) => connection.socket.once('data', resolve)).then(String), 'far');
  t.throws(() => connectSeqpacket(join(directory, 'y'.repeat(120))), { code: 'SOCKET_PATH_TOO_LONG' });
});

t.test('a socket that is not there or has no listener fails at once and leaves no descriptor', async (t) => {
  const path = join(tempDir(t), 'attach');
  t.throws(() => connectSeqpacket(path), { class: 'not_found', code: 'SYSCALL_ENOENT' });
  new Peer(path).close();
  t.throws(() => connectSeqpacket(path), { class: 'unavailable', code: 'SYSCALL_ECONNREFUSED' });
});
