import { existsSync, lchownSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { makeBusyboxRootfs, needs, slowFactor } from '@cleat/harness';
import t from 'tap';
import { FAKE, Fake, fakeClaim } from '../fakes/fake-install.ts';
import { failure, startedKernel } from './joint.ts';

t.setTimeout(60_000 * slowFactor());

const SLEEP = ['sleep', '1000'];
const MAPPING = { uids: [{ containerId: 0, hostId: 100_000, size: 65_536 }], gids: [{ containerId: 0, hostId: 100_000, size: 65_536 }] };

function namespaceOf(pid: number, name: string): string {
  return readlinkSync(`/proc/${pid}/ns/${name}`);
}

t.test('the kernel makes and pins namespaces before it asks anybody', async (t) => {
  const kernel = await startedKernel(t);
  if (kernel === undefined) return;
  const node = kernel.client;
  const fake = await Fake.install(kernel, FAKE);

  await t.test('a network namespace is pinned, handed to providers, kept over a restart by policy, and gone with the use', async (t) => {
    const from = fake.callCount;
    await node.run('own', SLEEP, { claims: [fakeClaim('net')], spec: { restart: { name: 'always' } } });
    const { state, paths } = await node.inspect('own');
    const pin = paths.networkNamespace;
    const attach = fake.calls(from).find(({ operation }) => operation === 'attach');
    t.same([attach?.detail['networkNamespace'], attach?.detail['userNamespace']], [pin, '']);
    const name = namespaceOf(state.pid, 'net');
    t.not(name, readlinkSync('/proc/self/ns/net'));
    process.kill(state.pid, 'SIGKILL');
    await node.until('the next run', async () => {
      const next = (await node.inspect('own')).state;
      return next.run === 2 && next.status === 'running';
    });
    t.equal(namespaceOf((await node.inspect('own')).state.pid, 'net'), name, 'the next run is in the same');
    t.same(fake.words(from), ['reserve net', 'attach net'], 'and nobody was asked');
    await node.call('container', 'stop', { container: 'own' });
    t.notOk(existsSync(pin));
    await node.remove('own');
  });

  await t.test('with a user namespace both are made together, the one owning the other', async (t) => {
    if (!needs(t, 'user-namespaces')) return;
    const from = fake.callCount;
    // The root has to be its users' own: the runtime makes files in it as they do.
    const rootfs = join(kernel.dir, 'mapped');
    mkdirSync(rootfs);
    makeBusyboxRootfs(rootfs);
    chownTree(rootfs, 100_000);
    const spec = { rootfs, namespaces: { user: 'private', idMapping: MAPPING } };
    const started = await node.run('mapped', SLEEP, { claims: [fakeClaim('net')], spec });
    const { state, paths } = await node.inspect(started);
    t.match(readFileSync(`/proc/${state.pid}/uid_map`, 'utf8'), /^\s+0\s+100000\s+65536\n$/);
    const attach = fake.calls(from).find(({ operation }) => operation === 'attach');
    t.equal(attach?.detail['networkNamespace'], paths.networkNamespace);
    t.not(attach?.detail['userNamespace'], '');
    t.not(namespaceOf(state.pid, 'user'), readlinkSync('/proc/self/ns/user'));
    const joined = await node.run('joined', SLEEP, { spec: { rootfs, namespaces: { network: `container:${started}` } } });
    const { pid } = (await node.inspect(joined)).state;
    t.equal(namespaceOf(pid, 'net'), namespaceOf(state.pid, 'net'));
    t.equal(namespaceOf(pid, 'user'), namespaceOf(state.pid, 'user'), 'who joins the network joins the user namespace');
    await node.remove('joined');
    await node.remove('mapped');
  });

  await t.test('container:X is refused at create when X is not there, at start when it does not run', async (t) => {
    const missing = await failure(node.create('x', SLEEP, { spec: { namespaces: { network: `container:${'f'.repeat(64)}` } } }));
    t.equal(missing.class, 'not_found');
    const other = await node.create('other', SLEEP);
    for (const kind of ['network', 'pid']) {
      await node.create('sharing', SLEEP, { spec: { namespaces: { [kind]: `container:${other}` } } });
      const refused = await failure(node.call('container', 'start', { container: 'sharing' }));
      t.match(refused, { code: 'CONTAINER_NOT_RUNNING', class: 'conflict' });
      t.match(refused.message, /other/);
      await node.remove('sharing');
    }
    await node.call('container', 'start', { container: other });
    const names = { network: 'net', pid: 'pid' };
    const spec = { namespaces: Object.fromEntries(Object.keys(names).map((key) => [key, `container:${other}`])) };
    await node.run('sharing', SLEEP, { spec });
    const [one, two] = [(await node.inspect(other)).state.pid, (await node.inspect('sharing')).state.pid];
    for (const name of Object.values(names)) t.equal(namespaceOf(two, name), namespaceOf(one, name), name);
    await node.remove('sharing');
    await node.remove('other');
  });

  await t.test('the host’s own are joined, and none are made', async (t) => {
    const from = fake.callCount;
    const spec = { namespaces: { network: 'host', pid: 'host', ipc: 'host', uts: 'host' } };
    await node.run('host', SLEEP, { spec, claims: [fakeClaim('net')] });
    const { pid } = (await node.inspect('host')).state;
    for (const name of ['net', 'pid', 'ipc', 'uts']) t.equal(namespaceOf(pid, name), readlinkSync(`/proc/self/ns/${name}`));
    t.equal(fake.calls(from).find(({ operation }) => operation === 'attach')?.detail['networkNamespace'], '');
    await node.remove('host');
  });
});

function chownTree(path: string, id: number): void {
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' })) lchownSync(join(path, name), id, id);
  lchownSync(path, id, id);
}
