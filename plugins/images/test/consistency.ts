import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { digestHex } from '../src/store/digest.ts';
import type { TestStore } from './open-test-store.ts';

const NAMES = ['blobs', 'driver', 'empty', 'incoming', 'l', 'layers', 'mapped', 'roots', 'trash', 'work'];

/** What is wrong with a store that nobody works with: what is missing, and what nothing names. */
export async function inconsistencies(store: TestStore): Promise<string[]> {
  await store.trash.empty();
  const wrong: string[] = [];
  const entries = (name: string): string[] => readdirSync(join(store.directory, name));
  for (const name of ['incoming', 'work', 'trash', 'empty']) wrong.push(...entries(name).map((entry) => `${name} holds ${entry}`));
  // A store in which nothing has happened yet has no index.
  const names = readdirSync(store.directory).filter((name) => name !== 'images.json');
  compare(wrong, 'the store', names, NAMES);
  const { images, roots } = store;
  const layers = new Set([...images.index.chains].concat(roots.objects().flatMap((object) => roots.get(object)?.chains ?? [])));
  compare(wrong, 'layers', entries('layers'), [...layers].map(digestHex));
  const blobs = new Set<string>([...images.index.images.keys()].map(digestHex));
  for (const chain of layers) {
    const layer = images.layers.get(chain);
    if (layer === undefined) wrong.push(`the layer ${chain} is not known`);
    else blobs.add(digestHex(layer.blob));
  }
  compare(wrong, 'blobs', entries('blobs/sha256'), [...blobs]);
  for (const hex of entries('blobs/sha256')) {
    const content = readFileSync(join(store.directory, 'blobs/sha256', hex));
    if (createHash('sha256').update(content).digest('hex') !== hex) wrong.push(`the blob ${hex} has another content`);
  }
  const mapped = entries('mapped').flatMap((mapping) => entries(join('mapped', mapping)).map((hex) => join('mapped', mapping, hex)));
  const wanted = [...mapped, ...entries('layers').map((hex) => join('layers', hex))].map((path) => join('..', path, 'diff'));
  compare(
    wrong,
    'links',
    entries('l').map((name) => readlinkSync(join(store.directory, 'l', name))),
    wanted,
  );
  compare(
    wrong,
    'roots',
    entries('roots'),
    roots.objects().map(() => entries('roots')[0] ?? 'none'),
  );
  for (const root of entries('roots')) compare(wrong, root, entries(join('roots', root)), ['record.json', 'upper', 'work']);
  for (const [name, id] of images.index.references) if (!images.index.images.has(id)) wrong.push(`${name} leads to no image`);
  return wrong;
}

function compare(wrong: string[], what: string, present: readonly string[], wanted: readonly string[]): void {
  wrong.push(...present.filter((name) => !wanted.includes(name)).map((name) => `${what}: ${name} is left over`));
  wrong.push(...wanted.filter((name) => !present.includes(name)).map((name) => `${what}: ${name} is missing`));
}
