import type { ContainerCache } from '../container-cache.ts';
import type { Scope } from '../scope.ts';
import { adapted } from '../versions/adapters.ts';
import { imageSummary } from '../wire/image.ts';
import { type JsonObject, numberAt } from '../wire/json.ts';
import { volumeObject } from '../wire/volume.ts';
import { summariesWithSizes } from './container-size.ts';
import { allImages } from './images.ts';
import { allVolumes } from './volumes.ts';

interface Usage {
  readonly active: number;
  readonly total: number;
  readonly sizeBytes: number;
  readonly reclaimableBytes: number;
  readonly items: readonly JsonObject[];
}

function usageObject(usage: Usage, isVerbose: boolean): JsonObject {
  return {
    ActiveCount: usage.active,
    TotalCount: usage.total,
    Reclaimable: usage.reclaimableBytes,
    TotalSize: usage.sizeBytes,
    ...(isVerbose ? { Items: usage.items } : {}),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + Math.max(0, value), 0);
}

async function imageUsage(scope: Scope): Promise<Usage> {
  const images = await allImages(scope);
  // Layers that several images share count once.
  const own = (image: (typeof images)[number]): number => image.sizeBytes - Math.max(0, image.sharedBytes);
  const used = images.filter((image) => image.containers > 0);
  const shared = Math.max(0, ...images.map((image) => image.sharedBytes));
  return {
    active: used.length,
    total: images.length,
    sizeBytes: sum(images.map(own)) + shared,
    reclaimableBytes: sum(images.filter((image) => image.containers === 0).map(own)),
    // In every version with the true count of containers, which the list of images lacked for long.
    items: images.map(imageSummary),
  };
}

async function containerUsage(scope: Scope, cache: ContainerCache): Promise<Usage> {
  await cache.refresh(scope.principal, scope.call);
  const { summaries } = cache;
  const items = await summariesWithSizes(scope, summaries);
  const isActive = (index: number): boolean => ['running', 'paused', 'restarting'].includes(summaries[index]?.state ?? '');
  const sizes = items.map((item) => numberAt(item, 'SizeRw'));
  return {
    active: sizes.filter((_size, index) => isActive(index)).length,
    total: items.length,
    sizeBytes: sum(sizes),
    reclaimableBytes: sum(sizes.filter((_size, index) => !isActive(index))),
    items: items.map((item) => adapted('container.summary', scope.version, item)),
  };
}

async function volumeUsage(scope: Scope): Promise<Usage> {
  const volumes = await allVolumes(scope);
  return {
    active: volumes.filter((volume) => volume.references > 0).length,
    total: volumes.length,
    sizeBytes: sum(volumes.map((volume) => volume.sizeBytes)),
    reclaimableBytes: sum(volumes.filter((volume) => volume.references === 0).map((volume) => volume.sizeBytes)),
    items: volumes.map((volume) => volumeObject(volume, { withUsage: true })),
  };
}

/** GET /system/df. Builds leave nothing: there are none. */
export async function diskUsage(
  scope: Scope,
  cache: ContainerCache,
  options: { readonly types: readonly string[]; readonly isVerbose: boolean },
): Promise<JsonObject> {
  const isWanted = (type: string): boolean => options.types.length === 0 || options.types.includes(type);
  const [images, containers, volumes] = await Promise.all([
    isWanted('image') ? imageUsage(scope) : undefined,
    isWanted('container') ? containerUsage(scope, cache) : undefined,
    isWanted('volume') ? volumeUsage(scope) : undefined,
  ]);
  const nothing: Usage = { active: 0, total: 0, sizeBytes: 0, reclaimableBytes: 0, items: [] };
  return {
    ...(images === undefined ? {} : { ImageUsage: usageObject(images, options.isVerbose) }),
    ...(containers === undefined ? {} : { ContainerUsage: usageObject(containers, options.isVerbose) }),
    ...(volumes === undefined ? {} : { VolumeUsage: usageObject(volumes, options.isVerbose) }),
    ...(isWanted('build-cache') ? { BuildCacheUsage: usageObject(nothing, options.isVerbose) } : {}),
  };
}
