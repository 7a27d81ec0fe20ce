import { isCleatError } from '@cleat/schemas';
import type { ContainerCache } from '../container-cache.ts';
import { badRequest } from '../errors.ts';
import { type Filters, matchesLabels, parseFilters } from '../filters.ts';
import type { Scope } from '../scope.ts';
import type { ContainerSummary } from '../wire/container-summary.ts';
import type { JsonObject } from '../wire/json.ts';
import { parseTime } from '../wire/time.ts';

const KNOWN = ['label', 'label!', 'until'] as const;

/** Labels to have, labels not to have, and the oldest that stays: what every prune knows. */
export function pruneTest(
  filters: Filters,
): (item: { readonly labels: Readonly<Record<string, string>>; readonly createdAt: bigint }) => boolean {
  const untils = (filters.get('until') ?? []).map((text) => {
    const time = parseTime(text, Date.now());
    if (time === undefined) throw badRequest(`invalid filter 'until=${text}'`);
    return time;
  });
  if (untils.length > 1) throw badRequest('more than one until filter specified');
  const [until] = untils;
  const without = filters.get('label!') ?? [];
  return (item) =>
    matchesLabels(filters.get('label') ?? [], item.labels) &&
    !without.some((label) => matchesLabels([label], item.labels)) &&
    (until === undefined || item.createdAt < until);
}

const ENDED: ReadonlySet<string> = new Set(['created', 'exited', 'dead']);

/** POST /containers/prune. One that cannot be removed, or runs again, stays and is not named. */
export async function pruneContainers(scope: Scope, text: string | undefined, cache: ContainerCache): Promise<JsonObject> {
  const isWanted = pruneTest(parseFilters(text, KNOWN));
  await cache.refresh(scope.principal, scope.call);
  const ended = cache.summaries.filter((one) => ENDED.has(one.state) && isWanted(one));
  const { bytesIn } = await import('./disk-use.ts');
  const removed: string[] = [];
  let reclaimed = 0;
  for (const one of ended) {
    if (scope.signal.aborted) break;
    const size = one.upperDir === '' ? 0 : await bytesIn(one.upperDir);
    if (!(await remove(scope, one))) continue;
    removed.push(one.id);
    reclaimed += size;
  }
  return { ContainersDeleted: removed.length > 0 ? removed : null, SpaceReclaimed: reclaimed };
}

async function remove(scope: Scope, one: ContainerSummary): Promise<boolean> {
  try {
    await scope.callThrough('container', 'remove', { container: one.id, force: false, purge: false });
    return true;
  } catch (error) {
    if (isCleatError(error) && (error.class === 'conflict' || error.class === 'not_found')) return false;
    throw error;
  }
}
