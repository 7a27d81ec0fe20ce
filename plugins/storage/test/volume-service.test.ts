import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { volume } from '@cleat/schemas';
import t from 'tap';
import { CALL, failure, type Lab, openLab, reserveRequest } from './storage-lab.ts';

function request(more: Partial<volume.CreateRequest> = {}): volume.CreateRequest {
  return { name: 'data', driver: 'local', options: {}, labels: {}, ...more };
}

async function names(lab: Lab, filters: Record<string, string[]>): Promise<readonly string[]> {
  const { volumes = [] } = await lab.storage.service.list({ filters, sizes: false }, CALL);
  return volumes.map(({ name }) => name);
}

t.test('create makes a directory and tells of it once; the same name again is the same volume', async (t) => {
  const lab = await openLab(t);
  const info = await lab.storage.service.create(request({ labels: { a: '1' } }), CALL);
  t.equal(info.mountpoint, join(lab.directory, 'volumes/data/_data'));
  const stat = statSync(info.mountpoint ?? '');
  t.equal(stat.mode & 0o7777, 0o755);
  const again = await lab.storage.service.create(request({ labels: { a: '2' } }), CALL);
  t.strictSame(again, info, 'labels of a second create are not taken over');
  t.strictSame(lab.events, [{ type: 'volume.created', subject: 'data', labels: { a: '1' }, properties: { driver: 'local' } }]);
});

t.test('a volume without a name gets one of 64 digits and the mark of an anonymous one', async (t) => {
  const lab = await openLab(t);
  const info = await lab.storage.service.create(request({ name: '' }), CALL);
  t.match(info.name, /^[0-9a-f]{64}$/);
  t.strictSame(info.labels, { 'com.docker.volume.anonymous': '' });
  t.equal(info.anonymous, true);
});

t.test('create refuses bad names, options and drivers in the words that Docker has', async (t) => {
  const lab = await openLab(t);
  const cases: [Partial<volume.CreateRequest>, object][] = [
    [
      { name: 'a' },
      { class: 'invalid_argument', message: 'create a: volume name is too short, names should be at least two alphanumeric characters' },
    ],
    [
      { name: '../x' },
      {
        class: 'invalid_argument',
        message:
          'create ../x: "../x" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
      },
    ],
    [{ name: 'a'.repeat(256) }, { class: 'invalid_argument', code: 'VOLUME_NAME_INVALID' }],
    [{ options: { foo: '1' } }, { class: 'invalid_argument', message: 'create data: invalid option: "foo"' }],
    [{ options: { type: 'tmpfs' } }, { message: 'create data: missing required option: "device"' }],
    [{ options: { device: 'x' } }, { message: 'create data: missing required option: "type"' }],
    [{ options: { o: 'ro' } }, { message: 'create data: missing required option: "device"' }],
    [{ options: { size: '1m' } }, { class: 'unimplemented', message: 'create data: quota size requested but no quota support' }],
    [{ options: { type: 'nfs', device: ':/x', o: 'addr=127.0.0.1' } }, { class: 'unimplemented', code: 'VOLUME_TYPE_UNSUPPORTED' }],
    [{ options: { type: 'none', device: 'relative', o: 'bind' } }, { class: 'invalid_argument' }],
    [{ driver: 'nope' }, { class: 'not_found', message: 'create data: error looking up volume plugin nope: plugin "nope" not found' }],
  ];
  for (const [what, error] of cases) {
    t.match(await failure(lab.storage.service.create(request(what), CALL)), error, JSON.stringify(what));
  }
  t.strictSame(await names(lab, {}), []);
  t.strictSame(readdirSync(join(lab.directory, 'volumes')), []);
  t.strictSame(lab.events, []);
});

t.test('remove deletes the data; one that is not there is an error unless forced', async (t) => {
  const lab = await openLab(t);
  const info = await lab.storage.service.create(request(), CALL);
  writeFileSync(join(info.mountpoint ?? '', 'file'), 'x');
  await lab.storage.service.remove({ name: 'data', force: false }, CALL);
  t.notOk(existsSync(join(lab.directory, 'volumes/data')));
  t.strictSame(
    lab.events.map(({ type }) => type),
    ['volume.created', 'volume.removed'],
  );
  t.match(await failure(lab.storage.service.remove({ name: 'data', force: false }, CALL)), {
    class: 'not_found',
    message: 'get data: no such volume',
  });
  await lab.storage.service.remove({ name: 'data', force: true }, CALL);
  await lab.close();
  t.strictSame(readdirSync(join(lab.directory, 'trash')), [], 'the data is deleted');
});

t.test('remove refuses a volume that a container has, also with force, and names the container', async (t) => {
  const lab = await openLab(t);
  await lab.storage.provider.reserve(reserveRequest({ name: 'data', target: '/d' }), CALL);
  await lab.storage.provider.reserve(reserveRequest({ name: 'data', target: '/e' }, 'volume-2'), CALL);
  for (const force of [false, true]) {
    t.match(await failure(lab.storage.service.remove({ name: 'data', force }, CALL)), {
      class: 'conflict',
      message: `remove data: volume is in use - [${'c'.repeat(64)}]`,
    });
  }
  const info = await lab.storage.service.inspect({ name: 'data' });
  t.equal(info.references, 2);
});

t.test('list filters as Docker does', async (t) => {
  const lab = await openLab(t);
  await lab.storage.service.create(request({ name: 'one', labels: { a: '1', b: '' } }), CALL);
  await lab.storage.service.create(request({ name: 'two', labels: { a: '2' } }), CALL);
  await lab.storage.provider.reserve(reserveRequest({ name: 'three', target: '/d' }), CALL);
  t.strictSame(await names(lab, {}), ['one', 'three', 'two']);
  t.strictSame(await names(lab, { name: ['ne', 'thr'] }), ['one', 'three']);
  t.strictSame(await names(lab, { name: ['^t'] }), ['three', 'two']);
  t.strictSame(await names(lab, { label: ['a'] }), ['one', 'two']);
  t.strictSame(await names(lab, { label: ['a=1', 'b'] }), ['one']);
  t.strictSame(await names(lab, { dangling: ['true'] }), ['one', 'two']);
  t.strictSame(await names(lab, { dangling: ['0'] }), ['three']);
  t.strictSame(await names(lab, { driver: ['local'], name: ['one'] }), ['one']);
  t.strictSame(await names(lab, { driver: ['other'] }), []);
  t.match(await failure(names(lab, { dangling: ['zz'] })), { class: 'invalid_argument', message: "invalid filter 'dangling=[zz]'" });
  t.match(await failure(names(lab, { nope: ['zz'] })), { class: 'invalid_argument', message: "invalid filter 'nope'" });
});

t.test('sizes count every file once, and follow no link out of the volume', async (t) => {
  const lab = await openLab(t);
  const { mountpoint = '' } = await lab.storage.service.create(request(), CALL);
  const { linkSync, mkdirSync, symlinkSync } = await import('node:fs');
  mkdirSync(join(mountpoint, 'dir'));
  writeFileSync(join(mountpoint, 'dir/a'), Buffer.alloc(1000));
  linkSync(join(mountpoint, 'dir/a'), join(mountpoint, 'b'));
  symlinkSync('/usr', join(mountpoint, 'usr'));
  const { volumes = [] } = await lab.storage.service.list({ filters: {}, sizes: true }, CALL);
  t.equal(volumes[0]?.sizeBytes, 1000 + '/usr'.length);
});

t.test('prune removes only unused anonymous volumes, and with all the named ones too, but never one with options', async (t) => {
  const lab = await openLab(t);
  const { service, provider } = lab.storage;
  const anonymous = await service.create(request({ name: '' }), CALL);
  writeFileSync(join(anonymous.mountpoint ?? '', 'file'), Buffer.alloc(500));
  await service.create(request({ name: 'named', labels: { keep: '1' } }), CALL);
  await service.create(request({ name: 'other' }), CALL);
  await service.create(request({ name: 'mem', options: { type: 'tmpfs', device: 'tmpfs' } }), CALL);
  await provider.reserve(reserveRequest({ target: '/used' }), CALL);
  t.strictSame(await service.prune({ filters: {}, all: false }, CALL), { removed: [anonymous.name], spaceBytes: 500 });
  t.strictSame((await service.prune({ filters: { 'label!': ['keep'] }, all: true }, CALL)).removed, ['other']);
  t.strictSame((await service.prune({ filters: { label: ['keep=1'] }, all: true }, CALL)).removed, ['named']);
  t.strictSame((await service.prune({ filters: {}, all: true }, CALL)).removed, []);
  t.match(await failure(service.prune({ filters: { until: ['1h'] }, all: true }, CALL)), { message: "invalid filter 'until'" });
  t.strictSame((await names(lab, {})).length, 2);
});

t.test('volumes, claims and events that were not told survive a restart', async (t) => {
  let isDown = true;
  const told: string[] = [];
  const lab = await openLab(t, {
    publish: (event) => {
      if (isDown) return Promise.reject(new Error('the outbox is full'));
      told.push(`${event.type} ${event.subject}`);
      return Promise.resolve();
    },
  });
  const made = await lab.storage.service.create(request({ labels: { a: '1' } }), CALL);
  await lab.storage.provider.reserve(reserveRequest({ name: 'kept', target: '/d' }), CALL);
  t.match(lab.warnings, [/could not be published/]);
  isDown = false;
  await lab.restart();
  await lab.storage.resume();
  t.strictSame(told, ['volume.created data', 'volume.created kept']);
  await lab.storage.resume();
  t.equal(told.length, 2, 'each once');
  t.strictSame(await lab.storage.service.inspect({ name: 'data' }), made);
  t.match(await failure(lab.storage.service.remove({ name: 'kept', force: false }, CALL)), { code: 'VOLUME_IN_USE' });
});
