import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { slowFactor, waitFor } from '@cleat/harness';
import t from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { environmentOf, failure, seenBy, startedKernel } from './joint.ts';

t.setTimeout(110_000 * slowFactor());

const SLEEP = ['sleep', '1000'];

t.test('a contribution describes, the kernel checks it, and runc makes it', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const fake = await Fake.install(kernel, FAKE);
  const other = await Fake.install(kernel, {
    ...FAKE,
    name: 'other',
    provides: [{ kind: 'other', reserve: true, attach: true }],
    permissions: { contribution: ['environment', 'mounts'], mountRoots: ['$STATE/objects'] },
  });

  await t.test('mounts, environment, hosts, name servers and devices reach the process', async (t) => {
    const contribution = {
      mounts: [
        { type: 'bind', source: '$OBJECT', target: '/data', options: ['ro'] },
        { type: 'tmpfs', target: '/scratch', options: ['size=1m'] },
      ],
      environment: ['GIVEN=by the fake'],
      hosts: ['10.0.0.1 db'],
      dns: { servers: ['10.0.0.2'], search: ['inner'], options: [] },
      devices: [{ hostPath: '/dev/null', containerPath: '/dev/given', permissions: 'rw' }],
      annotations: { given: 'yes' },
    };
    await node.run('all', SLEEP, { claims: [fakeClaim('a', { contribution })] });
    const { pid } = (await node.inspect('all')).state;
    const mounts = readFileSync(`/proc/${pid}/mounts`, 'utf8').split('\n');
    t.match(
      mounts.find((line) => line.includes(' /data ')),
      / ro,/,
    );
    t.match(
      mounts.find((line) => line.includes(' /scratch ')),
      /^tmpfs .*size=1024k/,
    );
    t.ok(environmentOf(pid).includes('GIVEN=by the fake'));
    t.match(seenBy(pid, '/etc/hosts'), /^10\.0\.0\.1 db$/m);
    t.match(seenBy(pid, '/etc/resolv.conf'), /^nameserver 10\.0\.0\.2$/m);
    t.ok(existsSync(`/proc/${pid}/root/dev/given`));
    await node.remove('all');
    t.notOk(readFileSync('/proc/self/mounts', 'utf8').includes('/scratch'), 'its mounts were its own');
  });

  await t.test('what the grant does not list is refused, and names plugin and part', async (t) => {
    const refusals = [
      [{ hosts: ['10.0.0.1 db'] }, /plugin other, for the claim a, gave hosts, which it is not granted/],
      [{ mounts: [{ type: 'bind', source: '/etc', target: '/e' }] }, /gave a mount of \/etc, which lies outside/],
      [{ mounts: [{ type: 'bind', source: '$OBJECT/../../x', target: '/e' }] }, /lies outside/],
      [{ devices: [{ hostPath: '/dev/null', containerPath: '/dev/x', permissions: 'rw' }] }, /gave devices/],
      [{ environment: ['A=1\nB=2'] }, /line break/],
    ] as const;
    for (const [contribution, words] of refusals) {
      await node.create('refused', SLEEP, { claims: [fakeClaim('a', { contribution }, 'other')] });
      const error = await failure(node.call('container', 'start', { container: 'refused' }));
      t.match(error, { code: 'CONTRIBUTION_NOT_GRANTED', class: 'permission_denied', plugin: 'other' });
      t.match(error.message, words);
      t.same(other.uses, [], 'and it was detached');
      t.equal((await node.inspect('refused')).state.status, 'created');
      await node.remove('refused');
    }
  });

  await t.test('a mount that leads out of the root by a link is refused', async (t) => {
    await node.create('link', SLEEP, {
      claims: [fakeClaim('a', { contribution: { mounts: [{ type: 'bind', source: '$OBJECT/way', target: '/e' }] } }, 'other')],
    });
    const [object = ''] = other.objects;
    symlinkSync('/etc', join(other.stateDir, 'objects', object, 'way'));
    const error = await failure(node.call('container', 'start', { container: 'link' }));
    t.equal(error.code, 'CONTRIBUTION_NOT_GRANTED');
    await node.remove('link');
  });

  await t.test('two providers never set one field', async (t) => {
    const env = (value: string): object => ({ contribution: { environment: [`SAME=${value}`] } });
    await node.create('clash', SLEEP, { claims: [fakeClaim('a', env('1')), fakeClaim('b', env('2'), 'other')] });
    const error = await failure(node.call('container', 'start', { container: 'clash' }));
    t.equal(error.code, 'CONTRIBUTION_CLASH');
    t.match(error.message, /the claims a \(fake\) and b \(other\) both set the variable SAME/);
    t.same([fake.uses, other.uses], [[], []]);
    await node.remove('clash');
  });

  await t.test('the user wins over a contribution', async (t) => {
    const own = join(kernel.dir, 'own');
    mkdirSync(own);
    writeFileSync(join(own, 'file'), 'of the user');
    const contribution = { mounts: [{ type: 'bind', source: '$OBJECT', target: '/data' }], environment: ['WHO=fake'] };
    const process = { args: SLEEP, env: ['PATH=/bin', 'WHO=user'] };
    await node.run('user', SLEEP, {
      spec: { process, mounts: [{ type: 'bind', source: own, target: '/data' }] },
      claims: [fakeClaim('a', { contribution })],
    });
    const { pid } = (await node.inspect('user')).state;
    t.equal(seenBy(pid, '/data/file'), 'of the user');
    t.same(
      environmentOf(pid).filter((line) => line.startsWith('WHO=')),
      ['WHO=user'],
    );
    await node.remove('user');
  });

  await t.test('an empty source is filled from the image; a fill that was cut off is done anew', async (t) => {
    const contribution = { mounts: [{ type: 'bind', source: '$OBJECT', target: '/bin', copyUp: true }] };
    const claims = [fakeClaim('a', { contribution })];
    await node.create('filled', SLEEP, { claims });
    kernel.arm('after', 'fill.intent');
    await node.call('container', 'start', { container: 'filled' }, { timeoutMs: 1000 }).catch(() => undefined);
    await kernel.ended();
    const [object = ''] = fake.objects;
    writeFileSync(join(fake.stateDir, 'objects', object, 'half'), 'of a fill');
    await kernel.start();
    await node.waitForPlugin('fake');
    await waitFor('rest', async () => (await node.inspect('filled')).state.status !== 'starting');
    await node.call('container', 'start', { container: 'filled' });
    const directory = join(fake.stateDir, 'objects', object);
    t.ok(existsSync(join(directory, 'busybox')));
    t.notOk(existsSync(join(directory, 'half')), 'what the first fill left is gone');
    writeFileSync(join(directory, 'mine'), 'x');
    await node.call('container', 'stop', { container: 'filled' });
    await node.call('container', 'start', { container: 'filled' });
    t.ok(existsSync(join(directory, 'mine')), 'what is not empty stays as it is');
    await node.remove('filled');
  });

  await t.test('a claim has a directory on tmpfs, from before its reservation until after its release', async (t) => {
    const from = fake.callCount;
    const id = await node.create('directory', SLEEP, { claims: [fakeClaim('a')] });
    const directory = String(fake.calls(from)[0]?.detail['directory']);
    t.equal(directory, join(kernel.runDir, 'c', id, 'claims', 'a'));
    t.equal(statSync(directory).mode & 0o777, 0o700);
    await node.remove('directory');
    t.notOk(existsSync(directory));
  });

  await t.test('none needs no plugin for hosts, resolv.conf and hostname', async (t) => {
    await node.run('plain', SLEEP, { spec: { hostname: 'plain-host', hosts: ['10.9.9.9 mine'] } });
    const { pid } = (await node.inspect('plain')).state;
    t.match(seenBy(pid, '/etc/hosts'), /^10\.9\.9\.9 mine$/m);
    t.equal(seenBy(pid, '/etc/hostname'), 'plain-host\n');
    t.match(seenBy(pid, '/etc/resolv.conf'), /nameserver/);
    await node.remove('plain');
  });
});
