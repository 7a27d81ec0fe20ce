import { ContractCaller, Deadline } from '@cleat/core';
import { BusCaller, liveEvents } from '@cleat/core/bus';
import { slowFactor, waitFor } from '@cleat/harness';
import { CleatError, SchemaBook } from '@cleat/schemas';
import t from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { RawPlugin } from '../fakes/raw-plugin.ts';
import { failure, startedKernel } from './joint.ts';

t.setTimeout(115_000 * slowFactor());

const SLEEP = ['sleep', '1000'];
const SHORT_MS = 1_500;

t.test('a stolen credential is good for what its plugin was granted, and no more', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const fake = await Fake.install(kernel, FAKE);
  const thief = await RawPlugin.install(kernel, {
    cleat: 1,
    name: 'thief',
    version: '1.0.0',
    contracts: {},
    uses: ['container.inspect'],
    events: { consumes: ['volume.*'], publishes: ['thief.stole'] },
  });
  t.teardown(() => thief.close());
  await node.run('victim', SLEEP, { claims: [fakeClaim('a')] });
  const deadline = (): { readonly timeoutMs: number } => ({ timeoutMs: SHORT_MS });

  await t.test('it may call what it was granted', async (t) => {
    t.match(await thief.caller.call('container', 'container', 'inspect', { container: 'victim' }, deadline()), { name: 'victim' });
  });

  await t.test('it cannot call what it was not', async (t) => {
    for (const [contract, operation, request] of [
      ['container', 'remove', { container: 'victim', force: true }],
      ['container', 'list', {}],
      ['plugin', 'remove', { name: 'fake', force: true }],
      ['node', 'shutdown', { stopContainers: true }],
    ] as const) {
      const error = await failure(thief.caller.call(contract, contract, operation, request, deadline()));
      t.match(error.class, /permission_denied|deadline_exceeded/, `${contract}.${operation}`);
    }
    const { calls } = { calls: fake.callCount };
    const reference = { object: 'x', container: 'x', claim: 'a', bootId: 'b', number: 1 };
    const direct = await failure(thief.caller.call('provider', 'provider.fake', 'release', { reference, purge: true }, deadline()));
    t.match(direct.class, /permission_denied|deadline_exceeded/, 'a provider');
    t.equal(fake.callCount, calls);
    t.equal((await node.inspect('victim')).state.status, 'running');
  });

  await t.test('it cannot call as somebody else', async (t) => {
    const operatorKey = kernel.client.connection.accountKey;
    const subject = `rpc.${operatorKey}.container.remove`;
    let answers = 0;
    const reply = thief.importing.openReplyPath(() => {
      answers += 1;
    });
    const book = new SchemaBook();
    const { request } = book.anyOperation('container', 'remove');
    const body = request.encode({ container: 'victim', force: true, purge: false });
    const headers = new Map([
      ['Cleat-Op', 'stolen'],
      ['Cleat-Contract', 'container@1.0'],
      ['Cleat-Schema', request.fingerprint],
    ]);
    for (const connection of [thief.importing, thief.exporting]) {
      try {
        connection.publish(subject, body, { headers, reply: reply.subject });
      } catch (error) {
        t.ok(error instanceof CleatError);
      }
    }
    await node.call('container', 'inspect', { container: 'victim' });
    reply.close();
    t.equal(answers, 0);
    t.equal((await node.inspect('victim')).state.status, 'running');
  });

  await t.test('it cannot say hello as another', async (t) => {
    const error = await failure(thief.hello({ name: 'fake', instance: 'stolen' }));
    t.match(error, { class: 'permission_denied', code: 'HELLO_NAME' });
    t.equal((await node.plugin('fake')).state, 'ready');
  });

  await t.test('it cannot listen to, or answer, what is asked of another', async (t) => {
    const heard: string[] = [];
    for (const connection of [thief.importing, thief.exporting]) {
      for (const subject of ['rpc.>', 'rpc.*.provider.fake.>', '_INBOX.>', '>']) {
        try {
          connection.subscribe(subject, (message) => heard.push(message.subject));
        } catch (error) {
          t.ok(error instanceof CleatError);
        }
      }
    }
    const from = fake.callCount;
    await node.run('second', SLEEP, { claims: [fakeClaim('a')] });
    t.same(fake.words(from), ['reserve a', 'attach a'], 'the one that was granted the kind was asked');
    const foreign = heard.filter((subject) => subject.includes('provider.fake'));
    t.same(foreign, []);
    await node.remove('second');
  });

  await t.test('it sees the events that it was granted, and publishes only its own', async (t) => {
    const controller = new AbortController();
    const seen: string[] = [];
    const stream = liveEvents(thief.importing, { patterns: ['*.*', 'container.*'], node: '*', signal: controller.signal });
    const reading = (async () => {
      for await (const item of stream) if (item.type === 'event') seen.push(item.headers.get('ce-type') ?? '');
    })();
    await node.create('unseen', SLEEP);
    await node.remove('unseen');
    const last = (await node.info()).newestEvent;
    await waitFor('its events', async () => (await node.info()).publishedEvent >= last);
    controller.abort();
    await reading;
    t.same(
      seen.filter((type) => type.includes('container')),
      [],
    );
    const listed = await failure(thief.caller.call('event', 'event', 'open', { after: 0, type: '*' }, deadline()));
    t.match(listed.class, /permission_denied|deadline_exceeded/);
    const own = { type: 'thief.stole', subject: 'x' };
    t.match(await thief.caller.call('sys', 'sys', 'event', { store: 's', number: 1, event: own, actor: {} }, deadline()), { durable: 1 });
    const error = await failure(
      thief.caller.call(
        'sys',
        'sys',
        'event',
        { store: 's', number: 2, event: { type: 'container.exited', subject: 'x' }, actor: {} },
        deadline(),
      ),
    );
    t.match(error, { class: 'permission_denied', code: 'EVENT_NOT_GRANTED' });
    t.match(await thief.caller.call('sys', 'sys', 'event', { store: 's', number: 1, event: own, actor: {} }, deadline()), { durable: 1 });
    t.equal((await node.events()).filter(({ type }) => type === 'thief.stole').length, 1, 'an event that comes again is one');
  });

  await t.test('what is no request at all harms nobody', async (t) => {
    const raw = new BusCaller(thief.importing, { decodeError: () => new CleatError('internal', 'X', 'x') });
    const garbage = await failure(raw.call('container', 'inspect', Buffer.from('garbage'), { deadline: Deadline.after(SHORT_MS) }));
    t.ok(garbage);
    t.equal((await node.inspect('victim')).state.status, 'running');
  });

  await t.test('its credentials end with it', async (t) => {
    await node.call('plugin', 'remove', { name: 'thief' });
    const caller = new ContractCaller(thief.importing, new SchemaBook());
    const error = await failure(caller.call('container', 'container', 'inspect', { container: 'victim' }, deadline()));
    t.match(error.class, /unavailable|permission_denied|deadline_exceeded/);
  });
});

t.test('a provider that answers garbage is named', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const liar = await RawPlugin.install(kernel, { ...FAKE, name: 'liar' });
  t.teardown(() => liar.close());
  const asked: string[] = [];
  liar.exporting.subscribe('rpc.*.provider.fake.*', (message) => {
    const operation = message.subject.split('.').at(-1) ?? '';
    asked.push(operation);
    if (message.reply === undefined) return;
    const headers = new Map([['Cleat-Status', 'ok']]);
    const book = new SchemaBook();
    const { response } = book.anyOperation('provider', 'reconcile');
    if (operation === 'reconcile') {
      headers.set('Cleat-Schema', response.fingerprint);
      liar.exporting.publish(message.reply, response.encode({}), { headers });
      return;
    }
    headers.set('Cleat-Schema', book.anyOperation('provider', operation).response.fingerprint);
    liar.exporting.publish(message.reply, Buffer.from('rubbish that nobody can read'), { headers });
  });
  await liar.hello({ name: 'liar' });
  await liar.caller.call('sys', 'sys', 'ready', { instance: 'raw' }, { timeoutMs: 10_000 });
  const beats = setInterval(
    () => void liar.caller.call('sys', 'sys', 'beat', { instance: 'raw', backlog: 0 }).catch(() => undefined),
    2_000,
  );
  t.teardown(() => clearInterval(beats));
  const error = await failure(node.create('lied-to', SLEEP, { claims: [fakeClaim('a')] }));
  t.match(error, { plugin: 'liar', code: 'ANSWER_UNREADABLE', class: 'internal' });
  t.match(error.message, /liar/);
  t.same(await node.list(), [], 'nothing half-made');
  t.ok(asked.includes('reserve'));
  await node.run('another', SLEEP);
  await node.remove('another');
});
