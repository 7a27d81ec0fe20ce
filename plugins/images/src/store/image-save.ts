import { openBlob } from '../archive/blob-reader.ts';
import { type TarFile, textFile, writeTar } from '../archive/tar-writer.ts';
import type { Layer } from '../layer/layer-record.ts';
import { digestHex, digestOf } from './digest.ts';
import type { ImageRecord } from './image-index.ts';
import { findImage, findName, requireImage } from './image-lookup.ts';
import type { ImageStore } from './image-store.ts';
import { canonicalText, familiarText, type ImageReference, parseReference } from './reference.ts';

const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

/** An image with the names that it is saved under. */
interface Chosen {
  readonly record: ImageRecord;
  readonly names: ImageReference[];
}

/** Images to be saved, found before the first byte is sent. */
export interface SavePlan {
  readonly records: readonly ImageRecord[];
  /** An OCI layout that is an archive of `docker save` too. */
  archive(): AsyncGenerator<Uint8Array, void>;
}

/**
 * Layers are written uncompressed, as Docker does: readers of every age take them, and their digests are the diff ids.
 * A name without a tag means all tags of the repository. Errors: IMAGE_NOT_FOUND, IMAGE_REFERENCE_INVALID.
 */
export function planSave(store: ImageStore, texts: readonly string[]): SavePlan {
  const chosen = choose(store, texts);
  return { records: chosen.map(({ record }) => record), archive: () => writeImages(store, chosen) };
}

async function* writeImages(store: ImageStore, chosen: readonly Chosen[]): AsyncGenerator<Uint8Array, void> {
  const lease = store.leases.take();
  try {
    for (const { record } of chosen) for (const digest of [record.id, ...record.chains]) lease.hold(digest);
    yield* writeTar(await describe(store, chosen));
  } finally {
    lease.release();
  }
}

function choose(store: ImageStore, texts: readonly string[]): Chosen[] {
  const chosen = new Map<string, Chosen>();
  const add = (record: ImageRecord, names: readonly ImageReference[]): void => {
    const present = chosen.get(record.id) ?? { record, names: [] };
    const known = new Set(present.names.map(canonicalText));
    present.names.push(...names.filter((name) => name.tag !== undefined && !known.has(canonicalText(name))));
    chosen.set(record.id, present);
  };
  for (const text of texts) {
    const repository = repositoryOf(store, text);
    for (const name of repository) add(requireImage(store.index, canonicalText(name)), [name]);
    if (repository.length > 0) continue;
    const name = findImage(store.index, text) === undefined ? undefined : findName(store.index, text);
    add(requireImage(store.index, text), name === undefined ? [] : [name]);
  }
  return [...chosen.values()];
}

/** All tags of the repository that a text names, when it names no more. */
function repositoryOf(store: ImageStore, text: string): ImageReference[] {
  if (/[:@]/.test(text.slice(text.lastIndexOf('/') + 1)) || /^[0-9a-f]{64}$/.test(text)) return [];
  const { name } = parseReference(text);
  const all = [...store.index.references.keys()].sort().map(parseReference);
  return all.filter((reference) => reference.name === name && reference.digest === undefined);
}

interface Described {
  readonly dockerItem: object;
  readonly descriptors: readonly object[];
  readonly files: readonly TarFile[];
}

async function describe(store: ImageStore, chosen: readonly Chosen[]): Promise<TarFile[]> {
  const described: Described[] = [];
  for (const item of chosen) described.push(await describeImage(store, item));
  const blobs = new Map(described.flatMap(({ files }) => files).map((file) => [file.name, file]));
  const index = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: described.flatMap(({ descriptors }) => descriptors) };
  return [
    ...[...blobs.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    textFile('index.json', JSON.stringify(index)),
    textFile('manifest.json', JSON.stringify(described.map(({ dockerItem }) => dockerItem))),
    textFile('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' })),
  ];
}

async function describeImage(store: ImageStore, { record, names }: Chosen): Promise<Described> {
  const configText = await store.blobs.readDocument(record.id);
  const layers = store.layersOf(record);
  const manifestText = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: record.id, size: Buffer.byteLength(configText) },
    layers: layers.map(layerDescriptor),
  });
  const descriptor = { mediaType: MANIFEST_TYPE, digest: digestOf(manifestText), size: Buffer.byteLength(manifestText) };
  return {
    dockerItem: {
      Config: blobName(record.id),
      RepoTags: names.length === 0 ? null : names.map(familiarText),
      Layers: layers.map((layer) => blobName(layer.diffId)),
      LayerSources: Object.fromEntries(layers.map((layer) => [layer.diffId, layerDescriptor(layer)])),
    },
    descriptors: names.length === 0 ? [descriptor] : names.map((name) => ({ ...descriptor, annotations: annotations(name) })),
    files: [
      textFile(blobName(record.id), configText),
      textFile(blobName(descriptor.digest), manifestText),
      ...layers.map((layer) => layerFile(store, layer)),
    ],
  };
}

function layerDescriptor(layer: Layer): object {
  return { mediaType: LAYER_TYPE, size: layer.archiveBytes, digest: layer.diffId };
}

function layerFile(store: ImageStore, layer: Layer): TarFile {
  return { name: blobName(layer.diffId), sizeBytes: layer.archiveBytes, body: () => openBlob(store.blobs.path(layer.blob)) };
}

function annotations(name: ImageReference): object {
  return { 'io.containerd.image.name': canonicalText(name), 'org.opencontainers.image.ref.name': name.tag };
}

function blobName(digest: `sha256:${string}`): string {
  return `blobs/sha256/${digestHex(digest)}`;
}
