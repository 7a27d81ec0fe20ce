import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { needs, tempDir } from '@cleat/harness';
import t from 'tap';
import {
  attachRequest,
  CALL,
  CONTAINER,
  failure,
  mountOf,
  mountsBelow,
  openLab,
  reference,
  reserveRequest,
  statusOf,
} from './storage-lab.ts';

const OTHER = 'd'.repeat(64);

t.test('reserve makes a named volume that is missing and attach describes its mount', async (t) => {
  const lab = await openLab(t);
  const { provider } = lab.storage;
  const reserved = await provider.reserve(reserveRequest({ name: 'data', target: '/d', labels: { a: '1' } }), CALL);
  const status = statusOf(reserved);
  t.equal(status.mountpoint, join(lab.directory, 'volumes/data/_data'));
  const attached = await provider.attach(attachRequest(), CALL);
  t.strictSame(mountOf(attached), { type: 'bind', source: status.mountpoint, target: '/d', options: ['rbind', 'rprivate'], copyUp: true });
  t.strictSame(attached.events, [
    {
      type: 'volume.mounted',
      subject: 'data',
      labels: { a: '1' },
      properties: { driver: 'local', container: CONTAINER, destination: '/d', propagation: '', 'read/write': 'true' },
    },
  ]);
  const detached = await provider.detach({ reference: reference() }, CALL);
  t.strictSame(detached.events, [
    { type: 'volume.unmounted', subject: 'data', labels: { a: '1' }, properties: { driver: 'local', container: CONTAINER } },
  ]);
  t.strictSame(await provider.detach({ reference: reference() }, CALL), {}, 'the second detach finds nothing');
  await provider.release({ reference: reference(), purge: true }, CALL);
  t.ok(existsSync(status.mountpoint), 'a named volume stays');
  t.strictSame(mountsBelow(lab.directory), []);
});

t.test('readonly, nocopy and propagation are in the mount', async (t) => {
  const lab = await openLab(t);
  await lab.storage.provider.reserve(
    reserveRequest({ name: 'data', target: '/d', readonly: true, nocopy: true, propagation: 'rslave' }),
    CALL,
  );
  const mount = mountOf(await lab.storage.provider.attach(attachRequest(), CALL));
  t.strictSame(mount.options?.slice(0, 2), ['rbind', 'rslave']);
  t.match(mount.options?.[2], /^r?ro$/);
  t.equal(mount.copyUp, false);
});

t.test('an anonymous volume goes with the last container that has it, when that is asked for', async (t) => {
  const lab = await openLab(t);
  const { provider, service } = lab.storage;
  const { name } = statusOf(await provider.reserve(reserveRequest({ target: '/d' }), CALL));
  t.match(name, /^[0-9a-f]{64}$/);
  // --volumes-from copies the claim with its name.
  await provider.reserve(reserveRequest({ name, anonymous: true, target: '/d' }, 'volume-1', OTHER), CALL);
  await provider.release({ reference: reference(), purge: true }, CALL);
  t.equal((await service.inspect({ name })).references, 1, 'the other container keeps it');
  await provider.release({ reference: reference('volume-1', OTHER), purge: true }, CALL);
  t.match(await failure(service.inspect({ name })), { class: 'not_found' });
  t.strictSame(
    lab.events.map(({ type }) => type),
    ['volume.created', 'volume.removed'],
  );
});

t.test('without purge an anonymous volume stays behind', async (t) => {
  const lab = await openLab(t);
  const { name } = statusOf(await lab.storage.provider.reserve(reserveRequest({ target: '/d' }), CALL));
  await lab.storage.provider.release({ reference: reference(), purge: false }, CALL);
  t.equal((await lab.storage.service.inspect({ name })).references, 0);
});

t.test('a reserve that comes again keeps the anonymous volume it made', async (t) => {
  const lab = await openLab(t);
  const first = statusOf(await lab.storage.provider.reserve(reserveRequest({ target: '/d' }), CALL));
  await lab.restart();
  const second = statusOf(await lab.storage.provider.reserve(reserveRequest({ target: '/d' }), CALL));
  t.strictSame(second, first);
  const { volumes = [] } = await lab.storage.service.list({ filters: {}, sizes: false }, CALL);
  t.equal(volumes.length, 1);
});

t.test('the root of a user namespace owns a volume that is made for it', async (t) => {
  if (!needs(t, 'root')) return;
  const lab = await openLab(t);
  // As the kernel makes it.
  chmodSync(lab.directory, 0o711);
  const request = reserveRequest({ name: 'data', target: '/d' });
  const uids = [{ containerId: 0, hostId: 100_000, size: 65_536 }];
  const gids = [{ containerId: 0, hostId: 200_000, size: 65_536 }];
  const { mountpoint } = statusOf(await lab.storage.provider.reserve({ ...request, idMapping: { uids, gids } }, CALL));
  t.equal(statSync(mountpoint).uid, 100_000);
  t.equal(statSync(mountpoint).gid, 200_000);
  // The runtime reaches the source with these ids.
  execFileSync('setpriv', ['--reuid=100000', '--regid=200000', '--clear-groups', 'test', '-x', mountpoint]);
});

t.test('a driver that the volume does not have, or that nobody is, is refused and leaves nothing', async (t) => {
  const lab = await openLab(t);
  const { provider, service } = lab.storage;
  t.match(await failure(provider.reserve(reserveRequest({ name: 'data', target: '/d', driver: 'nope' }), CALL)), {
    code: 'VOLUME_DRIVER_NOT_FOUND',
  });
  t.match(await failure(provider.reserve(reserveRequest({ target: '/d', driver: 'nope' }), CALL)), { code: 'VOLUME_DRIVER_NOT_FOUND' });
  await provider.reserve(reserveRequest({ name: 'data', target: '/d' }), CALL);
  t.match(await failure(provider.reserve(reserveRequest({ name: 'data', target: '/d', driver: 'nope' }, 'volume-2'), CALL)), {
    class: 'conflict',
    message: /volume name must be unique/,
  });
  t.equal((await service.inspect({ name: 'data' })).references, 1);
});

t.test('a claim that is not known cannot be attached', async (t) => {
  const lab = await openLab(t);
  t.match(await failure(lab.storage.provider.attach(attachRequest(), CALL)), { class: 'not_found', code: 'VOLUME_CLAIM_UNKNOWN' });
});

t.test('claims that can never work are refused', async (t) => {
  const lab = await openLab(t);
  const bad: object[] = [
    { name: 'data', target: 'relative' },
    { target: '/d', subpath: 'sub' },
    { name: 'data', target: '/d', subpath: '../x' },
    { name: 'data', target: '/d', subpath: '/x' },
    { name: 'data', target: '/d', propagation: 'odd' },
  ];
  for (const options of bad) {
    t.match(
      await failure(lab.storage.provider.reserve(reserveRequest(options), CALL)),
      { code: 'VOLUME_CLAIM_INVALID' },
      JSON.stringify(options),
    );
  }
});

t.test('a tmpfs volume is mounted with the first use and gone with the last', async (t) => {
  if (!needs(t, 'root')) return;
  const lab = await openLab(t);
  const { provider, service } = lab.storage;
  await service.create(
    { name: 'mem', driver: 'local', labels: {}, options: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=5,noexec' } },
    CALL,
  );
  await provider.reserve(reserveRequest({ name: 'mem', target: '/d' }), CALL);
  await provider.reserve(reserveRequest({ name: 'mem', target: '/d' }, 'volume-1', OTHER), CALL);
  t.strictSame(mountsBelow(lab.directory), [], 'a reservation mounts nothing');
  const { source = '' } = mountOf(await provider.attach(attachRequest(), CALL));
  t.strictSame(mountsBelow(lab.directory), [source]);
  t.equal(statSync(source).uid, 5);
  writeFileSync(join(source, 'file'), 'x');
  t.equal(mountOf(await provider.attach(attachRequest('volume-1', OTHER), CALL)).source, source);
  await provider.detach({ reference: reference() }, CALL);
  t.equal(readFileSync(join(source, 'file'), 'utf8'), 'x', 'the other container has it still');
  await provider.detach({ reference: reference('volume-1', OTHER) }, CALL);
  t.strictSame(mountsBelow(lab.directory), []);
  t.strictSame(readdirSync(source), []);
});

t.test('a bind volume shows a directory of the host, read-only when it says so, and removing it leaves that alone', async (t) => {
  if (!needs(t, 'root')) return;
  const lab = await openLab(t);
  const device = tempDir(t);
  writeFileSync(join(device, 'file'), 'precious');
  const { provider, service } = lab.storage;
  await service.create({ name: 'bnd', driver: 'local', labels: {}, options: { type: 'none', device, o: 'bind,ro' } }, CALL);
  await provider.reserve(reserveRequest({ name: 'bnd', target: '/d' }), CALL);
  const { source = '' } = mountOf(await provider.attach(attachRequest(), CALL));
  t.equal(readFileSync(join(source, 'file'), 'utf8'), 'precious');
  t.throws(() => writeFileSync(join(source, 'new'), 'x'), { code: 'EROFS' });
  await provider.release({ reference: reference(), purge: true }, CALL);
  await service.remove({ name: 'bnd', force: false }, CALL);
  await lab.close();
  t.equal(readFileSync(join(device, 'file'), 'utf8'), 'precious');
});

t.test('a mount that fails says what was tried, and leaves nothing', async (t) => {
  if (!needs(t, 'root')) return;
  const lab = await openLab(t);
  const { provider, service } = lab.storage;
  const path = join(lab.directory, 'volumes/bnd/_data');
  await service.create({ name: 'bnd', driver: 'local', labels: {}, options: { type: 'none', device: '/no/such', o: 'bind' } }, CALL);
  await provider.reserve(reserveRequest({ name: 'bnd', target: '/d' }), CALL);
  t.match(await failure(provider.attach(attachRequest(), CALL)), {
    message: `error while mounting volume '${path}': failed to mount local volume: mount /no/such:${path}, flags: 0x1000: no such file or directory`,
  });
  await service.create({ name: 'mem', driver: 'local', labels: {}, options: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,foo=1' } }, CALL);
  await provider.reserve(reserveRequest({ name: 'mem', target: '/e' }, 'volume-2'), CALL);
  t.match(await failure(provider.attach(attachRequest('volume-2'), CALL)), {
    class: 'invalid_argument',
    message: /data: size=1m,foo=1: invalid argument$/,
  });
  t.strictSame(mountsBelow(lab.directory), []);
  t.strictSame(await provider.detach({ reference: reference() }, CALL), {}, 'no event of a use that never was');
});

t.test('a subpath is mounted by what it is, file or directory, and a link cannot lead out of the volume', async (t) => {
  if (!needs(t, 'root')) return;
  const lab = await openLab(t);
  const { provider } = lab.storage;
  const { mountpoint } = statusOf(await provider.reserve(reserveRequest({ name: 'data', target: '/d', subpath: 'a/b' }), CALL));
  t.match(await failure(provider.attach(attachRequest(), CALL)), {
    class: 'invalid_argument',
    message: 'cannot access path a/b of the volume data: no such file or directory',
  });
  mkdirSync(join(mountpoint, 'a/b'), { recursive: true });
  writeFileSync(join(mountpoint, 'a/b/inside'), 'x');
  const { source = '', copyUp } = mountOf(await provider.attach(attachRequest(), CALL));
  t.equal(copyUp, false);
  t.strictSame(readdirSync(source), ['inside']);
  t.notOk(source.startsWith(mountpoint), 'the path is not one that a container can change');
  renameSync(join(mountpoint, 'a/b'), join(mountpoint, 'a/c'));
  symlinkSync('/etc', join(mountpoint, 'a/b'));
  t.strictSame(readdirSync(source), ['inside'], 'what is bound stays what it was');
  await provider.detach({ reference: reference() }, CALL);
  t.match(await failure(provider.attach(attachRequest(), CALL)), { code: 'VOLUME_SUBPATH_INVALID' }, '/etc is looked for in the volume');
  rmSync(join(mountpoint, 'a/b'));
  writeFileSync(join(mountpoint, 'a/b'), 'a file');
  const file = mountOf(await provider.attach(attachRequest(), CALL));
  t.equal(readFileSync(file.source ?? '', 'utf8'), 'a file');
  await provider.release({ reference: reference(), purge: false }, CALL);
  t.strictSame(mountsBelow(lab.directory), []);
  t.strictSame(readdirSync(join(lab.directory, 'mounts')), []);
});

t.test('a volume whose directory somebody removed says so', async (t) => {
  const lab = await openLab(t);
  const { mountpoint } = statusOf(await lab.storage.provider.reserve(reserveRequest({ name: 'data', target: '/d' }), CALL));
  rmSync(mountpoint, { recursive: true });
  t.match(await failure(lab.storage.provider.attach(attachRequest(), CALL)), { code: 'VOLUME_DATA_MISSING' });
});
