import { posix } from 'node:path';
import { uncompressed } from '../archive/peek.ts';
import { type TarEntry, TarReader } from '../archive/tar-reader.ts';
import type { Layer } from '../layer/layer-record.ts';
import { type ArchivedImage, ArchiveFiles, invalidArchive } from './archive-files.ts';
import type { BlobStore, StagedBlob } from './blob-store.ts';
import type { Digest } from './digest.ts';
import { readDockerArchive } from './docker-archive.ts';
import { parseImageConfig } from './image-config.ts';
import type { Actor } from './image-index.ts';
import type { ImageStore } from './image-store.ts';
import type { Lease } from './leases.ts';
import { readOciLayout } from './oci-layout.ts';
import { requireLinux } from './platform.ts';
import { familiarText } from './reference.ts';

export interface LoadedImage {
  readonly id: Digest;
  /** As users see them. */
  readonly names: readonly string[];
}

const ENTRIES_LIMIT = 100_000;

/** Loads the images of an archive of `docker save` or of an OCI layout. What was loaded before an error stays. */
export async function loadImages(store: ImageStore, source: AsyncIterable<Uint8Array>, options: LoadOptions = {}): Promise<LoadedImage[]> {
  const files = new ArchiveFiles();
  try {
    return await store.withLease(async (lease) => {
      await receiveFiles(store.blobs, files, source, options.signal);
      const found = files.get('manifest.json') === undefined ? await readOciLayout(files) : await readDockerArchive(files);
      const loaded: LoadedImage[] = [];
      for (const image of found) {
        const result = await loadImage({ store, lease, options }, image);
        loaded.push(result);
        options.onLoaded?.(result);
      }
      return loaded;
    });
  } finally {
    for (const file of files.all()) await store.blobs.discard(file);
  }
}

export interface LoadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly actor?: Actor | undefined;
  /** A layer that was not there before is unpacked. */
  readonly onLayer?: (layer: Layer) => void;
  readonly onLoaded?: (image: LoadedImage) => void;
}

async function receiveFiles(
  blobs: BlobStore,
  files: ArchiveFiles,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reader = new TarReader(uncompressed(source));
  let entries = 0;
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      entries += 1;
      if (entries > ENTRIES_LIMIT) throw invalidArchive(`it has more than ${ENTRIES_LIMIT} files`);
      await receiveEntry(blobs, files, reader, entry, signal);
    }
  } finally {
    await reader.close();
  }
}

async function receiveEntry(
  blobs: BlobStore,
  files: ArchiveFiles,
  reader: TarReader,
  entry: TarEntry,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (entry.type === 'file') {
    if (entry.sparse !== undefined) throw invalidArchive(`${JSON.stringify(entry.name)} is a sparse file`);
    const replaced = files.get(entry.name);
    files.add(entry.name, await blobs.stage(bodyOf(reader), signal));
    if (replaced !== undefined) await blobs.discard(replaced);
  } else if (entry.type === 'symlink') {
    files.addLink(entry.name, posix.join(posix.dirname(entry.name), entry.linkName));
  } else if (entry.type === 'hardlink') files.addLink(entry.name, entry.linkName);
}

async function* bodyOf(reader: TarReader): AsyncGenerator<Buffer, void> {
  for await (const piece of reader.body()) yield piece.data;
}

/** What one load works with. */
interface Loading {
  readonly store: ImageStore;
  readonly lease: Lease;
  readonly options: LoadOptions;
}

async function loadImage(loading: Loading, image: ArchivedImage): Promise<LoadedImage> {
  const { store, lease, options } = loading;
  const config = parseImageConfig(image.configText);
  requireLinux(config.os);
  if (config.diffIds.length !== image.layers.length) {
    throw invalidArchive(`it has ${image.layers.length} layers where its configuration names ${config.diffIds.length}`);
  }
  let parent: Digest | undefined;
  for (const [i, diffId] of config.diffIds.entries()) {
    const staged = image.layers[i];
    if (staged === undefined) throw invalidArchive('a layer is missing');
    parent = await loadLayer(loading, staged, { parent, diffId });
  }
  const record = await store.add(image.configText, { type: 'image.loaded', names: image.names, actor: options.actor }, lease);
  await store.publish();
  return { id: record.id, names: image.names.map(familiarText) };
}

async function loadLayer(
  { store, lease, options }: Loading,
  staged: StagedBlob,
  place: { parent: Digest | undefined; diffId: Digest },
): Promise<Digest> {
  const known = store.layers.find(place.parent, place.diffId, lease);
  if (known !== undefined) return known.chain;
  lease.hold(staged.digest);
  // Images of one archive may share the file; then an earlier one has made it a blob already.
  await store.blobs.keep(staged);
  const blobPath = store.blobs.path(staged.digest);
  const hold = lease.hold.bind(lease);
  const layer = await store.layers.ensure({ ...place, blob: staged.digest, blobPath, hold }, options.signal);
  options.onLayer?.(layer);
  return layer.chain;
}
