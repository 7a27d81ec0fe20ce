import { join } from 'node:path';
import { tempDir } from '@cleat/harness';
import t from 'tap';
import { digestHex } from '../src/store/digest.ts';
import { ImageFilters } from '../src/store/image-filter.ts';
import { historyOf, listImages } from '../src/store/image-list.ts';
import { layeredImage } from './layered-image.ts';
import { importFile, openTestStore, type TestStore, tar, writeFiles } from './open-test-store.ts';

function names(store: TestStore, filters: Readonly<Record<string, readonly string[]>> = {}): (string | undefined)[] {
  const checked = ImageFilters.forList(new Map(Object.entries(filters)), store.images.index);
  return listImages(store.images, checked, { sharedSize: false }).flatMap(({ tags }) => (tags.length === 0 ? ['<none>'] : [...tags]));
}

t.test('a list shows what the filters accept, newest first', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  const archive = tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'a'), { a: '12345' }));
  await importFile(store, archive, 'one:1', ['LABEL kind=web tier=1']);
  await importFile(store, archive, 'user/two:2', ['LABEL kind=db']);
  await importFile(store, archive, '', ['LABEL kind=none']);
  await store.images.tag('one:1', 'one:again');
  t.strictSame(names(store), ['<none>', 'user/two:2', 'one:1', 'one:again']);
  t.strictSame(names(store, { dangling: ['true'] }), ['<none>']);
  t.strictSame(names(store, { dangling: ['false'] }), ['user/two:2', 'one:1', 'one:again']);
  t.strictSame(names(store, { reference: ['one'] }), ['one:1', 'one:again']);
  t.strictSame(names(store, { reference: ['one:a*', '*/*'] }), ['user/two:2', 'one:again']);
  t.strictSame(names(store, { label: ['kind'] }).length, 4);
  t.strictSame(names(store, { label: ['kind=web', 'tier'] }), ['one:1', 'one:again']);
  t.strictSame(names(store, { before: ['user/two:2'] }), ['one:1', 'one:again']);
  t.strictSame(names(store, { since: ['one:1'] }), ['<none>', 'user/two:2']);
  t.strictSame(names(store, { until: ['1h'] }), []);
  t.throws(() => names(store, { nonsense: ['x'] }), { class: 'invalid_argument', message: "invalid filter 'nonsense'" });
  t.throws(() => names(store, { dangling: ['maybe'] }), { code: 'IMAGE_FILTER_INVALID' });
  t.throws(() => names(store, { before: ['absent'] }), { code: 'IMAGE_NOT_FOUND' });

  const [untagged, two] = listImages(store.images, ImageFilters.forList(new Map(), store.images.index), { sharedSize: true });
  t.match(untagged, { sizeBytes: 5, sharedBytes: 5, containers: 0 });
  const { id, chains } = store.images.resolve('user/two:2');
  await store.roots.reserve({ object: 'x', container: 'x', image: id, chains, mapping: undefined });
  t.equal(two?.containers, 0);
  t.equal(listImages(store.images, ImageFilters.forList(new Map(), store.images.index), { sharedSize: false })[1]?.containers, 1);
});

t.test('an image is found by name, id, prefix of the id and digest', async (t) => {
  const store = await openTestStore(t);
  await layeredImage(t, store, 'found:1');
  const { id } = store.images.resolve('found:1');
  for (const text of [
    id,
    digestHex(id),
    digestHex(id).slice(0, 12),
    digestHex(id).slice(0, 1),
    id.slice(0, 20),
    'docker.io/library/found:1',
  ]) {
    t.equal(store.images.resolve(text).id, id, text);
  }
  for (const text of ['found', 'found:2', 'f'.repeat(64), `sha256:${'f'.repeat(64)}`, `found@sha256:${'f'.repeat(64)}`]) {
    t.throws(() => store.images.resolve(text), { class: 'not_found', code: 'IMAGE_NOT_FOUND' }, text);
  }
  t.throws(() => store.images.resolve('UPPER'), { code: 'IMAGE_REFERENCE_INVALID' });
});

t.test('a history tells the newest step first, with the sizes of the layers', async (t) => {
  const store = await openTestStore(t);
  await layeredImage(t, store, 'h:1');
  const record = store.images.resolve('h:1');
  const config = await store.images.config(record.id);
  const step = { created: '', author: '', comment: '' };
  const history = [
    { ...step, createdBy: 'first', emptyLayer: false },
    { ...step, createdBy: 'label', emptyLayer: true },
    { ...step, createdBy: 'last', emptyLayer: false },
  ];
  const lines = historyOf(store.images, record, { ...config, history });
  const [lower, upper] = store.images.layersOf(record);
  t.strictSame(
    lines.map(({ createdBy, sizeBytes }) => [createdBy, sizeBytes]),
    [
      ['last', upper?.contentBytes],
      ['label', 0],
      ['first', lower?.contentBytes],
    ],
  );
  t.strictSame(
    lines.map(({ id, tags }) => [id, tags.length]),
    [
      [record.id, 1],
      [undefined, 0],
      [undefined, 0],
    ],
  );
});
