import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, tempDir } from '@cleat/harness';
import { digestOf } from '../src/store/digest.ts';
import { loadImages } from '../src/store/image-load.ts';
import { type CraftedEntry, craftTar } from './craft-tar.ts';
import { type TestStore, tar, writeFiles } from './open-test-store.ts';

const DEFAULT_LAYERS: readonly (readonly CraftedEntry[])[] = [
  [
    { name: 'lower', data: 'lower1\n' },
    { name: 'gone', data: 'x' },
    { name: 'dir/old', data: 'x' },
  ],
  [
    { name: 'lower', data: 'lower2\n' },
    { name: '.wh.gone' },
    { name: 'dir/.wh..wh..opq' },
    { name: 'dir/new', data: 'x' },
    { name: 'upper', data: 'upper\n' },
  ],
];

/** Loads an image of several layers, given as the entries of each, lowest first. */
export async function layeredImage(
  t: TestContext,
  store: TestStore,
  name: string,
  layers: readonly (readonly CraftedEntry[])[] = DEFAULT_LAYERS,
): Promise<void> {
  const dir = tempDir(t);
  const work = join(dir, 'image');
  await writeFiles(work, { empty: '' });
  const files = layers.map((entries, i) => craftTar(join(work, `${i}.tar`), entries));
  const diffIds = files.map((file) => digestOf(readFileSync(file)));
  await writeFiles(work, {
    'config.json': JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds } }),
    'manifest.json': JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: layers.map((_, i) => `${i}.tar`) }]),
  });
  await loadImages(store.images, createReadStream(tar(join(dir, 'image.tar'), work)));
}
