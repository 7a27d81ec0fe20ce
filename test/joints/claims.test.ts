import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { slowFactor, waitFor } from '@cleat/harness';
import t from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { failure, seenBy, startedKernel } from './joint.ts';

t.setTimeout(110_000 * slowFactor());

const SLEEP = ['sleep', '1000'];

t.test('a claim lives from create to remove, its attachment from the first holder of a use to the last', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const fake = await Fake.install(kernel, FAKE);
  const second = await Fake.install(kernel, { ...FAKE, name: 'notes', provides: [{ kind: 'notes', reserve: true, attach: false }] });

  await t.test('a provider is asked for what its manifest names, in the order of the request and back', async (t) => {
    const claims = [fakeClaim('b'), fakeClaim('a'), fakeClaim('n', {}, 'notes')];
    await node.create('order', SLEEP, { claims });
    t.same(fake.words(), ['reserve b', 'reserve a']);
    t.equal(fake.objects.length, 2);
    await node.call('container', 'start', { container: 'order' });
    await node.call('container', 'stop', { container: 'order' });
    t.same(fake.words().slice(2), ['attach b', 'attach a', 'detach a', 'detach b']);
    t.same(fake.uses, []);
    t.equal(fake.objects.length, 2, 'what is reserved stays while the container is stopped');
    await node.call('container', 'remove', { container: 'order' });
    t.same(fake.words().slice(6), ['release a', 'release b']);
    t.same(second.words(), ['reserve n', 'release n'], 'it asked for no attach');
    t.same(fake.objects, []);
    const numbers = fake.calls().filter(({ number }) => number > 0);
    const ofOne = numbers.filter(({ claim }) => claim === 'a').map(({ number }) => number);
    t.same(
      ofOne,
      [...ofOne].sort((left, right) => left - right),
      'numbers only grow',
    );
    t.equal(new Set(ofOne).size, ofOne.length, 'one for each call');
    t.match(fake.calls().find(({ operation }) => operation === 'release')?.detail, { purge: false });
  });

  await t.test('the root comes first, and its path is given to who asks for it', async (t) => {
    const from = fake.callCount;
    await node.run('root-first', SLEEP, { claims: [fakeClaim('data')] });
    const attach = fake.calls(from).find(({ operation }) => operation === 'attach');
    const { id, paths } = await node.inspect('root-first');
    t.equal(attach?.detail['rootPath'], join(kernel.runDir, 'c', id, 'root'));
    t.equal(attach?.detail['networkNamespace'], paths.networkNamespace, 'and the pinned namespace');
    t.equal(attach?.detail['status'], JSON.stringify({ reserved: 1 }), 'and what it answered before');
    await node.remove('root-first');
  });

  await t.test('a use is held by views and a run: the first opens it, the last closes it', async (t) => {
    const mount = { contribution: { mounts: [{ type: 'bind', source: '$OBJECT', target: '/data' }] } };
    const from = fake.callCount;
    await node.create('viewed', SLEEP, { claims: [fakeClaim('data', mount)] });
    const [object = ''] = fake.objects;
    writeFileSync(join(fake.stateDir, 'objects', object, 'file'), 'inside');
    const first = await node.call<{ view: string; path: string }>('view', 'open', { container: 'viewed' });
    t.ok(existsSync(join(first.path, 'data', 'file')), 'a view shows the mounts of claims');
    const root = await node.call<{ view: string; path: string }>('view', 'open', { container: 'viewed', scope: 'root' });
    t.notOk(existsSync(join(root.path, 'data', 'file')), 'a view of the root does not');
    await node.call('container', 'start', { container: 'viewed' });
    t.same(fake.words(from), ['reserve data', 'attach data'], 'a start during a view joins the use');
    const { state } = await node.inspect('viewed');
    t.equal(seenBy(state.pid, '/data/file'), 'inside');
    await node.call('container', 'stop', { container: 'viewed' });
    t.ok(existsSync(join(first.path, 'data', 'file')), 'the view goes on after the run');
    t.notOk(fake.words(from).includes('detach data'));
    await node.call('view', 'close', { view: root.view });
    t.notOk(fake.words(from).includes('detach data'));
    const refused = await failure(node.call('container', 'remove', { container: 'viewed' }));
    t.equal(refused.code, 'CONTAINER_VIEWED');
    await node.call('view', 'close', { view: first.view });
    t.same(fake.words(from), ['reserve data', 'attach data', 'detach data']);
    await node.call('view', 'open', { container: 'viewed' });
    await node.remove('viewed');
    t.same(fake.words(from).slice(3), ['attach data', 'detach data', 'release data'], 'rm -f ends views first');
    t.same(fake.uses, []);
  });

  await t.test('a view of a running container is its run', async (t) => {
    const from = fake.callCount;
    await node.run('running', SLEEP, { claims: [fakeClaim('data')] });
    const { path, running } = await node.call<{ path: string; running: boolean }>('view', 'open', { container: 'running' });
    t.equal(path, `/proc/${(await node.inspect('running')).state.pid}/root`);
    t.ok(running);
    t.same(fake.words(from), ['reserve data', 'attach data']);
    await node.remove('running');
  });

  await t.test('the lease of a view ends it', async () => {
    const from = fake.callCount;
    const mount = { contribution: { mounts: [{ type: 'bind', source: '$OBJECT', target: '/data' }] } };
    await node.create('leased', SLEEP, { claims: [fakeClaim('data', mount)] });
    await node.call('view', 'open', { container: 'leased', leaseMs: 1000 });
    await waitFor('the end of the lease', () => fake.words(from).includes('detach data'));
    await node.call('container', 'remove', { container: 'leased' });
  });

  await t.test('claims come, change and go with a container that runs', async (t) => {
    await node.run('changing', SLEEP);
    const { pid } = (await node.inspect('changing')).state;
    const from = fake.callCount;
    const added = await node.call<{ status: string }>('claim', 'add', {
      container: 'changing',
      claim: fakeClaim('net', { contribution: { hosts: ['10.0.0.9 added'] } }),
    });
    t.match(JSON.parse(added.status), { attached: Number });
    t.match(seenBy(pid, '/etc/hosts'), /^10\.0\.0\.9 added$/m);
    const options = JSON.stringify({ hosts: ['10.0.0.10 changed'] });
    await node.call('claim', 'update', { container: 'changing', claim: 'net', options });
    t.match(seenBy(pid, '/etc/hosts'), /^10\.0\.0\.10 changed$/m);
    t.notMatch(seenBy(pid, '/etc/hosts'), /added/);
    await node.call('container', 'rename', { container: 'changing', name: 'changed' });
    t.match(fake.calls(from).at(-1)?.detail, { containerName: 'changed' }, 'who asks for it hears of a new name');
    await node.call('claim', 'remove', { container: 'changed', claim: 'net' });
    t.notMatch(seenBy(pid, '/etc/hosts'), /changed$/m);
    t.same(fake.words(from), ['reserve net', 'attach net', 'update net', 'update net', 'detach net', 'release net']);
    const needsStart = fakeClaim('env', { contribution: { environment: ['A=1'] } });
    const refused = await failure(node.call('claim', 'add', { container: 'changed', claim: needsStart }));
    t.equal(refused.code, 'CLAIM_NEEDS_START');
    t.same([fake.objects, fake.uses], [[], []], 'what was refused is undone');
    t.same((await node.inspect('changed')).claims, []);
    await node.call('container', 'stop', { container: 'changed' });
    await node.call('claim', 'add', { container: 'changed', claim: needsStart });
    t.same(fake.uses, [], 'a claim of a stopped container is only reserved');
    t.equal((await node.inspect('changed')).claims[0]?.phase, 'reserved');
    await node.remove('changed');
  });

  await t.test('nobody provides the kind: refused, unless the claim comes from the image', async (t) => {
    const claim = fakeClaim('x', {}, 'unheard-of');
    const refused = await failure(node.create('nobody', SLEEP, { claims: [claim] }));
    t.equal(refused.code, 'KIND_UNKNOWN');
    t.equal((await node.list()).length, 0, 'nothing half-made');
    const id = await node.create('from-image', SLEEP, { claims: [{ ...claim, fromImage: true }] });
    t.same((await node.inspect(id)).claims, []);
    await node.remove(id);
    const invalid = await failure(node.create('options', SLEEP, { claims: [{ name: 'x', kind: 'fake', options: '7' }] }));
    t.equal(invalid.code, 'CLAIM_OPTIONS');
    t.same(fake.objects, []);
  });

  await t.test('a create that one provider refuses leaves nothing with any of them', async (t) => {
    second.control({ reserve: { error: { class: 'resource_exhausted', code: 'NOTES_FULL', message: 'no more notes' } } });
    const refused = await failure(node.create('refused', SLEEP, { claims: [fakeClaim('a'), fakeClaim('n', {}, 'notes')] }));
    t.match(refused, { class: 'resource_exhausted', code: 'NOTES_FULL', plugin: 'notes' });
    second.control({});
    t.same(fake.objects, []);
    t.same(readdirSync(join(kernel.runDir, 'c')), []);
    await node.create('refused', SLEEP);
    await node.remove('refused');
  });

  await t.test('the same create asked for again is the same container', async (t) => {
    const id = 'ab'.repeat(32);
    const request = { id, name: 'again', spec: { process: { args: SLEEP }, rootfs: kernel.rootfs } };
    await node.call('container', 'create', request, { operationId: 'op-1' });
    const again = await node.call<{ id: string }>('container', 'create', request, { operationId: 'op-1' });
    t.equal(again.id, id);
    const other = await failure(node.call('container', 'create', request, { operationId: 'op-2' }));
    t.equal(other.code, 'CONTAINER_EXISTS');
    await node.remove('again');
  });
});
