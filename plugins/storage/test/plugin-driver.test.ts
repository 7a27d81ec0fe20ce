import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs, type TestContext, tempDir, waitFor } from '@cleat/harness';
import { CleatError } from '@cleat/schemas';
import t from 'tap';
import { FakeDriver, FakeDrivers } from './fake-drivers.ts';
import {
  attachRequest,
  BOOT,
  CALL,
  failure,
  held,
  type Lab,
  mountOf,
  mountsBelow,
  openLab,
  reference,
  reserveRequest,
  statusOf,
} from './storage-lab.ts';

interface ArrayLab extends Lab {
  readonly array: FakeDriver;
  readonly drivers: FakeDrivers;
}

async function openArray(t: TestContext): Promise<ArrayLab> {
  const array = new FakeDriver(tempDir(t));
  const drivers = new FakeDrivers({ array });
  return Object.assign(await openLab(t, { drivers }), { array, drivers });
}

const VOLUME = { name: 'blue', driver: 'array', options: { size: '1g' }, labels: {} };

t.test('a driver of another plugin makes the volume, mounts it and removes it', async (t) => {
  if (!needs(t, 'root')) return;
  const lab = await openArray(t);
  const { array } = lab;
  const { provider, service } = lab.storage;
  const info = await service.create(VOLUME, CALL);
  t.match(info, { driver: 'array', mountpoint: array.dataOf('blue'), options: { size: '1g' } });
  t.ok(array.calls.includes('reserve blue {"size":"1g"}'), 'with the options of the user alone');
  writeFileSync(join(array.dataOf('blue'), 'file'), 'x');
  t.match(statusOf(await provider.reserve(reserveRequest({ name: 'blue', target: '/d' }), CALL)), {
    name: 'blue',
    mountpoint: array.dataOf('blue'),
  });
  const mount = mountOf(await provider.attach(attachRequest(), CALL));
  t.ok(mount.source?.startsWith(`${lab.directory}/mounts/`), 'below what this plugin may give');
  t.strictSame(mount.options, ['rbind', 'rprivate', 'nosuid']);
  t.equal(readFileSync(join(mount.source ?? '', 'file'), 'utf8'), 'x');
  t.equal(array.uses.length, 1);
  await provider.detach({ reference: reference() }, CALL);
  t.strictSame(array.uses, []);
  await provider.release({ reference: reference(), purge: true }, CALL);
  t.strictSame(array.volumes, ['blue']);
  await service.remove({ name: 'blue', force: false }, CALL);
  t.strictSame(array.volumes, []);
  t.strictSame(mountsBelow(lab.directory), []);
  t.strictSame(
    lab.events.map(({ type }) => type),
    ['volume.created', 'volume.removed'],
  );
});

t.test('what the driver refuses is refused, and nothing is left', async (t) => {
  const lab = await openArray(t);
  lab.array.refusal = new CleatError('invalid_argument', 'ARRAY_SIZE', 'the array has no room for 1g', { plugin: 'array-plugin' });
  t.match(await failure(lab.storage.service.create(VOLUME, CALL)), { code: 'ARRAY_SIZE', plugin: 'array-plugin' });
  lab.array.refusal = undefined;
  t.strictSame((await lab.storage.service.list({ filters: {}, sizes: false }, CALL)).volumes, []);
  t.strictSame(lab.events, []);
  await lab.storage.service.create(VOLUME, CALL);
  lab.array.refusal = new CleatError('conflict', 'ARRAY_BUSY', 'the array is being rebuilt');
  t.match(await failure(lab.storage.service.remove({ name: 'blue', force: false }, CALL)), { code: 'ARRAY_BUSY' });
  t.equal((await lab.storage.service.inspect({ name: 'blue' })).name, 'blue', 'it is there as before');
});

t.test('while the driver is away its volumes are listed, and only they are unavailable', async (t) => {
  if (!needs(t, 'root')) return;
  const lab = await openArray(t);
  const { provider, service } = lab.storage;
  await service.create(VOLUME, CALL);
  await provider.reserve(reserveRequest({ name: 'blue', target: '/d' }), CALL);
  await provider.attach(attachRequest(), CALL);
  lab.array.isAway = true;
  lab.drivers.changed();
  t.match(await service.inspect({ name: 'blue' }), { driver: 'array', references: 1 });
  t.match(await failure(service.create({ ...VOLUME, name: 'red' }, CALL)), { class: 'unavailable' });
  await service.create({ ...VOLUME, name: 'local', driver: 'local', options: {} }, CALL);
  await provider.detach({ reference: reference() }, CALL);
  t.strictSame(mountsBelow(lab.directory), [], 'what is ours is taken away');
  await provider.release({ reference: reference(), purge: true }, CALL);
  t.match(await failure(service.remove({ name: 'blue', force: false }, CALL)), { class: 'unavailable' });
  t.equal(lab.array.uses.length, 1);
  lab.array.isAway = false;
  lab.drivers.changed();
  await waitFor('what it is owed', () => lab.array.uses.length === 0);
  await service.remove({ name: 'blue', force: false }, CALL);
  t.strictSame(lab.array.volumes, []);
});

t.test('with force a volume of a driver that is away is forgotten, and its data removed when it is back', async (t) => {
  const lab = await openArray(t);
  await lab.storage.service.create(VOLUME, CALL);
  lab.array.isAway = true;
  lab.drivers.changed();
  await lab.storage.service.remove({ name: 'blue', force: true }, CALL);
  t.match(await failure(lab.storage.service.inspect({ name: 'blue' })), { class: 'not_found' });
  t.strictSame(lab.array.volumes, ['blue']);
  lab.array.isAway = false;
  lab.drivers.changed();
  await waitFor('the data to go', () => lab.array.volumes.length === 0);
  t.pass();
});

t.test('a driver that answers no bind mount is named, and the attach is taken back', async (t) => {
  const lab = await openArray(t);
  await lab.storage.service.create(VOLUME, CALL);
  await lab.storage.provider.reserve(reserveRequest({ name: 'blue', target: '/d' }), CALL);
  lab.array.answer = ((answer) => async (operation, request) => {
    const given = await answer.call(lab.array, operation, request);
    return operation === 'attach' ? { contribution: { mounts: [] }, status: '', events: [] } : given;
  })(lab.array.answer);
  t.match(await failure(lab.storage.provider.attach(attachRequest(), CALL)), {
    code: 'VOLUME_DRIVER_ANSWER',
    message: /volume driver array/,
  });
  t.strictSame(lab.array.uses, []);
});

t.test('over a restart uses go on, and one that is not listed any more is ended at the driver', async (t) => {
  if (!needs(t, 'root')) return;
  const lab = await openArray(t);
  const options = { name: 'blue', target: '/d' };
  await lab.storage.service.create(VOLUME, CALL);
  await lab.storage.provider.reserve(reserveRequest(options), CALL);
  const { source = '' } = mountOf(await lab.storage.provider.attach(attachRequest(), CALL));
  await lab.restart();
  const all = { bootId: BOOT, position: 1, held: [held('volume-1', options, { attached: true })], owed: [] };
  t.strictSame(await lab.storage.reconciliation.run(all, CALL), { lacks: [], failures: [] });
  t.strictSame(mountsBelow(lab.directory), [source]);
  t.equal(lab.array.uses.length, 1);
  await lab.restart();
  await lab.storage.reconciliation.run({ ...all, held: [] }, CALL);
  await waitFor('the end of the use', () => lab.array.uses.length === 0);
  t.strictSame(mountsBelow(lab.directory), []);
  t.strictSame(readdirSync(join(lab.directory, 'mounts')), []);
  t.strictSame(lab.array.volumes, ['blue']);
});
