import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@cleat/harness';
import { umount } from '@cleat/sdk/filesystem';
import t from 'tap';
import { attachRequest, BOOT, CALL, held, mountOf, mountsBelow, openLab, reference, reserveRequest, statusOf } from './storage-lab.ts';

const MEM = { type: 'tmpfs', device: 'tmpfs' };

t.test('what is not listed is forgotten, but no volume is removed that nobody asked to remove', async (t) => {
  if (!needs(t, 'root')) return;
  const lab = await openLab(t);
  const { provider, service } = lab.storage;
  const { name } = statusOf(await provider.reserve(reserveRequest({ target: '/a' }), CALL));
  await provider.reserve(reserveRequest({ name: 'mem', target: '/m', options: MEM }, 'volume-2'), CALL);
  await provider.attach(attachRequest('volume-2'), CALL);
  t.equal(mountsBelow(lab.directory).length, 1);
  await lab.restart();
  const answer = await lab.storage.reconciliation.run({ bootId: BOOT, position: 1, held: [], owed: [] }, CALL);
  t.strictSame(answer, { lacks: [], failures: [] });
  t.strictSame(mountsBelow(lab.directory), []);
  t.equal((await lab.storage.service.inspect({ name })).references, 0);
  t.equal((await service.inspect({ name: 'mem' })).references, 1, 'the old store is not the one');
});

t.test('what is owed is settled, with purge where that was asked for', async (t) => {
  const lab = await openLab(t);
  const { provider } = lab.storage;
  const { name } = statusOf(await provider.reserve(reserveRequest({ target: '/a' }), CALL));
  await provider.reserve(reserveRequest({ name: 'data', target: '/m' }, 'volume-2'), CALL);
  await provider.attach(attachRequest('volume-2'), CALL);
  await lab.restart();
  const owed = [
    { reference: reference('volume-1'), operation: 'release', purge: true },
    { reference: reference('volume-2'), operation: 'detach', purge: false },
  ];
  const list = { bootId: BOOT, position: 1, held: [held('volume-2', { name: 'data', target: '/m' })], owed };
  await lab.storage.reconciliation.run(list, CALL);
  await lab.storage.reconciliation.run(list, CALL);
  const { volumes = [] } = await lab.storage.service.list({ filters: {}, sizes: false }, CALL);
  t.strictSame(
    volumes.map((volume) => [volume.name, volume.references]),
    [['data', 1]],
  );
  t.strictSame(
    lab.events.map(({ type, subject }) => `${type} ${subject}`),
    [`volume.created ${name}`, 'volume.created data', `volume.removed ${name}`, 'volume.unmounted data'],
  );
});

t.test('the end of an owed use is told by the next process, when this one is killed before it has told it', async (t) => {
  const told: (readonly [string, string])[] = [];
  let isTaken = true;
  const lab = await openLab(t, {
    publish: async ({ type }, { key }) => {
      if (!isTaken) throw new Error('the process is killed here');
      told.push([type, key]);
    },
  });
  await lab.storage.provider.reserve(reserveRequest({ name: 'data', target: '/m' }), CALL);
  await lab.storage.provider.attach(attachRequest(), CALL);
  isTaken = false;
  const owed = [{ reference: reference(), operation: 'detach', purge: false }];
  const list = { bootId: BOOT, position: 1, held: [held('volume-1', { name: 'data', target: '/m' })], owed };
  await lab.storage.reconciliation.run(list, CALL);
  t.match(lab.warnings.join(), /could not be published yet/);
  await lab.restart();
  isTaken = true;
  // As it was never answered, it is owed as before.
  await lab.storage.reconciliation.run(list, CALL);
  await lab.storage.resume();
  t.strictSame(
    told.map(([type]) => type),
    ['volume.created', 'volume.unmounted'],
  );
  t.ok(told.every(([, key]) => key !== ''));
});

t.test('a use goes on over a restart, and one whose mounts are gone is opened again', async (t) => {
  if (!needs(t, 'root')) return;
  const lab = await openLab(t);
  const options = { name: 'data', target: '/d', subpath: 'sub' };
  const { mountpoint } = statusOf(await lab.storage.provider.reserve(reserveRequest(options), CALL));
  mkdirSync(join(mountpoint, 'sub'));
  writeFileSync(join(mountpoint, 'sub/file'), 'x');
  const { source = '' } = mountOf(await lab.storage.provider.attach(attachRequest(), CALL));
  for (const isLost of [false, true]) {
    if (isLost) umount(source, { lazy: true });
    await lab.restart();
    const list = { bootId: BOOT, position: 1, held: [held('volume-1', options, { attached: true })], owed: [] };
    t.strictSame(await lab.storage.reconciliation.run(list, CALL), { lacks: [], failures: [] });
    t.strictSame(readdirSync(source), ['file']);
    t.strictSame(mountsBelow(lab.directory), [source]);
  }
  t.notOk(
    lab.events.some(({ type }) => type.includes('mounted')),
    'nothing has changed for anybody',
  );
});

t.test('after a reboot uses are void and the next attach begins anew', async (t) => {
  if (!needs(t, 'root')) return;
  const lab = await openLab(t);
  const options = { name: 'mem', target: '/m', options: MEM };
  await lab.storage.provider.reserve(reserveRequest(options), CALL);
  const { source = '' } = mountOf(await lab.storage.provider.attach(attachRequest(), CALL));
  // The reboot takes the mounts along.
  umount(source);
  await lab.restart();
  const bootId = 'another';
  await lab.storage.reconciliation.run({ bootId, position: 1, held: [held('volume-1', options)], owed: [] }, CALL);
  const attach = attachRequest();
  await lab.storage.provider.attach({ ...attach, reference: { ...attach.reference, bootId, number: 1 } }, CALL);
  t.strictSame(mountsBelow(lab.directory), [source]);
});

t.test('a store that was lost is made again from what the kernel lists, with the data that is there', async (t) => {
  const lab = await openLab(t);
  const data = { name: 'data', target: '/d' };
  const gone = { name: 'gone', target: '/g' };
  const status = (await lab.storage.provider.reserve(reserveRequest(data), CALL)).status ?? '';
  writeFileSync(join(statusOf({ status }).mountpoint, 'file'), 'x');
  const lost = (await lab.storage.provider.reserve(reserveRequest(gone, 'volume-2'), CALL)).status ?? '';
  await lab.close();
  rmSync(join(lab.directory, 'journal'), { recursive: true });
  rmSync(join(lab.directory, 'volumes/gone'), { recursive: true });
  await lab.restart();
  const second = held('volume-2', gone, { status: lost });
  const list = { bootId: BOOT, position: 1, held: [held('volume-1', data, { status }), second], owed: [] };
  t.strictSame(await lab.storage.reconciliation.run(list, CALL), { lacks: [second.reference], failures: [] });
  t.match(lab.warnings, [/the volume of a container is lost/]);
  const { source = '' } = mountOf(await lab.storage.provider.attach(attachRequest(), CALL));
  t.strictSame(readdirSync(source), ['file']);
});
