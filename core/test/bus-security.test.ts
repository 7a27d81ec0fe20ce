import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { decodeBook } from '../src/bus/account-book-file.ts';
import { Identity } from '../src/bus/identity.ts';
import {
  type BusConnection,
  type BusMessage,
  type Credentials,
  EventStream,
  type PrivateBus,
  type StreamRecord,
} from '../src/bus/index.ts';
import { type AccountImport, mintAccount, mintUser } from '../src/bus/jwt.ts';
import { SystemLink } from '../src/bus/system-link.ts';
import { Deadline } from '../src/deadlines/index.ts';
import {
  echo,
  failure,
  granted,
  joinBus,
  MemoryLog,
  type Participant,
  soon,
  startBus,
  temporaryDirectory,
  waitFor,
} from './bus-fixture.ts';

/** What the server refused on a connection, as `operation subject`. */
function refusals(connection: BusConnection): string[] {
  const refused: string[] = [];
  connection.onEvent((event) => {
    if (event.type === 'refused') refused.push(`${event.operation} ${event.subject}`);
  });
  return refused;
}

async function isAdmitted(t: Test, bus: PrivateBus, credentials: Credentials): Promise<boolean> {
  const connection = bus.connect('intruder/1', credentials);
  t.teardown(() => connection.close(Deadline.after(0)));
  try {
    await connection.connected(soon(700));
    return true;
  } catch {
    return false;
  }
}

const EVENT: StreamRecord = { subject: 'cleat.v1.ev.node1.secret.created.s1', headers: new Map(), body: Buffer.from('secret') };

t.test('nobody is admitted without credentials of this bus', async (t) => {
  const bus = await startBus(t);
  await bus.add('volume', soon());
  await bus.add('network', soon());
  const { importing } = bus.credentials('volume');
  const stranger = Identity.create('user');
  const account = Identity.create('account');
  const claims = { name: 'x', publish: ['>'], subscribe: ['>'], isBearer: false };
  const selfMade = mintUser(account, stranger.publicKey, claims, 1_700_000_000);
  const forged = importing.jwt.split('.');
  forged[1] = Buffer.from(
    Buffer.from(forged[1] ?? '', 'base64url')
      .toString()
      .replace('_INBOX.>', '>'),
  ).toString('base64url');
  const attempts: readonly Credentials[] = [
    { accountKey: importing.accountKey, jwt: importing.jwt, seed: stranger.seed },
    { accountKey: importing.accountKey, jwt: importing.jwt },
    { accountKey: account.publicKey, jwt: selfMade, seed: stranger.seed },
    { ...importing, jwt: forged.join('.') },
    { ...importing, jwt: '' },
  ];
  for (const credentials of attempts) t.equal(await isAdmitted(t, bus, credentials), false);
  t.equal(await isAdmitted(t, bus, importing), true);
});

t.test('a bearer token admits a program that cannot sign, to the same subjects', async (t) => {
  const bus = await startBus(t);
  await bus.add('script', soon());
  const { importing } = bus.credentials('script', { isBearer: true });
  t.equal(importing.seed, undefined);
  const connection = bus.connect('script/1', importing);
  t.teardown(() => connection.close(Deadline.after(0)));
  await connection.connected(soon());
  const refused = refusals(connection);
  connection.subscribe('>', () => undefined);
  await connection.flush(soon());
  t.same(refused, ['subscription >']);
});

t.test('the server refuses every subject that is not a participant’s own', async (t) => {
  const bus = await startBus(t);
  const plugin = await joinBus(t, bus, 'volume');
  const victim = await joinBus(t, bus, 'network');
  const victimKey = bus.keysOf('network').importing;
  const ownKey = bus.keysOf('volume').importing;
  const importing = refusals(plugin.importing);
  const exporting = refusals(plugin.exporting);
  const subscriptions = ['>', 'cleat.>', 'rpc.>', '$SYS.>', '$JS.API.>', '$SRV.PING', '_R_.>', '*'];
  const publications = [
    `rpc.${victimKey}.kernel.create`,
    'rpc.kernel.create',
    '$JS.API.INFO',
    `$JS.API.ACCOUNT.PURGE.${bus.keysOf('kernel').exporting}`,
    '$SYS.REQ.CLAIMS.UPDATE',
    '$SYS.REQ.SERVER.PING',
    'cleat.v1.ev.node1.container.started.c1',
    'live.cleat.v1.ev.node1.container.started.c1',
    `cleatjs.CONSUMER.MSG.NEXT.EVENTS.${victimKey}`,
    `$JS.ACK.EVENTS.${victimKey}.1.1.1.1.0`,
    '_R_.abc.def',
    '_INBOX.someone.1',
  ];
  for (const subject of subscriptions) plugin.importing.subscribe(subject, () => undefined);
  for (const subject of publications) plugin.importing.publish(subject, Buffer.from('x'));
  await waitFor('the refusals', () => importing.length === subscriptions.length + publications.length);
  t.same(importing, [...subscriptions.map((subject) => `subscription ${subject}`), ...publications.map((subject) => `publish ${subject}`)]);
  for (const subject of ['>', '_INBOX.>', '$SYS.>', '_R_.>', 'live.>']) {
    plugin.exporting.subscribe(subject, () => undefined);
  }
  const fromExporter = [`rpc.${ownKey}.kernel.create`, '$JS.API.INFO', '_INBOX.x.1', '$SYS.REQ.CLAIMS.DELETE'];
  for (const subject of fromExporter) plugin.exporting.publish(subject, Buffer.from('x'));
  await waitFor('the refusals', () => exporting.length === 9);
  t.equal(new Set(exporting).size, 9);
  t.ok(victim.importing.isConnected);
});

t.test('an answer can be steered to nobody else: no confused deputy', async (t) => {
  const bus = await startBus(t);
  const attacker = await joinBus(t, bus, 'attacker');
  const victim = await joinBus(t, bus, 'volume');
  const kernel = await joinBus(t, bus, 'kernel');
  const stream = new EventStream(kernel.exporting);
  await bus.grant('attacker', granted([{ provider: 'kernel', address: 'sys' }], { durable: true }), soon());
  await bus.grant('kernel', granted([{ provider: 'volume', address: 'volume' }]), soon());
  const atVictim: BusMessage[] = [];
  victim.exporting.subscribe('rpc.>', (message) => atVictim.push(message));
  let hellos = 0;
  kernel.callee.serve('sys', async ({ body }) => {
    hellos += 1;
    return { body };
  });
  await kernel.callee.ready(soon());
  await victim.exporting.flush(soon());
  await stream.ensure({ maxMessages: 100 }, soon());
  await stream.publishBatch([EVENT], { after: 0, deadline: soon() });
  const attackerKey = bus.keysOf('attacker').importing;
  await stream.createConsumer({ name: attackerKey, filter: 'cleat.v1.ev.>', after: 0 }, soon());
  const target = `rpc.${bus.keysOf('kernel').importing}.volume.remove`;
  attacker.importing.publish(`rpc.${attackerKey}.sys.hello`, Buffer.from('payload'), {
    headers: new Map([['Cleat-Op', 'op1']]),
    reply: target,
  });
  const pull = `cleatjs.CONSUMER.MSG.NEXT.EVENTS.${attackerKey}`;
  attacker.importing.publish(pull, Buffer.from('{"batch":1,"expires":500000000}'), { reply: target });
  await waitFor('the call', () => hellos === 1);
  await attacker.importing.flush(soon());
  await kernel.exporting.flush(soon());
  await victim.exporting.flush(soon());
  t.same(atVictim, []);
  // The way is open for who may use it.
  kernel.importing.publish(target, Buffer.from('real'));
  await waitFor('the granted one', () => atVictim.length === 1);
  t.equal(atVictim[0]?.body.toString(), 'real');
});

/** Signs accounts as only the kernel can, to see what the server makes of statements that the kernel never issues. */
class Forge {
  readonly #link: SystemLink;
  readonly #operator: Identity;
  readonly #bus: PrivateBus;

  constructor(t: Test, bus: PrivateBus, dir: string) {
    const book = decodeBook(readFileSync(join(dir, 'accounts.json'), 'utf8'));
    this.#bus = bus;
    this.#operator = book.operator;
    const user = Identity.create('user');
    const claims = { name: 'forge', publish: ['>'], subscribe: ['>'], isBearer: false };
    const jwt = mintUser(book.system.identity, user.publicKey, claims, 1_700_000_000);
    const credentials = { accountKey: book.system.identity.publicKey, jwt, seed: user.seed };
    const options = { url: () => bus.url, credentials, name: 'forge/1', log: new MemoryLog() };
    this.#link = new SystemLink(options, () => undefined);
    t.teardown(() => this.#link.connection.close(Deadline.after(0)));
  }

  /** An account that imports what it likes, and a user that may use every subject. */
  async account(t: Test, imports: (ownKey: string) => readonly AccountImport[]): Promise<BusConnection> {
    const account = Identity.create('account');
    const user = Identity.create('user');
    const limits = { connections: -1, leafNodes: 0, subscriptions: -1, payloadBytes: -1 };
    const statement = { name: 'forged', exports: [], imports: imports(account.publicKey), limits, revocations: new Map() };
    await this.#link.connection.connected(soon());
    await this.#link.update(mintAccount(this.#operator, account.publicKey, statement, 1_700_000_000), soon());
    const claims = { name: 'forged', publish: ['>'], subscribe: ['>'], isBearer: false };
    const jwt = mintUser(account, user.publicKey, claims, 1_700_000_000);
    const connection = this.#bus.connect('forged/1', { accountKey: account.publicKey, jwt, seed: user.seed });
    t.teardown(() => connection.close(Deadline.after(0)));
    await connection.connected(soon());
    return connection;
  }
}

t.test('the server itself checks whose key stands in a subject, at each position that is exported', async (t) => {
  const dir = temporaryDirectory(t);
  const bus = await startBus(t, { dir });
  const kernel = await joinBus(t, bus, 'kernel');
  await bus.add('volume', soon());
  const forge = new Forge(t, bus, dir);
  const kernelKey = bus.keysOf('kernel').exporting;
  const victimKey = bus.keysOf('volume').importing;
  const stream = new EventStream(kernel.exporting);
  await stream.ensure({ maxMessages: 100 }, soon());
  await stream.publishBatch([EVENT, { ...EVENT, body: Buffer.from('2') }], { after: 0, deadline: soon() });
  await stream.createConsumer({ name: victimKey, filter: 'cleat.v1.ev.>', after: 0 }, soon());
  kernel.callee.serve('sys', echo);
  await kernel.callee.ready(soon());
  // Under $JS.API the account's own JetStream, which it has not, would answer.
  const service = (subject: string): AccountImport => ({
    name: subject,
    subject,
    localSubject: `to.${subject}`,
    account: kernelKey,
    type: 'service',
  });
  const subjects = (key: string): string[] => [
    `rpc.${key}.sys.hello`,
    `$JS.API.CONSUMER.MSG.NEXT.EVENTS.${key}`,
    `$JS.API.CONSUMER.INFO.EVENTS.${key}`,
  ];
  const forged = await forge.account(t, () => [
    ...subjects(victimKey).map(service),
    service(`$JS.ACK.EVENTS.${victimKey}.1.1.1.1.0`),
    service('$JS.API.STREAM.DELETE.EVENTS'),
  ]);
  for (const subject of [...subjects(victimKey), '$JS.API.STREAM.DELETE.EVENTS']) {
    t.equal(await answerOf(forged, `to.${subject}`), undefined, subject);
  }
  t.match(await stream.consumer(victimKey, soon()), { deliveredSequence: 0 });
  await pullOne(kernel.exporting, victimKey);
  t.match(await stream.consumer(victimKey, soon()), { deliveredSequence: 1, acknowledgedSequence: 0 });
  forged.publish(`to.$JS.ACK.EVENTS.${victimKey}.1.1.1.1.0`, Buffer.alloc(0));
  await forged.flush(soon());
  t.match(await stream.consumer(victimKey, soon()), { acknowledgedSequence: 0 });
  // The same imports under its own key do work, so it was the key that was refused.
  const honest = await forge.account(t, (ownKey) => [...subjects(ownKey), `$JS.ACK.EVENTS.${ownKey}.1.1.1.1.0`].map(service));
  await stream.createConsumer({ name: honest.accountKey, filter: 'cleat.v1.ev.>', after: 0 }, soon());
  for (const subject of subjects(honest.accountKey)) t.not(await answerOf(honest, `to.${subject}`), undefined, subject);
  honest.publish(`to.$JS.ACK.EVENTS.${honest.accountKey}.1.1.1.1.0`, Buffer.alloc(0));
  await honest.flush(soon());
  t.match(await stream.consumer(honest.accountKey, soon()), { acknowledgedSequence: 1 });
});

/** Has the stream's owner itself take an event from somebody's consumer, so that there is one to acknowledge. */
async function pullOne(connection: BusConnection, name: string): Promise<void> {
  const inbox = connection.newInbox();
  let count = 0;
  const subscription = connection.subscribe(inbox, () => {
    count += 1;
  });
  connection.publish(`$JS.API.CONSUMER.MSG.NEXT.EVENTS.${name}`, Buffer.alloc(0), { reply: inbox });
  await waitFor('an event', () => count === 1);
  subscription.close();
}

async function answerOf(connection: BusConnection, subject: string): Promise<string | undefined> {
  const answers: BusMessage[] = [];
  const inbox = connection.newInbox();
  const subscription = connection.subscribe(inbox, (message) => answers.push(message));
  const headers = new Map([
    ['Cleat-Op', 'op1'],
    ['Cleat-Timeout-Ms', '1000'],
  ]);
  // JetStream takes an empty pull for one event, and no headers.
  const isCall = subject.includes('rpc.');
  connection.publish(subject, Buffer.alloc(0), { reply: inbox, ...(isCall ? { headers } : {}) });
  try {
    // A newer server says at once that nobody is there for such a subject; 2.9 says nothing.
    await waitFor('an answer', () => answers.length > 0, 400);
  } catch {
    return undefined;
  } finally {
    subscription.close();
  }
  const [first] = answers;
  return first?.status === 503 || /not enabled|no responders/.test(first?.body.toString() ?? '') ? undefined : 'answered';
}

t.test('a call that is not granted reaches nobody, and a grant that is taken back ends', async (t) => {
  const bus = await startBus(t);
  const provider = await joinBus(t, bus, 'volume');
  const plugin = await joinBus(t, bus, 'policy');
  let calls = 0;
  const handler = async (): Promise<{ body: Buffer }> => {
    calls += 1;
    return { body: Buffer.alloc(0) };
  };
  provider.callee.serve('volume', handler);
  await provider.callee.ready(soon());
  const call = (op: string): Promise<unknown> => plugin.caller.call('volume', op, Buffer.alloc(0), { deadline: soon(300) });
  t.equal((await failure(call('list'))).code, 'BUS_CALL_TIMEOUT');
  await bus.grant('policy', granted([{ provider: 'volume', address: 'volume', ops: ['list'] }]), soon());
  await call('list');
  t.equal((await failure(call('remove'))).code, 'BUS_CALL_TIMEOUT');
  await bus.grant('policy', granted([]), soon());
  t.equal((await failure(call('list'))).code, 'BUS_CALL_TIMEOUT');
  t.equal(calls, 1);
});

t.test('revoked credentials are cut off at once, new ones work, and others notice nothing', async (t) => {
  const gone: string[] = [];
  const bus = await startBus(t, { onDisconnect: ({ participant }) => gone.push(participant) });
  const plugin = await joinBus(t, bus, 'volume');
  const other = await joinBus(t, bus, 'network');
  const old = bus.credentials('volume');
  await bus.revoke('volume', soon());
  await waitFor('both to be cut', () => !plugin.importing.isConnected && !plugin.exporting.isConnected);
  await waitFor('the news of it', () => gone.length === 2);
  t.same(gone, ['volume', 'volume']);
  t.equal(await isAdmitted(t, bus, old.importing), false);
  t.equal(await isAdmitted(t, bus, bus.credentials('volume').importing), true);
  t.equal(await isAdmitted(t, bus, bus.credentials('volume').exporting), true);
  t.ok(other.importing.isConnected && other.exporting.isConnected);
});

t.test('a removed participant is cut off, and who could call it no longer names it', async (t) => {
  const bus = await startBus(t);
  const plugin: Participant = await joinBus(t, bus, 'volume');
  await joinBus(t, bus, 'gateway');
  const calls = [
    { provider: 'volume', address: 'volume' },
    { provider: 'kernel', address: 'container' },
  ];
  await bus.grant('gateway', granted(calls), soon());
  const before = bus.credentials('volume');
  await bus.remove('volume', soon());
  await waitFor('both to be cut', () => !plugin.importing.isConnected && !plugin.exporting.isConnected);
  t.equal(await isAdmitted(t, bus, before.importing), false);
  t.same(bus.grantOf('gateway').calls, [calls[1]]);
  t.throws(() => bus.credentials('volume'), { code: 'BUS_PARTICIPANT_UNKNOWN' });
  const error = await failure(bus.grant('gateway', granted(calls), soon()));
  t.equal(error.code, 'BUS_PARTICIPANT_UNKNOWN');
  const again = await joinBus(t, bus, 'volume');
  t.not(again.exporting.accountKey, plugin.exporting.accountKey);
});

t.test('names that are no tokens are refused before they become subjects', async (t) => {
  const bus = await startBus(t);
  const { caller } = await joinBus(t, bus, 'gateway');
  for (const name of ['a.b', '*', '>', '', 'a b']) {
    t.equal((await failure(bus.add(name, soon()))).code, 'BUS_SUBJECT_INVALID');
    const call = caller.call('volume', name, Buffer.alloc(0), { deadline: soon() });
    t.equal((await failure(call)).code, 'BUS_SUBJECT_INVALID');
  }
  for (const event of ['a.b.c', '>', 'container.>', '']) {
    const grant = bus.grant('gateway', granted([], { events: [event] }), soon());
    t.equal((await failure(grant)).code, 'BUS_SUBJECT_INVALID');
  }
});
