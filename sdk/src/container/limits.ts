import { CleatError, type containerTypes } from '@cleat/schemas';
import type { HostFacts } from './request.ts';

/** Below this a container's first process does not even start. */
const MINIMUM_MEMORY_BYTES = 6 * 1024 * 1024;
const MINIMUM_CPU_PERIOD_US = 1000;
const MAXIMUM_CPU_PERIOD_US = 1_000_000;
const MINIMUM_CPU_QUOTA_US = 1000;
const MINIMUM_CPU_SHARES = 2;

function refuse(code: string, message: string): never {
  throw new CleatError('invalid_argument', code, message);
}

function checkMemory(limits: containerTypes.ResourcesInput): void {
  const { memoryBytes: memory = 0, memorySwapBytes: swap = 0, memoryReservationBytes: reservation = 0 } = limits;
  if (memory < 0) refuse('MEMORY_NEGATIVE', 'invalid memory limit: it must not be negative');
  if (memory !== 0 && memory < MINIMUM_MEMORY_BYTES) refuse('MEMORY_TOO_SMALL', 'Minimum memory limit allowed is 6MB');
  checkSwap(memory, swap);
  if (reservation !== 0 && reservation < MINIMUM_MEMORY_BYTES) {
    refuse('MEMORY_RESERVATION_TOO_SMALL', 'Minimum memory reservation allowed is 6MB');
  }
  if (memory > 0 && reservation > memory) {
    refuse('MEMORY_RESERVATION_TOO_LARGE', 'Minimum memory limit can not be less than memory reservation limit, see usage');
  }
}

function checkSwap(memory: number, swap: number): void {
  if (swap < -1) refuse('MEMORY_SWAP_NEGATIVE', 'invalid memory+swap limit: it must be -1 or more');
  if (memory > 0 && swap > 0 && swap < memory) {
    refuse('MEMORY_SWAP_TOO_SMALL', 'Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (memory === 0 && swap > 0) {
    refuse('MEMORY_SWAP_ALONE', 'You should always set the Memory limit when using Memoryswap limit, see usage');
  }
}

function checkSwappiness(swappiness: number): void {
  if (swappiness < -1 || swappiness > 100) {
    refuse('MEMORY_SWAPPINESS_INVALID', `Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
}

function checkCpu(limits: containerTypes.ResourcesInput, host: HostFacts): void {
  const period = limits.cpuPeriodUs ?? 0;
  const quota = limits.cpuQuotaUs ?? 0;
  const shares = limits.cpuShares ?? 0;
  if (period !== 0 && (period < MINIMUM_CPU_PERIOD_US || period > MAXIMUM_CPU_PERIOD_US)) {
    refuse('CPU_PERIOD_INVALID', 'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (quota > 0 && quota < MINIMUM_CPU_QUOTA_US) refuse('CPU_QUOTA_TOO_SMALL', 'CPU cfs quota can not be less than 1ms (i.e. 1000)');
  if (shares < 0) refuse('CPU_SHARES_NEGATIVE', `invalid CPU shares (${shares}): value must be a positive integer`);
  if (shares !== 0 && shares < MINIMUM_CPU_SHARES)
    refuse('CPU_SHARES_TOO_SMALL', `invalid CPU shares (${shares}): minimum is ${MINIMUM_CPU_SHARES}`);
  checkCpuSet(limits.cpusetCpus ?? '', host);
}

const SET = /^\d+(-\d+)?(,\d+(-\d+)?)*$/;

function checkCpuSet(set: string, host: HostFacts): void {
  if (set === '') return;
  if (!SET.test(set)) refuse('CPUSET_INVALID', `Invalid value ${set} for cpuset cpus`);
  const highest = Math.max(...set.split(/[,-]/).map(Number));
  if (host.cpus !== undefined && highest >= host.cpus) {
    const available = host.cpus === 1 ? '0' : `0-${host.cpus - 1}`;
    refuse('CPUSET_UNAVAILABLE', `Requested CPUs are not available - requested ${set}, available: ${available}`);
  }
}

/** Refuses limits that can never be set, in the words that Docker's users know. */
export function checkResources(limits: containerTypes.ResourcesInput, host: HostFacts): void {
  checkMemory(limits);
  checkSwappiness(limits.memorySwappiness ?? -1);
  checkCpu(limits, host);
  const mems = limits.cpusetMems ?? '';
  if (mems !== '' && !SET.test(mems)) refuse('CPUSET_INVALID', `Invalid value ${mems} for cpuset mems`);
  const weight = limits.blkioWeight ?? 0;
  if (weight !== 0 && (weight < 10 || weight > 1000)) refuse('BLKIO_WEIGHT_INVALID', 'Range of blkio weight is from 10 to 1000');
}

/** `--cpus` as quota and period. */
export function cpuQuotaOf(cpus: number, host: HostFacts): { readonly cpuPeriodUs: number; readonly cpuQuotaUs: number } {
  if (cpus < 0 || (host.cpus !== undefined && cpus > host.cpus)) {
    const most = host.cpus ?? 0;
    refuse('CPUS_UNAVAILABLE', `range of CPUs is from 0.01 to ${most.toFixed(2)}, as there are only ${most} CPUs available`);
  }
  return { cpuPeriodUs: 100_000, cpuQuotaUs: Math.round(cpus * 100_000) };
}
