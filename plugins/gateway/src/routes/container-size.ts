import type { container } from '@cleat/schemas';
import type { ContainerCache } from '../container-cache.ts';
import type { Scope } from '../scope.ts';
import { adapted } from '../versions/adapters.ts';
import { type ContainerSummary, containerSummary, statusText } from '../wire/container-summary.ts';
import type { JsonObject } from '../wire/json.ts';
import { bytesIn } from './disk-use.ts';

/** The writable layer, and that with the image. */
export async function sizesOf(scope: Scope, info: container.Info): Promise<JsonObject> {
  return await sizesOfSummary(containerSummary(info), await imageSizes(scope));
}

async function imageSizes(scope: Scope): Promise<ReadonlyMap<string, number>> {
  const { images } = await scope.call('image', 'list', { all: true });
  return new Map(images.map((image) => [image.id, image.sizeBytes]));
}

async function sizesOfSummary(summary: ContainerSummary, images: ReadonlyMap<string, number>): Promise<JsonObject> {
  const written = summary.upperDir === '' ? 0 : await bytesIn(summary.upperDir);
  return { SizeRw: written, SizeRootFs: written + (images.get(summary.imageId) ?? 0) };
}

/** The list of those that `isWanted` takes, with sizes, as objects of the newest shape. */
export async function summariesWithSizes(scope: Scope, summaries: readonly ContainerSummary[]): Promise<readonly JsonObject[]> {
  const images = await imageSizes(scope);
  const now = BigInt(Date.now()) * 1_000_000n;
  const result: JsonObject[] = [];
  for (const summary of summaries) {
    scope.signal.throwIfAborted();
    result.push({ ...summary.json, Status: statusText(summary, now), ...(await sizesOfSummary(summary, images)) });
  }
  return result;
}

/** GET /containers/json?size=1 */
export async function listWithSizes(
  scope: Scope,
  cache: ContainerCache,
  isWanted: (summary: ContainerSummary) => boolean,
  limit: number,
): Promise<string> {
  const wanted = cache.summaries.filter(isWanted).slice(0, limit > 0 ? limit : undefined);
  const objects = await summariesWithSizes(scope, wanted);
  return `${JSON.stringify(objects.map((one) => adapted('container.summary', scope.version, one)))}\n`;
}
