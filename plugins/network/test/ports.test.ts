import { createServer } from 'node:net';
import { freePort } from '@cleat/harness';
import t from 'tap';
import type { PublishedPort } from '../src/claim-options.ts';
import { PortBook } from '../src/ports/port-book.ts';

const LOOPBACK = '127.0.0.1';

function port(hostPort: number, more: Partial<PublishedPort> = {}): PublishedPort {
  return { containerPort: 80, protocol: 'tcp', hostIp: LOOPBACK, hostPort, hostPortEnd: hostPort, ...more };
}

t.test('a port is given once, by address and protocol, until it is closed', async (t) => {
  const book = new PortBook();
  const number = await freePort();
  const first = await book.reserve([port(number)], '');
  t.same(first.ports, [{ containerPort: 80, protocol: 'tcp', hostIp: LOOPBACK, hostPort: number }]);
  await t.rejects(book.reserve([port(number)], ''), {
    code: 'NETWORK_PORT_TAKEN',
    message: `Bind for 127.0.0.1:${number} failed: port is already allocated`,
  });
  await t.rejects(book.reserve([port(number, { hostIp: '0.0.0.0' })], ''), { code: 'NETWORK_PORT_TAKEN' });
  const others = await Promise.all([
    book.reserve([port(number, { hostIp: '127.0.0.2' })], ''),
    book.reserve([port(number, { protocol: 'udp' })], ''),
    book.reserve([port(number, { protocol: 'sctp' })], ''),
  ]);
  for (const reservation of [first, ...others]) reservation.close();
  const again = await book.reserve([port(number)], '');
  again.close();
});

t.test('all ports of a container are given, or none', async (t) => {
  const book = new PortBook();
  const [one, two] = [await freePort(), await freePort()];
  const holder = await book.reserve([port(two)], '');
  await t.rejects(book.reserve([port(one), port(two)], ''), { code: 'NETWORK_PORT_TAKEN' });
  const later = await book.reserve([port(one)], '');
  later.close();
  holder.close();
});

t.test('of a range the first free port is given', async (t) => {
  const book = new PortBook();
  const start = await freePort();
  const range = port(start, { hostPortEnd: start + 20 });
  const reservations = [await book.reserve([range], ''), await book.reserve([range], '')];
  const numbers = reservations.map(({ ports }) => ports[0]?.hostPort ?? 0);
  t.ok(numbers.every((number) => number >= start && number <= start + 20));
  t.not(numbers[0], numbers[1]);
  for (const reservation of reservations) reservation.close();
});

t.test('ports of other programs are seen, those that nobody named are picked around them', async (t) => {
  const book = new PortBook();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const number = typeof address === 'object' && address !== null ? address.port : 0;
  await t.rejects(book.reserve([port(number)], ''), { code: 'NETWORK_PORT_TAKEN', message: /address already in use/ });
  await t.rejects(book.reserve([port(number, { hostIp: '192.0.2.123' })], ''), {
    code: 'NETWORK_PORT_ADDRESS',
    message: /cannot assign requested address/,
  });
  const picked = await book.reserve([port(0), port(0), port(0, { protocol: 'udp' })], '');
  t.equal(new Set(picked.ports.map((bound) => `${bound.protocol}${bound.hostPort}`)).size, 3);
  t.ok(picked.ports.every((bound) => bound.hostPort > 1023));
  picked.close();
  const everywhere = await book.reserve([{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 0, hostPortEnd: 0 }], LOOPBACK);
  t.same(
    everywhere.ports.map(({ hostIp }) => hostIp),
    [LOOPBACK],
    'the network says where',
  );
  everywhere.close();
});

t.test('ports held before a restart are held again, without those that others have taken', async (t) => {
  const book = new PortBook();
  const number = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : 0;
  const bound = (hostPort: number): { containerPort: number; protocol: 'tcp'; hostIp: string; hostPort: number } => ({
    containerPort: 80,
    protocol: 'tcp',
    hostIp: LOOPBACK,
    hostPort,
  });
  const resumed = await book.resume([bound(number), bound(taken)]);
  t.same(resumed.ports, [bound(number)]);
  t.same(resumed.lost, [bound(taken)]);
  await t.rejects(book.reserve([port(number)], ''), { code: 'NETWORK_PORT_TAKEN' });
  resumed.close();
});
