import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { BusConnection, type BusMessage, PrivateBus } from '../src/bus/index.ts';
import { Deadline } from '../src/deadlines/index.ts';
import { echo, failure, granted, joinBus, MemoryLog, soon, startBus, temporaryDirectory, waitFor } from './bus-fixture.ts';

interface Hub {
  readonly leafUrl: string;
  readonly connection: BusConnection;
  kill(): void;
}

/** Somebody else's NATS, which knows nothing of us. */
async function startHub(t: Test): Promise<Hub> {
  const dir = temporaryDirectory(t);
  const config = 'host: 127.0.0.1\nport: -1\nleafnodes { host: 127.0.0.1, port: -1 }\n';
  writeFileSync(join(dir, 'hub.conf'), config);
  const child = spawn('nats-server', ['-c', join(dir, 'hub.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  t.teardown(kill);
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await waitFor('the hub', () => log.includes('Server is ready'));
  const port = (what: string): string => new RegExp(`for ${what} connections on 127.0.0.1:(\\d+)`).exec(log)?.[1] ?? '';
  const url = `nats://127.0.0.1:${port('client')}`;
  // A server without accounts asks for no credentials.
  const credentials = { accountKey: '', jwt: '' };
  const connection = new BusConnection({ url: () => url, credentials, name: 'hub/1', log: new MemoryLog() });
  t.teardown(() => connection.close(Deadline.after(0)));
  await connection.connected(soon());
  return { leafUrl: `nats-leaf://127.0.0.1:${port('leafnode')}`, connection, kill };
}

t.test('an outer NATS shares one account with the bus and sees nothing of the others', async (t) => {
  const hub = await startHub(t);
  const bus = await startBus(t, { leaf: { url: hub.leafUrl } });
  const outer = bus.connect('outer/1', bus.outerCredentials());
  t.teardown(() => outer.close(Deadline.after(0)));
  const kernel = await joinBus(t, bus, 'kernel');
  const atHub: string[] = [];
  hub.connection.subscribe('>', ({ subject }: BusMessage) => {
    if (!subject.startsWith('$') && !subject.startsWith('_')) atHub.push(subject);
  });
  const atOuter: string[] = [];
  outer.subscribe('cleat.>', ({ subject }) => atOuter.push(subject));
  await outer.connected(soon());
  await hub.connection.flush(soon());
  await outer.flush(soon());
  const deadline = soon(10_000);
  // The leaf connection comes up on its own time; until then nothing passes.
  while (!(atHub.includes('cleat.node') && atOuter.includes('cleat.hub')) && !deadline.isExpired) {
    outer.publish('cleat.node', Buffer.from('up'));
    hub.connection.publish('cleat.hub', Buffer.from('down'));
    await Promise.all([outer.flush(soon()), hub.connection.flush(soon())]);
  }
  t.ok(atHub.includes('cleat.node') && atOuter.includes('cleat.hub'), 'both ways');
  kernel.exporting.publish('cleat.v1.ev.node1.container.started.c1', Buffer.from('private'));
  hub.connection.publish('rpc.x.kernel.do', Buffer.from('intruder'));
  await kernel.exporting.flush(soon());
  await hub.connection.flush(soon());
  t.same([...new Set(atHub)].sort(), ['cleat.hub', 'cleat.node', 'rpc.x.kernel.do'], 'its own, and what is shared');
  const provider = await joinBus(t, bus, 'volume');
  await bus.grant('kernel', granted([{ provider: 'volume', address: 'volume' }]), soon());
  provider.callee.serve('volume', echo);
  await provider.callee.ready(soon());
  hub.kill();
  await waitFor('the loss', () => !hub.connection.isConnected);
  const answer = await kernel.caller.call('volume', 'do', Buffer.from('alone'), { deadline: soon() });
  t.equal(answer.body.toString(), 'alone', 'the bus does without it');
});

t.test('an outer NATS that cannot be is refused instead of keeping the bus down', async (t) => {
  const dir = temporaryDirectory(t);
  const leaves = [{ url: 'hub:port' }, { url: 'http://hub:7422' }, { url: 'nats-leaf://hub:7422', credentialsFile: join(dir, 'absent') }];
  for (const leaf of leaves) {
    const error = await failure(PrivateBus.start({ dir, log: new MemoryLog(), path: process.env['PATH'], leaf }, soon()));
    t.match(error, { class: 'invalid_argument', code: 'BUS_LEAF_INVALID' });
  }
});
