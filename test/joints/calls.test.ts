import { slowFactor, waitFor } from '@cleat/harness';
import { type event, type Manifest, type plugin, SchemaBook } from '@cleat/schemas';
import t from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { RawPlugin } from '../fakes/raw-plugin.ts';
import { failure, slowed, startedKernel, timed } from './joint.ts';

t.setTimeout(115_000 * slowFactor());

const SLEEP = ['sleep', '1000'];
const JUDGE: Manifest = {
  cleat: 1,
  name: 'judge',
  version: '1.0.0',
  contracts: { interceptor: ['1.0'] },
  intercepts: ['container.create', 'plugin.*'],
};

function actorOf(entry: event.Entry | undefined): { readonly principal: string; readonly caller: string } {
  if (entry === undefined) throw new Error('no such event');
  const codec = new SchemaBook().record<event.Container>('event', 'cleat.event.v1.Container');
  return codec.decode(entry.data).actor;
}

t.test('interceptors judge requests where they are executed, and nothing else', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  await node.run('before', SLEEP, { spec: { restart: { name: 'always' } } });
  const judge = await Fake.install(kernel, JUDGE);

  await t.test('it is asked who wants what, and allows or denies', async (t) => {
    await node.create('allowed', SLEEP);
    t.match(judge.calls().at(-1)?.detail, { operation: 'container.create', principal: 'plugin:operator', caller: 'operator' });
    judge.control({ judge: { deny: 'not on a Tuesday' } });
    const denied = await failure(node.create('denied', SLEEP));
    t.match(denied, { class: 'permission_denied', code: 'DENIED', plugin: 'judge' });
    t.match(denied.message, /not on a Tuesday/);
    t.same((await node.list()).map(({ name }) => name).sort(), ['allowed', 'before']);
    const asked = judge.callCount;
    await node.call('container', 'start', { container: 'allowed' });
    t.equal(judge.callCount, asked, 'only about what it names');
  });

  await t.test('what the kernel does by itself is not judged', async (t) => {
    const asked = judge.callCount;
    process.kill((await node.inspect('before')).state.pid, 'SIGKILL');
    await node.until('the next run', async () => (await node.inspect('before')).state.run === 2);
    t.equal(judge.callCount, asked);
  });

  await t.test('one that is silent denies, in two seconds', async (t) => {
    judge.control({ judge: { hang: true } });
    const { value, ms } = await timed(failure(node.create('silent', SLEEP)));
    t.match(value, { class: 'permission_denied', code: 'INTERCEPTOR_AWAY', plugin: 'judge' });
    t.ok(ms < slowed(4_000), `it took ${Math.round(ms)} ms`);
    t.ok((await timed(node.list())).ms < slowed(2_000));
  });

  await t.test('one that is away denies at once, and uid 0 can still remove it', async (t) => {
    // As uid 0, who is never judged in this.
    const info = (): Promise<plugin.Info> => node.call('plugin', 'inspect', { name: 'judge' }, { principal: 'uid:0' });
    process.kill((await info()).pid, 'SIGSTOP');
    await waitFor('its silence', async () => (await info()).state === 'unresponsive', { timeoutMs: 30_000 });
    const { value, ms } = await timed(failure(node.create('away', SLEEP)));
    t.match(value, { code: 'INTERCEPTOR_AWAY' });
    t.ok(ms < slowed(1_000), `it took ${Math.round(ms)} ms`);
    const other = await failure(node.call('plugin', 'remove', { name: 'judge' }, { principal: 'uid:1000' }));
    t.equal(other.code, 'INTERCEPTOR_AWAY');
    await node.call('plugin', 'remove', { name: 'judge' }, { principal: 'uid:0' });
    await node.create('free', SLEEP);
  });
});

t.test('who calls, for whom, in which version, and how much', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const caller = await RawPlugin.install(kernel, {
    cleat: 1,
    name: 'caller',
    version: '1.0.0',
    contracts: {},
    uses: ['container.create', 'container.remove'],
  });
  t.teardown(() => caller.close());

  await t.test('only who may speak for others is believed', async (t) => {
    const request = (id: string, name: string): object => ({ id, name, spec: { process: { args: SLEEP }, rootfs: kernel.rootfs } });
    await node.call('container', 'create', request('a1'.repeat(32), 'for-other'), { principal: 'uid:1000' });
    await caller.caller.call('container', 'container', 'create', request('b1'.repeat(32), 'for-self'), { principal: 'uid:0' });
    const created = (await node.events()).filter(({ type }) => type === 'container.created');
    t.match(actorOf(created[0]), { principal: 'uid:1000', caller: 'operator' });
    t.match(actorOf(created[1]), { principal: 'plugin:caller', caller: 'caller' });
    t.equal((await node.inspect('for-self')).owner, 'caller');
  });

  await t.test('an incompatible pair is refused with a sentence that says what to upgrade', async (t) => {
    await Fake.install(kernel, {
      ...FAKE,
      name: 'newer',
      provides: [{ kind: 'newer', reserve: true, attach: true }],
      contracts: { provider: ['9.0'] },
    }).catch(() => undefined);
    const { reason } = await node.waitForPlugin('newer', 'incompatible');
    t.match(
      reason,
      /plugin newer 1\.0\.0 speaks provider 9\.0, Cleat 0\.1\.0 speaks 1\.0: upgrade Cleat to a version that speaks provider 9\.0/,
    );
    const refused = await failure(node.create('with-newer', SLEEP, { claims: [fakeClaim('a', {}, 'newer')] }));
    t.match(refused, { class: 'unavailable', plugin: 'newer' });
    await node.call('plugin', 'remove', { name: 'newer' });
  });

  await t.test('another minor version works together', async (t) => {
    const fake = await Fake.install(kernel, { ...FAKE, contracts: { provider: ['1.0', '1.1'] } });
    await node.run('minor', SLEEP, { claims: [fakeClaim('a')] });
    t.same(fake.words(), ['reserve a', 'attach a']);
    await node.remove('minor');
    await fake.remove();
  });

  await t.test('what would not fit in an event is refused', async (t) => {
    const labels = { big: 'x'.repeat(270_000) };
    t.match(await failure(node.create('labels', SLEEP, { spec: { labels } })), { class: 'invalid_argument', code: 'LABELS' });
    const env = Array.from({ length: 20 }, (_, index) => `V${index}=${'x'.repeat(45_000)}`);
    const big = await failure(node.create('big', SLEEP, { spec: { process: { args: SLEEP, env } } }));
    t.equal(big.class, 'invalid_argument');
    await node.create('fits', SLEEP, { spec: { labels: { big: 'x'.repeat(250_000) } } });
    const last = (await node.info()).newestEvent;
    await waitFor('its event', async () => (await node.info()).publishedEvent >= last);
    await node.remove('fits');
  });

  await t.test('an operation that comes again is answered as before, also by the next kernel', async (t) => {
    const operationId = 'again-1';
    await node.create('again', SLEEP);
    await node.call('container', 'start', { container: 'again' }, { operationId });
    await node.call('container', 'stop', { container: 'again' });
    const runs = async (): Promise<number> => (await node.inspect('again')).state.run;
    t.match(await node.call('container', 'start', { container: 'again' }, { operationId }), { changed: true });
    t.equal(await runs(), 1, 'it was not done again');
    await kernel.kill();
    await kernel.start();
    t.match(await node.call('container', 'start', { container: 'again' }, { operationId }), { changed: true });
    t.equal(await runs(), 1, 'nor by the next kernel');
    await node.remove('again');
  });
});
