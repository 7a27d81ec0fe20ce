import { join } from 'node:path';
import { type TestContext, tempDir } from '@cleat/harness';
import t from 'tap';
import { digestHex } from '../src/store/digest.ts';
import { ImageFilters } from '../src/store/image-filter.ts';
import { setName } from '../src/store/image-lookup.ts';
import { pruneImages, type RemovedItem, removeImage } from '../src/store/image-removal.ts';
import { parseReference } from '../src/store/reference.ts';
import { importFile, openTestStore, type TestStore, tar, writeFiles } from './open-test-store.ts';

const DIGEST = `sha256:${'d'.repeat(64)}` as const;

async function storeWith(t: TestContext, ...names: string[]): Promise<TestStore> {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  await importFile(store, tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'a'), { a: names.join() })), names[0]);
  for (const name of names.slice(1)) await store.images.tag(names[0] ?? '', name);
  store.events.length = 0;
  return store;
}

async function use(store: TestStore, image: string, id: string): Promise<void> {
  const record = store.images.resolve(image);
  await store.roots.reserve({ object: `${id}/root`, container: id, image: record.id, chains: record.chains, mapping: undefined });
}

function untagged(items: readonly RemovedItem[]): string[] {
  return items.flatMap((item) => (item.type === 'untagged' ? [item.name] : []));
}

t.test('removing one of several names only takes the name', async (t) => {
  const store = await storeWith(t, 'a:1', 'b:1');
  t.strictSame(await removeImage(store.images, 'a:1', { force: false }), [{ type: 'untagged', name: 'a:1' }]);
  t.ok(store.images.has('b:1'));
  t.strictSame(
    store.events.map(({ type }) => type),
    ['image.untagged'],
  );
});

t.test('removing the last name removes the image, its layers and blobs', async (t) => {
  const store = await storeWith(t, 'a:1');
  const record = store.images.resolve('a:1');
  t.strictSame(await removeImage(store.images, 'a:1', { force: false }), [
    { type: 'untagged', name: 'a:1' },
    { type: 'deleted', digest: record.id },
    { type: 'deleted', digest: record.chains[0] },
  ]);
  t.strictSame(
    store.events.map(({ type }) => type),
    ['image.untagged', 'image.deleted'],
  );
  await t.rejects(removeImage(store.images, 'a:1', { force: false }), { class: 'not_found', message: 'No such image: a:1' });
});

t.test('an id with one name goes with it; with names in several repositories only when forced', async (t) => {
  const store = await storeWith(t, 'a:1');
  const id = store.images.resolve('a:1').id;
  t.strictSame(untagged(await removeImage(store.images, digestHex(id).slice(0, 12), { force: false })), ['a:1']);
  const both = await storeWith(t, 'a:1', 'b:1');
  const other = digestHex(both.images.resolve('a:1').id);
  await t.rejects(removeImage(both.images, other, { force: false }), {
    class: 'conflict',
    message: `conflict: unable to delete ${other.slice(0, 12)} (must be forced) - image is referenced in multiple repositories`,
  });
  t.strictSame(untagged(await removeImage(both.images, other, { force: true })), ['a:1', 'b:1']);
  t.equal(both.images.index.images.size, 0);
});

t.test('an image that a stopped container uses goes only when forced', async (t) => {
  const store = await storeWith(t, 'a:1');
  const id = store.images.resolve('a:1').id;
  await use(store, 'a:1', 'c'.repeat(64));
  await t.rejects(removeImage(store.images, 'a:1', { force: false }), {
    class: 'conflict',
    message: `conflict: unable to remove repository reference "a:1" (must force) - container cccccccccccc is using its referenced image ${digestHex(id).slice(0, 12)}`,
  });
  await t.rejects(removeImage(store.images, id, { force: false }), {
    message: `conflict: unable to delete ${digestHex(id).slice(0, 12)} (must be forced) - image is being used by stopped container cccccccccccc`,
  });
  t.ok(store.images.has('a:1'), 'a refusal changes nothing');
  t.strictSame(
    (await removeImage(store.images, 'a:1', { force: true })).map(({ type }) => type),
    ['untagged', 'deleted'],
  );
});

t.test('an image that a running container uses cannot be removed, only its name', async (t) => {
  const store = await storeWith(t, 'a:1');
  const id = store.images.resolve('a:1').id;
  await use(store, 'a:1', 'c'.repeat(64));
  await store.roots.attach(`${'c'.repeat(64)}/root`);
  await t.rejects(removeImage(store.images, id, { force: true }), {
    class: 'conflict',
    message: /\(cannot be forced\) - image is being used by running container cccccccccccc$/,
  });
  t.strictSame(await removeImage(store.images, 'a:1', { force: true }), [{ type: 'untagged', name: 'a:1' }]);
  t.ok(store.images.has(id), 'it stays without a name');
});

t.test('a digest name goes with the last tag of its repository', async (t) => {
  const store = await storeWith(t, 'a:1', 'b:1');
  await store.images.index.change((draft) => setName(draft, store.images.resolve('a:1'), parseReference(`a@${DIGEST}`)));
  t.ok(store.images.has(`a@${DIGEST}`));
  t.ok(store.images.has(`a:whatever@${DIGEST}`), 'beside a digest the tag says nothing');
  t.strictSame(untagged(await removeImage(store.images, 'a:1', { force: false })), ['a:1', `a@${DIGEST}`]);
  t.ok(store.images.has('b:1'));
});

t.test('a name that is also the beginning of an id is taken as a name', async (t) => {
  const store = await storeWith(t, 'x:1');
  const prefix = digestHex(store.images.resolve('x:1').id).slice(0, 8);
  await store.images.tag('x:1', prefix);
  t.strictSame(await removeImage(store.images, prefix, { force: false }), [{ type: 'untagged', name: `${prefix}:latest` }]);
  t.ok(store.images.has(prefix), 'and then as an id');
});

t.test('a name that moves leaves the old image without one', async (t) => {
  const dir = tempDir(t);
  const store = await storeWith(t, 'a:1');
  const old = store.images.resolve('a:1').id;
  await importFile(store, tar(join(dir, 'b.tar'), await writeFiles(join(dir, 'b'), { b: 'b' })), 'a:1');
  t.not(store.images.resolve('a:1').id, old);
  t.ok(store.images.has(old));
  const { items, spaceBytes } = await pruneImages(store.images, ImageFilters.forPrune(new Map(), store.images.index));
  t.strictSame(items[0], { type: 'deleted', digest: old });
  t.equal(spaceBytes, 'a:1'.length);
  t.ok(store.images.has('a:1'), 'what has a name stays');
});

t.test('prune of all takes what nobody uses, by label and age', async (t) => {
  const dir = tempDir(t);
  const store = await storeWith(t, 'used:1');
  await use(store, 'used:1', 'c'.repeat(64));
  await importFile(store, tar(join(dir, 'b.tar'), await writeFiles(join(dir, 'b'), { b: 'b' })), 'b:1', ['LABEL keep=yes']);
  await importFile(store, tar(join(dir, 'd.tar'), await writeFiles(join(dir, 'd'), { d: 'd' })), 'd:1');
  const prune = (filters: Record<string, string[]>) =>
    pruneImages(store.images, ImageFilters.forPrune(new Map(Object.entries(filters)), store.images.index));
  t.strictSame((await prune({})).items, []);
  t.strictSame((await prune({ dangling: ['false'], until: ['24h'] })).items, []);
  t.strictSame(untagged((await prune({ dangling: ['false'], 'label!': ['keep'] })).items), ['d:1']);
  t.strictSame(untagged((await prune({ dangling: ['0'] })).items), ['b:1']);
  t.strictSame([...store.images.index.references.keys()], ['docker.io/library/used:1']);
  await t.rejects(async () => prune({ before: ['x'] }), { class: 'invalid_argument', message: "invalid filter 'before'" });
});
