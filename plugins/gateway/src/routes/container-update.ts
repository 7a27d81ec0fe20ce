import type { container } from '@cleat/schemas';
import { checkResources, type HostFacts } from '@cleat/sdk/container';
import { badRequest } from '../errors.ts';
import type { Scope } from '../scope.ts';
import { Fields } from '../wire/fields.ts';
import type { JsonObject } from '../wire/json.ts';
import { encodeRemembered, remembered } from '../wire/remembered.ts';
import { resourcesRequest, restartRequest } from '../wire/resources-request.ts';
import { findContainer, onContainer } from './container-lookup.ts';

/** Members of the body that are limits; only those that say something change. */
const LIMITS = [
  'BlkioWeight',
  'CpuShares',
  'CpuPeriod',
  'CpuQuota',
  'CpusetCpus',
  'CpusetMems',
  'Memory',
  'MemorySwap',
  'MemoryReservation',
  'NanoCpus',
  'PidsLimit',
] as const;

/** Zero and empty leave a limit as it is, as in Docker; a limit of pids of zero takes it away. */
function says(name: string, value: unknown): boolean {
  if (name === 'PidsLimit') return typeof value === 'number';
  return value !== undefined && value !== null && value !== 0 && value !== '';
}

/** The limits of now with those of the request, in the words of a create request. */
function mergedHost(info: container.Info, body: Fields): JsonObject {
  const now = info.spec.resources;
  const changes = Object.fromEntries(LIMITS.map((name) => [name, body.raw[name]] as const).filter(([name, value]) => says(name, value)));
  const isByCpus = 'NanoCpus' in changes;
  const hasQuota = 'CpuPeriod' in changes || 'CpuQuota' in changes;
  if (isByCpus && hasQuota) throw badRequest('Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set');
  return {
    Memory: now.memoryBytes,
    // Twice the memory unless it was said otherwise: the default follows a new limit.
    MemorySwap: now.memorySwapBytes === now.memoryBytes * 2 && 'Memory' in changes ? 0 : now.memorySwapBytes,
    MemoryReservation: now.memoryReservationBytes,
    ...(now.memorySwappiness < 0 ? {} : { MemorySwappiness: now.memorySwappiness }),
    OomKillDisable: now.oomKillDisable,
    CpuShares: now.cpuShares,
    ...(isByCpus ? {} : { CpuPeriod: now.cpuPeriodUs, CpuQuota: now.cpuQuotaUs }),
    CpusetCpus: now.cpusetCpus,
    CpusetMems: now.cpusetMems,
    PidsLimit: now.pidsLimit,
    BlkioWeight: now.blkioWeight,
    ...changes,
  };
}

/** What inspect shows as asked for, brought up to date. */
function newClient(info: container.Info, body: Fields): string | null {
  const kept = remembered(info.client);
  if (info.client === '' || Object.keys(kept.config).length === 0) return null;
  const { CpuPeriod: _period, CpuQuota: _quota, ...rest } = kept.host;
  const host = body.integer('NanoCpus') > 0 ? { ...rest, NanoCpus: body.integer('NanoCpus') } : kept.host;
  return encodeRemembered({ ...kept, host });
}

/** POST /containers/{id}/update; gives the warnings. */
export async function updateContainer(scope: Scope, name: string, body: Fields, facts: HostFacts): Promise<readonly string[]> {
  const info = await findContainer(scope, name);
  refuseKernelMemory(body);
  const resources = resourcesRequest(new Fields({ ...body.raw, ...mergedHost(info, body) }, 'UpdateConfig'), facts);
  checkResources(resources, facts);
  const restart = body.object('RestartPolicy').string('Name') === '' ? null : restartRequest(body);
  if (restart !== null && restart.name !== 'no' && info.spec.autoRemove) {
    throw badRequest('Restart policy cannot be updated because AutoRemove is enabled for the container');
  }
  const hasLimits = LIMITS.some((limit) => says(limit, body.raw[limit]));
  const answer = await onContainer(info.id, (container) =>
    scope.callThrough('container', 'update', {
      container,
      resources: hasLimits ? resources : null,
      restart,
      client: hasLimits ? newClient(info, body) : null,
    }),
  );
  return answer.warnings;
}

function refuseKernelMemory(body: Fields): void {
  if (body.integer('KernelMemory') !== 0) throw badRequest('kernel memory limits cannot be updated: Linux has dropped them');
}
