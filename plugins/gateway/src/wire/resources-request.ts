import type { containerTypes } from '@cleat/schemas';
import { cpuQuotaOf, type HostFacts } from '@cleat/sdk/container';
import { badRequest, unsupported } from '../errors.ts';
import type { Fields } from './fields.ts';

/** What there is no way to honour, and so is refused when it says anything. */
const REFUSED: readonly string[] = [
  'BlkioWeightDevice',
  'BlkioDeviceReadBps',
  'BlkioDeviceWriteBps',
  'BlkioDeviceReadIOps',
  'BlkioDeviceWriteIOps',
  'DeviceRequests',
];
const REFUSED_NUMBERS: readonly string[] = [
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'CpuCount',
  'CpuPercent',
  'IOMaximumIOps',
  'IOMaximumBandwidth',
];

function refuseUnsupported(host: Fields): void {
  for (const name of REFUSED) {
    if (host.objects(name).length > 0) throw unsupported(`HostConfig.${name} is not supported`);
  }
  for (const name of REFUSED_NUMBERS) {
    if (host.integer(name) !== 0) throw unsupported(`HostConfig.${name} is not supported`);
  }
}

/** Limits of create and update, whose names are the same. */
export function resourcesRequest(host: Fields, facts: HostFacts): containerTypes.ResourcesInput {
  refuseUnsupported(host);
  const memory = host.integer('Memory');
  const cpus = host.integer('NanoCpus');
  const hasQuota = host.integer('CpuPeriod') !== 0 || host.integer('CpuQuota') !== 0;
  if (cpus !== 0 && hasQuota) throw badRequest('Conflicting options: Nano CPUs and CPU Period cannot both be set.');
  if (cpus !== 0 && facts.cpus !== undefined && cpus > facts.cpus * 1e9) {
    throw badRequest(`range of CPUs is from 0.01 to ${facts.cpus.toFixed(2)}, as there are only ${facts.cpus} CPUs available`);
  }
  const swappiness = host.optionalInteger('MemorySwappiness');
  return {
    memoryBytes: memory,
    // As Docker: without a word on swap, as much of it as of memory.
    memorySwapBytes: host.integer('MemorySwap') === 0 && memory > 0 ? memory * 2 : host.integer('MemorySwap'),
    memoryReservationBytes: host.integer('MemoryReservation'),
    memorySwappiness: swappiness ?? -1,
    oomKillDisable: host.boolean('OomKillDisable'),
    cpuShares: host.integer('CpuShares'),
    ...(cpus === 0 ? { cpuPeriodUs: host.integer('CpuPeriod'), cpuQuotaUs: host.integer('CpuQuota') } : cpuQuotaOf(cpus / 1e9, facts)),
    cpusetCpus: host.string('CpusetCpus'),
    cpusetMems: host.string('CpusetMems'),
    pidsLimit: host.integer('PidsLimit'),
    blkioWeight: host.integer('BlkioWeight'),
  };
}

const POLICIES: ReadonlySet<string> = new Set(['no', 'always', 'on-failure', 'unless-stopped']);

export function restartRequest(host: Fields): containerTypes.RestartPolicyInput {
  const policy = host.object('RestartPolicy');
  const name = policy.string('Name') || 'no';
  const retries = policy.integer('MaximumRetryCount');
  if (!POLICIES.has(name)) {
    throw badRequest(`invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  }
  if (retries < 0) throw badRequest('invalid restart policy: maximum retry count cannot be negative');
  if (retries > 0 && name !== 'on-failure') {
    throw badRequest(`invalid restart policy: maximum retry count can only be used with 'on-failure'`);
  }
  return { name, maximumRetries: retries };
}
