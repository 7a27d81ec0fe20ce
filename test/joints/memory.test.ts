import { randomBytes } from 'node:crypto';
import { slowFactor } from '@cleat/harness';
import t from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { startedKernel, timed } from './joint.ts';

t.setTimeout(60_000 * slowFactor());

t.test('ps and inspect ask nobody: the kernel remembers status, client and owner', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const fake = await Fake.install(kernel, FAKE);
  const client = JSON.stringify({ Image: 'busybox', secret: randomBytes(8).toString('hex') });
  const spec = { labels: { tier: 'front' } };
  await node.run('known', ['sleep', '1000'], { claims: [fakeClaim('a', { contribution: { hosts: ['10.0.0.1 a'] } })], client, spec });
  const before = await node.inspect('known');
  t.equal(before.client, client);
  t.equal(before.owner, 'operator');
  t.match(before.claims[0], { phase: 'attached', provider: 'fake' });
  t.match(JSON.parse(before.claims[0]?.status ?? ''), { attached: Number });

  await t.test('with every plugin dead', async (t) => {
    process.kill(await fake.pid(), 'SIGSTOP');
    const { value, ms } = await timed(node.inspect('known'));
    t.same(value, before);
    t.ok(ms < 500, `inspect took ${ms} ms`);
    const list = await timed(node.list());
    t.same(list.value[0], before);
    t.ok(list.ms < 500, `list took ${list.ms} ms`);
  });

  await t.test('after a crash of the kernel, with every plugin dead', async (t) => {
    await kernel.kill();
    await kernel.start();
    t.same(await node.inspect('known'), { ...before, position: (await node.inspect('known')).position });
  });

  await t.test('every operation may replace the client’s data, up to 64 KB', async (t) => {
    await node.call('container', 'update', { container: 'known', client: 'another' });
    t.equal((await node.inspect('known')).client, 'another');
    const tooBig = await node
      .call('container', 'update', { container: 'known', client: 'x'.repeat(65_537) })
      .catch((error: unknown) => error);
    t.match(tooBig, { class: 'invalid_argument', code: 'CLIENT_DATA' });
    t.equal((await node.inspect('known')).client, 'another');
  });

  await t.test('a list of what changed after a position', async (t) => {
    interface Page {
      readonly position: number;
      readonly incarnation: string;
      readonly full: boolean;
      readonly containers: readonly { readonly name: string }[];
      readonly removed: readonly string[];
    }
    const { position, incarnation, full } = await node.call<Page>('container', 'list');
    t.ok(full);
    const id = await node.create('newer', ['true']);
    const change = await node.call<Page>('container', 'list', { after: position, incarnation });
    t.notOk(change.full);
    t.same(
      change.containers.map(({ name }) => name),
      ['newer'],
    );
    await node.remove('newer');
    t.same((await node.call<Page>('container', 'list', { after: change.position, incarnation })).removed, [id]);
    t.ok((await node.call<Page>('container', 'list', { after: position, incarnation: 'of another kernel' })).full);
  });

  process.kill(await fake.pid(), 'SIGCONT');
});
