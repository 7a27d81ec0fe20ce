import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { needs, type TestContext, tempDir } from '@cleat/harness';
import { getXattr } from '@cleat/sdk/filesystem';
import t from 'tap';
import type { IdMapping } from '../src/layer/unpack-job.ts';
import type { RootRecord } from '../src/roots/root-record.ts';
import type { RootMount } from '../src/roots/root-store.ts';
import { LAYERS_LIMIT } from '../src/store/image-config.ts';
import { removeImage } from '../src/store/image-removal.ts';
import { layeredImage } from './layered-image.ts';
import { importFile, openTestStore, type TestStore, tar, writeFiles } from './open-test-store.ts';

const ID = 'c'.repeat(64);
const OBJECT = `${ID}/root`;
const SHIFTED: IdMapping = {
  uids: [{ containerId: 0, hostId: 100_000, size: 65_536 }],
  gids: [{ containerId: 0, hostId: 200_000, size: 65_536 }],
};

function record(store: TestStore, image: string, mapping?: IdMapping): RootRecord {
  const { id, chains } = store.images.resolve(image);
  return { object: OBJECT, container: ID, image: id, chains, mapping };
}

/** Runs a script in a mounted root, in a mount namespace that ends with it. */
function inRoot(t: TestContext, mount: RootMount, script: string): string {
  const target = tempDir(t);
  const what =
    mount.type === 'bind'
      ? ['--bind', mount.source]
      : [
          '-t',
          'overlay',
          'overlay',
          '-o',
          [`lowerdir=${mount.lower.join(':')}`, `upperdir=${mount.upper}`, `workdir=${mount.work}`, ...mount.options].join(','),
        ];
  const program = 'target=$1; script=$2; shift 2; mount "$@" "$target"; cd "$target"; eval "$script"';
  return execFileSync('unshare', ['-m', '--propagation', 'private', 'sh', '-ec', program, 'sh', target, script, ...what], {
    encoding: 'utf8',
  });
}

for (const driver of ['overlay', 'vfs'] as const) {
  t.test(`${driver}: a root shows the layers over each other and keeps what is written`, async (t) => {
    needs(t, 'root', 'overlayfs');
    const store = await openTestStore(t, { driver });
    await layeredImage(t, store, 'layered:1');
    await store.roots.reserve(record(store, 'layered:1'));
    const mount = await store.roots.attach(OBJECT);
    t.equal(mount.type, driver === 'overlay' ? 'overlay' : 'bind');
    t.equal(inRoot(t, mount, 'cat upper lower; ls -A dir; ls -A'), 'upper\nlower2\nnew\ndir\nlower\nupper\n');
    inRoot(t, mount, 'rm upper; echo written > lower; mkdir made');
    t.equal(inRoot(t, await store.roots.attach(OBJECT), 'cat lower; ls -A'), 'written\ndir\nlower\nmade\n');
    await store.roots.release(OBJECT);
    await store.trash.empty();
    t.strictSame(readdirSync(join(store.directory, 'roots')), []);
    await store.roots.reserve(record(store, 'layered:1'));
    t.equal(inRoot(t, await store.roots.attach(OBJECT), 'cat upper lower'), 'upper\nlower2\n', 'the image is as it was');
  });

  t.test(`${driver}: the root directory has the owner and mode that the image says`, async (t) => {
    needs(t, 'root', 'overlayfs');
    const dir = tempDir(t);
    const tree = await writeFiles(join(dir, 'tree'), { file: 'x' });
    execFileSync('sh', ['-ec', 'chmod 1751 .; chown 12:34 .'], { cwd: tree });
    const store = await openTestStore(t, { driver });
    await importFile(store, tar(join(dir, 'a.tar'), tree), 'image');
    await store.roots.reserve(record(store, 'image'));
    t.equal(inRoot(t, await store.roots.attach(OBJECT), 'stat -c "%a %u %g" .'), '1751 12 34\n');
  });

  t.test(`${driver}: with an id mapping every file belongs to the shifted ids`, async (t) => {
    needs(t, 'root', 'overlayfs');
    const dir = tempDir(t);
    const tree = await writeFiles(join(dir, 'tree'), { owned: 'x', cap: 'x', suid: 'x' });
    execFileSync(
      'sh',
      [
        '-ec',
        'chown 5:6 owned; ln owned linked; chown 7:7 suid; chmod 6755 suid; setcap cap_net_raw+ep cap; mknod null c 1 3; ln -s owned link',
      ],
      { cwd: tree },
    );
    const store = await openTestStore(t, { driver });
    await importFile(store, tar(join(dir, 'a.tar'), tree, '--xattrs', '--xattrs-include=*'), 'image');
    await store.roots.reserve(record(store, 'image', SHIFTED));
    const mount = await store.roots.attach(OBJECT);
    const listing = inRoot(t, mount, 'stat -c "%n %u %g %a" .; stat -c "%n %u %g %a %h" cap link linked null owned suid');
    t.equal(
      listing,
      '. 100000 200000 755\ncap 100000 200000 644 1\nlink 100000 200000 777 1\nlinked 100005 200006 644 2\nnull 100000 200000 644 1\nowned 100005 200006 644 2\nsuid 100007 200007 6755 1\n',
    );
    const shifted = mount.type === 'bind' ? mount.source : (mount.lower[0] ?? '');
    const capability = getXattr(join(shifted, 'cap'), 'security.capability');
    t.equal(capability?.length, 24, 'the capabilities are of the user namespace');
    t.equal(capability?.readUInt32LE(20), 100_000);
    const small = { uids: [{ containerId: 0, hostId: 1, size: 2 }], gids: [{ containerId: 0, hostId: 1, size: 2 }] };
    await t.rejects(store.roots.reserve({ ...record(store, 'image', small), object: 'other' }), {
      class: 'invalid_argument',
      code: 'IMAGE_LAYER_ID_NOT_MAPPED',
    });
  });

  t.test(`${driver}: an image without layers gives an empty root`, async (t) => {
    needs(t, 'root', 'overlayfs');
    const store = await openTestStore(t, { driver });
    const lease = store.images.leases.take();
    const { id } = await store.images.add(
      '{"os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
      { type: 'image.loaded', names: [], actor: undefined },
      lease,
    );
    lease.release();
    await store.roots.reserve(record(store, id));
    t.equal(inRoot(t, await store.roots.attach(OBJECT), 'ls -A; echo x > file; stat -c %a .'), '755\n');
  });
}

t.test('shifted copies of a layer are made once and go with the layer', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  await importFile(store, tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'tree'), { file: 'x' })), 'image');
  const first = await store.images.layers.lowerPaths(store.images.resolve('image').chains, SHIFTED);
  const again = await Promise.all([1, 2].map(() => store.images.layers.lowerPaths(store.images.resolve('image').chains, { ...SHIFTED })));
  t.strictSame(again, [first, first]);
  const reopened = await openTestStore(t, { directory: store.directory });
  t.strictSame(await reopened.images.layers.lowerPaths(reopened.images.resolve('image').chains, SHIFTED), first);
  await removeImage(reopened.images, 'image', { force: false });
  await reopened.trash.empty();
  t.strictSame(readdirSync(join(store.directory, 'l')), []);
  t.strictSame(
    readdirSync(join(store.directory, 'mapped')).flatMap((name) => readdirSync(join(store.directory, 'mapped', name))),
    [],
  );
});

t.test('a reserved root is found again after a restart, and a half-made one is thrown away', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  await importFile(store, tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'tree'), { file: 'x' })), 'image');
  await store.roots.reserve(record(store, 'image'));
  const upper = join(store.directory, 'roots', ID, 'upper', 'mine');
  writeFileSync(upper, 'kept');
  mkdirSync(join(store.directory, 'roots', 'half', 'upper'), { recursive: true });
  mkdirSync(join(store.directory, 'roots', 'torn'));
  writeFileSync(join(store.directory, 'roots', 'torn', 'record.json'), '');
  const reopened = await openTestStore(t, { directory: store.directory });
  t.strictSame(reopened.roots.objects(), [OBJECT]);
  t.strictSame(reopened.roots.get(OBJECT), record(store, 'image'));
  await reopened.roots.reserve(record(reopened, 'image'));
  t.equal(readFileSync(upper, 'utf8'), 'kept', 'a repeated reserve changes nothing');
  await reopened.trash.empty();
  t.strictSame(readdirSync(join(store.directory, 'roots')), [ID]);
});

t.test('layers of a removed image stay as long as a container stands on them', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  await importFile(store, tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'tree'), { file: 'x' })), 'image');
  await store.roots.reserve(record(store, 'image'));
  await removeImage(store.images, 'image', { force: true });
  t.equal(store.images.has('image'), false);
  t.equal(inRoot(t, await store.roots.attach(OBJECT), 'cat file'), 'x');
  const reopened = await openTestStore(t, { directory: store.directory });
  t.equal(inRoot(t, await reopened.roots.attach(OBJECT), 'cat file'), 'x');
  await reopened.roots.release(OBJECT);
  await reopened.images.collect();
  t.strictSame(readdirSync(join(store.directory, 'layers')), []);
});

t.test('many layers are mounted in their order, by names short enough for the most there may be', async (t) => {
  needs(t, 'root', 'overlayfs');
  const store = await openTestStore(t);
  const layers = Array.from({ length: 20 }, (_, i) => [
    { name: `file${i}`, data: `${i}\n` },
    { name: 'last', data: `${i}\n` },
  ]);
  await layeredImage(t, store, 'deep:1', layers);
  await store.roots.reserve(record(store, 'deep:1'));
  const mount = await store.roots.attach(OBJECT);
  t.equal(inRoot(t, mount, 'ls | wc -l; cat file0 file19 last'), '21\n0\n19\n19\n');
  // The kernel gives mount(2) paths relative to the directory that holds the names.
  const longest = mount.type === 'overlay' ? Math.max(...mount.lower.map((path) => basename(path).length)) : 99;
  t.ok(LAYERS_LIMIT * (longest + 2) < 1024, `${longest} characters a layer`);
});

t.test('a store is opened only with the driver that it was made with', async (t) => {
  const store = await openTestStore(t, { driver: 'vfs' });
  await t.rejects(openTestStore(t, { directory: store.directory, driver: 'overlay' }), { class: 'conflict', code: 'IMAGE_DRIVER_CHANGED' });
  rmSync(join(store.directory, 'driver'));
  t.equal(statSync(store.directory).mode & 0o777, 0o700);
});
