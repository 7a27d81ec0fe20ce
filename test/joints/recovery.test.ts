import { readFileSync } from 'node:fs';
import { umount } from '@cleat/core/syscalls';
import { isBelow, mountPoints, slowFactor, waitFor } from '@cleat/harness';
import t from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { checkEvents } from '../platform/event-check.ts';
import { slowed, startedKernel, timed } from './joint.ts';

t.setTimeout(115_000 * slowFactor());

const SLEEP = ['sleep', '1000'];

t.test('what is owed is written down, told at the next reconcile, and shown until it is settled', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const fake = await Fake.install(kernel, FAKE);

  await t.test('a plugin that is away is not waited for', async (t) => {
    const id = await node.run('gone', SLEEP, { claims: [fakeClaim('a'), fakeClaim('b')] });
    await node.run('kept', SLEEP, { claims: [fakeClaim('a')] });
    await node.call('plugin', 'disable', { name: 'fake', force: true });
    const { ms } = await timed(node.remove('gone'));
    t.ok(ms < slowed(3000), `rm -f took ${Math.round(ms)} ms`);
    const { owed, warnings } = await node.info();
    t.same(owed.map(({ container, claim, operation }) => [container, claim, operation]).sort(), [
      [id, 'a', 'release'],
      [id, 'b', 'release'],
    ]);
    t.match(warnings.join(), /2 undos are owed/);
    t.equal(fake.objects.length, 3);
    t.equal((await node.inspect('kept')).state.status, 'running', 'a container of a plugin that was taken away runs on');
    const from = fake.callCount;
    await node.call('plugin', 'enable', { name: 'fake' });
    await node.waitForPlugin('fake');
    const [first, ...more] = fake.calls(from);
    t.equal(first?.operation, 'reconcile', 'before anything else');
    t.match(first?.detail, {
      held: [{ claim: 'a', attached: true }],
      owed: [
        { operation: 'release', purge: true },
        { operation: 'release', purge: true },
      ],
    });
    t.same(more, [], 'and nothing else is asked for');
    t.same((await node.info()).owed, []);
    t.same([fake.objects.length, fake.uses.length], [1, 1], 'it dropped the rest');
  });

  await t.test('what it could not undo stays owed, what it lacks is told', async (t) => {
    const id = await node.run('stuck', SLEEP, { claims: [fakeClaim('a')] });
    await node.call('plugin', 'disable', { name: 'fake', force: true });
    await node.remove('stuck');
    fake.control({ reconcile: { failures: [`${id}/a`] } });
    await node.call('plugin', 'enable', { name: 'fake' });
    await node.waitForPlugin('fake');
    t.match((await node.info()).owed, [{ container: id, claim: 'a' }]);
    fake.control({});
    await waitFor('the debt', async () => (await node.info()).owed.length === 0, { timeoutMs: 20_000 });
    t.equal(fake.objects.length, 1, 'asked again by itself, it was paid');
  });

  await t.test('a plugin removed with force under its users comes back and is told', async (t) => {
    await node.run('user', SLEEP, { claims: [fakeClaim('a')] });
    const refused = await fake.remove().catch((error: unknown) => error);
    t.match(refused, { code: 'PLUGIN_IN_USE', class: 'conflict' });
    await fake.remove(true);
    t.equal((await node.inspect('user')).state.status, 'running');
    await node.remove('user');
    t.equal((await node.info()).owed.length, 1);
    await fake.installAgain();
    await node.waitForPlugin('fake');
    t.same((await node.info()).owed, []);
    t.equal(fake.objects.length, 1);
  });

  await t.test('a detach gets two seconds in all; the exit was recorded before', async (t) => {
    await node.run('slow', SLEEP, { claims: [fakeClaim('a'), fakeClaim('b')] });
    fake.control({ detach: { delayMs: 30_000 } });
    const from = (await node.events()).at(-1)?.sequence ?? 0;
    const { ms } = await timed(node.call('container', 'stop', { container: 'slow' }));
    t.ok(ms < slowed(4500), `stop took ${Math.round(ms)} ms`);
    const { state } = await node.inspect('slow');
    t.same([state.status, state.exitCode], ['exited', 137]);
    const types = (await node.events(from)).map(({ type }) => type);
    t.ok(types.includes('container.exited'));
    t.equal((await node.info()).owed.length, 2);
    fake.control({});
    await waitFor('the debts', async () => (await node.info()).owed.length === 0, { timeoutMs: 20_000 });
    await node.remove('slow');
    t.equal(fake.uses.length, 1, 'of the container that runs');
  });

  await t.test('a plugin that was frozen is told anew what it holds', async (t) => {
    await node.run('frozen', SLEEP, { claims: [fakeClaim('a')] });
    const pid = await fake.pid();
    process.kill(pid, 'SIGSTOP');
    const { ms } = await timed(node.remove('frozen'));
    t.ok(ms < slowed(15_000), `rm -f took ${Math.round(ms)} ms`);
    process.kill(pid, 'SIGCONT');
    await waitFor('the debts', async () => (await node.info()).owed.length === 0, { timeoutMs: 20_000 });
    t.same([fake.objects.length, fake.uses.length], [1, 1]);
  });
  await node.remove('kept');
  t.same([fake.objects, fake.uses], [[], []]);
});

t.test('a restart by policy needs nobody', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const fake = await Fake.install(kernel, FAKE);
  const log = await Fake.install(kernel, { ...FAKE, name: 'notes', provides: [{ kind: 'notes', reserve: true, attach: false }] });
  const claims = [fakeClaim('a', { contribution: { environment: ['KEPT=1'] } }), fakeClaim('n', {}, 'notes')];
  await node.run('again', SLEEP, { claims, spec: { restart: { name: 'always' } } });
  await node.call('plugin', 'disable', { name: 'fake', force: true });
  process.kill(await log.pid(), 'SIGSTOP');
  const from = fake.callCount;
  const killAndWait = async (run: number): Promise<number> => {
    process.kill((await node.inspect('again')).state.pid, 'SIGKILL');
    const info = await waitFor('the next run', async () => {
      const next = await node.inspect('again');
      return next.state.run === run && next.state.status === 'running' ? next : undefined;
    });
    return info.state.pid;
  };

  await t.test('with its providers gone or frozen', async (t) => {
    const pid = await killAndWait(2);
    t.match(readFileSync(`/proc/${pid}/environ`, 'utf8'), /KEPT=1/, 'contributions are kept');
    t.equal(fake.callCount, from);
  });

  await t.test('with the kernel killed between the runs, at every record of it', async (t) => {
    let run = 2;
    for (const step of ['exit', 'start.intent', 'monitor.done', 'go']) {
      kernel.arm('after', step);
      process.kill((await node.inspect('again')).state.pid, 'SIGKILL');
      await kernel.ended();
      await kernel.start();
      run = (await node.waitForStatus('again', 'running', 20_000)).state.run;
      t.ok(run > 2, `runs again after ${step}`);
    }
    t.equal(fake.callCount, from);
    checkEvents(t, await node.events());
  });
  process.kill(await log.pid(), 'SIGCONT');
  await node.call('plugin', 'enable', { name: 'fake' });
  await node.waitForPlugin('fake');
  t.same([fake.objects.length, fake.uses.length], [1, 1]);
  await node.remove('again');
  t.same([fake.objects, fake.uses], [[], []]);
});

t.test('after a boot of the host attachments are void, and containers wait for their providers', async (t) => {
  const kernel = await startedKernel(t, { bootId: 'first-boot' });
  if (kernel === undefined) return;
  const node = kernel.client;
  const fake = await Fake.install(kernel, FAKE);
  const always = { restart: { name: 'always' } };
  const other = await node.run('other', SLEEP, { spec: always });
  const again = await node.run('again', SLEEP, { claims: [fakeClaim('a')], spec: always });
  const once = await node.run('once', SLEEP, { claims: [fakeClaim('a')] });
  for (const [name, donor] of [
    ['joined', other],
    ['waiting', again],
    ['alone', once],
  ])
    await node.run(name ?? '', SLEEP, { spec: { ...always, namespaces: { network: `container:${donor}` } } });
  await node.run('stopped', SLEEP, { claims: [fakeClaim('a')], spec: { restart: { name: 'unless-stopped' } } });
  await node.call('container', 'stop', { container: 'stopped' });
  await node.create('created', SLEEP, { claims: [fakeClaim('a')] });
  const { position } = { position: (await node.events()).at(-1)?.sequence ?? 0 };

  // What a boot does: every process ends, and what was mounted or on a tmpfs is gone.
  const pluginDir = fake.dir;
  fake.control({ reconcile: { delayMs: 2000 } });
  await kernel.powerOff();
  for (const point of mountPoints()
    .filter((mounted) => isBelow(mounted, kernel.runDir))
    .sort()
    .reverse())
    umount(point, { lazy: true });
  kernel.configure({ bootId: 'second-boot' });
  const from = fake.callCount;
  await kernel.start();
  const fresh = kernel.client;
  t.match((await fresh.inspect('again')).state.status, /restarting|starting/, 'it waits for its provider');
  t.equal((await fresh.inspect('once')).state.status, 'exited');
  t.equal((await fresh.inspect('once')).state.exitCode, 255);
  t.equal((await fresh.inspect('stopped')).state.status, 'exited');
  t.equal((await fresh.inspect('created')).state.status, 'created');
  t.equal((await fresh.inspect('waiting')).state.status, 'restarting', 'so does who joins it');
  for (const name of ['again', 'joined', 'waiting']) await fresh.waitForStatus(name, 'running', 30_000);
  const { state: alone } = await fresh.inspect('alone');
  t.equal(alone.status, 'exited', 'whom it joins is not started');
  t.match(alone.error, /cannot join the net namespace of a non running container: once/);
  t.same(
    fake.calls(from).map(({ operation, claim }) => `${operation} ${claim}`),
    ['reconcile ', 'attach a'],
    'nothing was detached',
  );
  t.match(fake.calls(from)[0]?.detail, { held: [{ attached: false }, { attached: false }, { attached: false }, { attached: false }] });
  // A provider that heard of a number by reconcile refuses a lower one, in the new boot as well.
  const [reconciled, attached] = fake.calls(from);
  const held = reconciled?.detail['held'] as readonly { readonly container: string; readonly number: number }[];
  const told = held.find(({ container }) => container === attached?.container);
  t.ok(told !== undefined && (attached?.number ?? 0) > told.number, 'numbers go on');
  const types = (await fresh.events(position)).filter(({ type }) => type === 'container.exited');
  t.equal(types.length, 6, 'the end of every run is told');
  t.ok(pluginDir);
  checkEvents(t, await fresh.events());
  await fresh.removeAll();
  t.same([fake.objects, fake.uses], [[], []]);
});
