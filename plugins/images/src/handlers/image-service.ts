import type { image } from '@cleat/schemas';
import type { ServiceHandlers } from '@cleat/sdk';
import { driverName } from '../roots/root-provider.ts';
import type { Digest } from '../store/digest.ts';
import type { ContainerDefaults, Healthcheck, ImageConfig } from '../store/image-config.ts';
import { type FilterValues, ImageFilters } from '../store/image-filter.ts';
import { planImport } from '../store/image-import.ts';
import { type HistoryLine, historyOf, type ImageSummary, listImages, summarizeImage } from '../store/image-list.ts';
import { pruneImages, type RemovedItem, removeImage } from '../store/image-removal.ts';
import { planSave } from '../store/image-save.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { ImageStreams } from './image-streams.ts';

/** `image@1`: what gateway, CLI and other plugins ask of images. */
export function imageService(store: ImageStore, streams: ImageStreams): ServiceHandlers<'image'> {
  return {
    async list(request) {
      // There are no intermediate images, so `all` changes nothing.
      const filters = ImageFilters.forList(filterValues(request.filters), store.index);
      return { images: listImages(store, filters, request).map(summaryOf) };
    },
    async inspect(request) {
      const record = store.resolve(request.image);
      return infoOf(store, summarizeImage(store, record), await store.config(record.id));
    },
    async history(request) {
      const record = store.resolve(request.image);
      return { entries: historyOf(store, record, await store.config(record.id)).map(historyEntry) };
    },
    async tag(request, call) {
      await store.tag(request.image, request.target, call.actor);
      return {};
    },
    async remove(request, call) {
      // Images have no parents of their own here, so there is nothing that noPrune could keep.
      return { items: (await removeImage(store, request.image, { force: request.force, actor: call.actor })).map(removedItem) };
    },
    async prune(request, call) {
      const filters = ImageFilters.forPrune(filterValues(request.filters), store.index);
      const { items, spaceBytes } = await pruneImages(store, filters, call.actor);
      return { items: items.map(removedItem), spaceBytes };
    },
    import: (request, call) => streams.import(planImport(request), call.actor),
    load: (request, call) => streams.load(request, call.actor),
    save: (request, call) => streams.save(planSave(store, request.images), call.actor),
  };
}

function filterValues(filters: Readonly<Record<string, readonly string[]>>): FilterValues {
  return new Map(Object.entries(filters));
}

/** Unix time in nanoseconds; 0 for a text that is no time. */
function nanoseconds(text: string): bigint {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) return 0n;
  // Date knows milliseconds; the digits after them are added as they stand.
  const digits = /\.(\d{1,9})/.exec(text)?.[1] ?? '';
  return BigInt(Math.floor(milliseconds / 1000)) * 1_000_000_000n + BigInt(digits.padEnd(9, '0'));
}

function summaryOf(summary: ImageSummary): image.SummaryInput {
  return {
    id: summary.record.id,
    repoTags: summary.tags,
    repoDigests: summary.digests,
    createdAt: nanoseconds(summary.record.created),
    sizeBytes: summary.sizeBytes,
    sharedBytes: summary.sharedBytes ?? -1,
    containers: summary.containers,
    labels: Object.fromEntries(summary.record.labels),
  };
}

function infoOf(store: ImageStore, summary: ImageSummary, config: ImageConfig): image.InfoInput {
  const { record } = summary;
  return {
    summary: summaryOf(summary),
    config: configOf(config.defaults),
    comment: config.comment,
    author: config.author,
    architecture: config.architecture,
    variant: config.variant,
    os: config.os,
    osVersion: config.osVersion,
    layers: record.diffIds,
    driver: driverName(store.layers.driver),
    driverData: driverData(store, record.chains),
    taggedAt: nanoseconds(record.taggedAt),
    dockerVersion: config.dockerVersion,
  };
}

function driverData(store: ImageStore, chains: readonly Digest[]): Record<string, string> {
  const paths = chains.map((chain) => store.layers.diffPath(chain)).reverse();
  const [upper, ...lower] = paths;
  if (upper === undefined || store.layers.driver === 'vfs') return {};
  return lower.length === 0 ? { UpperDir: upper } : { LowerDir: lower.join(':'), UpperDir: upper };
}

function configOf(defaults: ContainerDefaults): image.ConfigInput {
  return {
    ...defaults,
    labels: Object.fromEntries(defaults.labels),
    healthcheck: defaults.healthcheck === undefined ? null : healthOf(defaults.healthcheck),
  };
}

function healthOf(check: Healthcheck): image.HealthInput {
  return check;
}

function historyEntry(line: HistoryLine): image.HistoryEntryInput {
  return {
    ...(line.id === undefined ? {} : { id: line.id }),
    createdAt: nanoseconds(line.created),
    createdBy: line.createdBy,
    tags: line.tags,
    sizeBytes: line.sizeBytes,
    comment: line.comment,
  };
}

function removedItem(item: RemovedItem): image.RemoveItemInput {
  return item.type === 'untagged' ? { untagged: item.name } : { deleted: item.digest };
}
