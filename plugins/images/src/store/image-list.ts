import type { Layer } from '../layer/layer-record.ts';
import type { Digest } from './digest.ts';
import type { ImageConfig } from './image-config.ts';
import { createdAtMs, type ImageFilters } from './image-filter.ts';
import type { ImageRecord } from './image-index.ts';
import { namesOf } from './image-lookup.ts';
import type { ImageStore } from './image-store.ts';
import { familiarText, type ImageReference } from './reference.ts';

export interface ImageSummary {
  readonly record: ImageRecord;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** Bytes of layers that other images have too; undefined when not asked for. */
  readonly sharedBytes: number | undefined;
  readonly containers: number;
}

export interface HistoryLine {
  readonly id: Digest | undefined;
  readonly created: string;
  readonly createdBy: string;
  readonly comment: string;
  readonly tags: readonly string[];
  readonly sizeBytes: number;
}

/** Images that the filters accept, newest first. */
export function listImages(store: ImageStore, filters: ImageFilters, options: { readonly sharedSize: boolean }): ImageSummary[] {
  const owners = options.sharedSize ? countOwners(store) : undefined;
  const listed: ImageSummary[] = [];
  for (const record of store.index.images.values()) {
    const names = filters.listedNames(store.index, record);
    if (names !== undefined) listed.push(summarize(store, record, names, owners));
  }
  return listed.sort((a, b) => createdAtMs(b.record) - createdAtMs(a.record) || (a.record.id < b.record.id ? -1 : 1));
}

/** One image as a list shows it. */
export function summarizeImage(store: ImageStore, record: ImageRecord): ImageSummary {
  return summarize(store, record, namesOf(store.index, record.id), undefined);
}

function summarize(
  store: ImageStore,
  record: ImageRecord,
  names: readonly ImageReference[],
  owners: ReadonlyMap<Digest, number> | undefined,
): ImageSummary {
  const layers = store.layersOf(record);
  const shared = owners && layers.filter((layer) => (owners.get(layer.chain) ?? 0) > 1);
  return {
    record,
    tags: names.filter((name) => name.digest === undefined).map(familiarText),
    digests: names.filter((name) => name.digest !== undefined).map(familiarText),
    sizeBytes: sum(layers),
    sharedBytes: shared && sum(shared),
    containers: store.uses.usersOf(record.id).length,
  };
}

function sum(layers: readonly Layer[]): number {
  return layers.reduce((total, layer) => total + layer.contentBytes, 0);
}

function countOwners(store: ImageStore): Map<Digest, number> {
  const owners = new Map<Digest, number>();
  for (const record of store.index.images.values()) {
    for (const chain of record.chains) owners.set(chain, (owners.get(chain) ?? 0) + 1);
  }
  return owners;
}

/** How an image came to be, newest step first. */
export function historyOf(store: ImageStore, record: ImageRecord, config: ImageConfig): HistoryLine[] {
  const layers = store.layersOf(record);
  let next = 0;
  const lines = config.history.map((item): HistoryLine => {
    // A history may name more layers than there are, when an image was squashed carelessly.
    const sizeBytes = item.emptyLayer ? 0 : (layers[next]?.contentBytes ?? 0);
    if (!item.emptyLayer) next += 1;
    return { id: undefined, created: item.created, createdBy: item.createdBy, comment: item.comment, tags: [], sizeBytes };
  });
  const [newest, ...older] = lines.reverse();
  if (newest === undefined) return [];
  const tags = namesOf(store.index, record.id)
    .filter((name) => name.digest === undefined)
    .map(familiarText);
  return [{ ...newest, id: record.id, tags }, ...older];
}
