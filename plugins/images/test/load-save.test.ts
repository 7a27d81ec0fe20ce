import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { findProgram, makeLoadTar, tempDir } from '@cleat/harness';
import t from 'tap';
import { digestHex, digestOf } from '../src/store/digest.ts';
import { loadImages } from '../src/store/image-load.ts';
import { removeImage } from '../src/store/image-removal.ts';
import { planSave } from '../src/store/image-save.ts';
import { importFile, openTestStore, type TestStore, tar, writeFiles } from './open-test-store.ts';

async function save(store: TestStore, file: string, ...images: string[]): Promise<string> {
  await pipeline(Readable.from(planSave(store.images, images).archive()), createWriteStream(file));
  return file;
}

function load(store: TestStore, file: string): ReturnType<typeof loadImages> {
  return loadImages(store.images, createReadStream(file));
}

t.test('load takes what docker save wrote and keeps the id', async (t) => {
  const file = join(tempDir(t), 'busybox.tar');
  const id = makeLoadTar(file, { name: 'busybox:1', env: ['A=1'] });
  const store = await openTestStore(t);
  const loaded = await load(store, file);
  t.strictSame(
    loaded.map(({ names }) => names),
    [['busybox:1']],
  );
  t.equal(digestHex(store.images.resolve('busybox:1').id), id.replace('sha256:', ''));
  t.ok(readdirSync(store.images.layers.diffPath(store.images.resolve('busybox:1').chains[0] ?? digestOf(''))).includes('bin'));
  t.strictSame(readdirSync(join(store.directory, 'incoming')), []);
});

t.test('what save writes is loaded again with the same ids and names', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  const first = await importFile(store, tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'a'), { a: 'a' })), 'one:1');
  await store.images.tag('one:1', 'one:2');
  const second = await importFile(
    store,
    tar(join(dir, 'b.tar'), await writeFiles(join(dir, 'b'), { b: 'b' })),
    'registry.example:5000/two',
  );
  const file = await save(store, join(dir, 'out.tar'), 'one', 'registry.example:5000/two:latest');

  const other = await openTestStore(t);
  await load(other, file);
  t.equal(other.images.resolve('one:1').id, first);
  t.equal(other.images.resolve('one:2').id, first);
  t.equal(other.images.resolve('registry.example:5000/two').id, second);
  t.strictSame(await save(other, join(dir, 'again.tar'), 'one', 'registry.example:5000/two'), join(dir, 'again.tar'));
  t.ok(readFileSync(file).equals(readFileSync(join(dir, 'again.tar'))), 'byte by byte');
});

t.test('save writes one image once, and names only those asked for', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  const id = await importFile(store, tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'a'), { a: 'a' })), 'one:1');
  await store.images.tag('one:1', 'one:2');
  const manifest = (file: string): unknown => JSON.parse(execFileSync('tar', ['-xOf', file, 'manifest.json'], { encoding: 'utf8' }));
  t.match(manifest(await save(store, join(dir, 'x.tar'), 'one:2')), [{ RepoTags: ['one:2'] }]);
  t.match(manifest(await save(store, join(dir, 'x.tar'), id)), [{ RepoTags: null }]);
  t.match(manifest(await save(store, join(dir, 'x.tar'), digestHex(id).slice(0, 12), 'one')), [{ RepoTags: ['one:1', 'one:2'] }]);
  t.throws(() => planSave(store.images, ['absent']), { class: 'not_found', message: 'No such image: absent:latest' });
});

t.test('load takes an OCI layout, also with compressed layers, and prefers this host among platforms', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  const layout = join(dir, 'layout');
  const blobs = join(layout, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const put = async (data: Buffer | string): Promise<{ digest: string; size: number }> => {
    const digest = digestOf(data);
    await writeFile(join(blobs, digestHex(digest)), data);
    return { digest, size: data.length };
  };
  const layer = readFileSync(tar(join(dir, 'l.tar'), await writeFiles(join(dir, 'l'), { hello: 'world' })));
  const manifestFor = async (architecture: string) => {
    const config = await put(JSON.stringify({ architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }));
    const packed = await put(execFileSync('gzip', ['-9', '-n', '-c'], { input: layer }));
    const manifest = await put(
      JSON.stringify({
        schemaVersion: 2,
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
        layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...packed }],
      }),
    );
    return { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, platform: { os: 'linux', architecture } };
  };
  const host = { x64: 'amd64' }[process.arch as string] ?? process.arch;
  const inner = await put(JSON.stringify({ schemaVersion: 2, manifests: [await manifestFor('s390y'), await manifestFor(host)] }));
  const name = { 'io.containerd.image.name': 'docker.io/library/multi:v1', 'org.opencontainers.image.ref.name': 'v1' };
  await writeFile(
    join(layout, 'index.json'),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType: 'application/vnd.oci.image.index.v1+json', ...inner, annotations: name }],
    }),
  );
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const file = tar(join(dir, 'oci.tar'), layout);
  await load(store, file);
  const record = store.images.resolve('multi:v1');
  t.equal((await store.images.config(record.id)).architecture, host);
  t.equal(readFileSync(join(store.images.layers.diffPath(record.chains[0] ?? digestOf('')), 'hello'), 'utf8'), 'world');

  // The same with a layer of another content under the right name.
  const [victim] = readdirSync(blobs).filter((entry) =>
    readFileSync(join(blobs, entry))
      .subarray(0, 2)
      .equals(Buffer.from([0x1f, 0x8b])),
  );
  await writeFile(join(blobs, victim ?? ''), execFileSync('gzip', ['-c'], { input: 'something else' }));
  const fresh = await openTestStore(t);
  await t.rejects(load(fresh, tar(file, layout)), { class: 'invalid_argument', code: 'IMAGE_BLOB_DIGEST_MISMATCH' });
  t.strictSame(readdirSync(join(fresh.directory, 'blobs/sha256')), []);
});

t.test('a layer that is not what the configuration says is refused, and nothing stays', async (t) => {
  const dir = tempDir(t);
  const work = join(dir, 'work');
  const layer = tar(join(dir, 'l.tar'), await writeFiles(join(dir, 'l'), { hello: 'world' }));
  await writeFiles(work, {
    'config.json': JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf('other')] } }),
    'manifest.json': JSON.stringify([{ Config: 'config.json', RepoTags: ['bad:1'], Layers: ['layer.tar'] }]),
  });
  await writeFile(join(work, 'layer.tar'), readFileSync(layer));
  const store = await openTestStore(t);
  await t.rejects(load(store, tar(join(dir, 'bad.tar'), work)), { class: 'invalid_argument', code: 'IMAGE_LAYER_DIGEST_MISMATCH' });
  await store.trash.empty();
  for (const name of ['blobs/sha256', 'incoming', 'work', 'layers', 'trash'])
    t.strictSame(readdirSync(join(store.directory, name)), [], name);
  t.equal(store.images.has('bad:1'), false);

  const cases: [string, Record<string, string>][] = [
    ['IMAGE_ARCHIVE_INVALID', { readme: 'no image' }],
    ['IMAGE_ARCHIVE_INVALID', { 'manifest.json': '{' }],
    ['IMAGE_ARCHIVE_INVALID', { 'manifest.json': '[{"Config":"../../etc/passwd","Layers":[]}]' }],
    ['IMAGE_CONFIG_INVALID', { 'manifest.json': '[{"Config":"c.json","Layers":[]}]', 'c.json': '[]' }],
    [
      'IMAGE_PLATFORM_UNSUPPORTED',
      { 'manifest.json': '[{"Config":"c.json","Layers":[]}]', 'c.json': '{"os":"windows","rootfs":{"diff_ids":[]}}' },
    ],
  ];
  for (const [code, files] of cases) {
    rmSync(join(dir, 'case'), { recursive: true, force: true });
    await t.rejects(load(store, tar(join(dir, 'case.tar'), await writeFiles(join(dir, 'case'), files))), { code }, JSON.stringify(files));
  }
});

t.test('layers are shared between images, and stay until the last one goes', async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  const archive = tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'a'), { a: 'a' }));
  await importFile(store, archive, 'one', ['LABEL n=1']);
  await importFile(store, archive, 'two', ['LABEL n=2']);
  t.equal(readdirSync(join(store.directory, 'layers')).length, 1);
  const [first] = [await removeImage(store.images, 'one', { force: false })];
  t.strictSame(
    first.map(({ type }) => type),
    ['untagged', 'deleted'],
  );
  t.equal(readdirSync(join(store.directory, 'layers')).length, 1);
  const second = await removeImage(store.images, 'two', { force: false });
  t.strictSame(
    second.map(({ type }) => type),
    ['untagged', 'deleted', 'deleted'],
  );
  t.strictSame(readdirSync(join(store.directory, 'layers')), []);
  t.strictSame(readdirSync(join(store.directory, 'l')), []);
  t.strictSame(readdirSync(join(store.directory, 'blobs/sha256')), []);
});

t.test('skopeo reads what save writes, and load reads what skopeo writes', { skip: findProgram('skopeo') === undefined }, async (t) => {
  const dir = tempDir(t);
  const store = await openTestStore(t);
  const id = await importFile(store, tar(join(dir, 'a.tar'), await writeFiles(join(dir, 'a'), { a: 'a' })), 'one:1');
  const file = await save(store, join(dir, 'out.tar'), 'one:1');
  const copy = (from: string, to: string): Buffer => execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', from, to]);
  copy(`docker-archive:${file}`, `oci-archive:${join(dir, 'oci.tar')}:example.org/back:1`);
  copy(`docker-archive:${file}:one:1`, `docker-archive:${join(dir, 'docker.tar')}:again:1`);
  const other = await openTestStore(t);
  await load(other, join(dir, 'docker.tar'));
  t.equal(other.images.resolve('again:1').id, id);
  await load(other, join(dir, 'oci.tar'));
  t.strictSame(other.images.resolve('example.org/back:1').diffIds, store.images.resolve(id).diffIds);
});
