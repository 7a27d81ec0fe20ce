import type { containerTypes } from '@cleat/schemas';
import { cpuQuotaOf, type HostFacts } from '@cleat/sdk/container';
import type { FlagValues } from '../command/command.ts';
import { usageError } from '../command/usage-error.ts';
import { parseBytes } from '../output/size.ts';
import type { RUN_OPTIONS } from './run-options.ts';

type RunFlags = FlagValues<typeof RUN_OPTIONS>;

export function sizeFlag(flag: string, text: string | undefined): number {
  if (text === undefined) return 0;
  const bytes = parseBytes(text);
  if (bytes === undefined) throw usageError(`${flag} ${text}: not a size`, 'A number with b, k, m or g: 512m.');
  return bytes;
}

export function integerFlag(flag: string, text: string | undefined, least = 0): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < least) throw usageError(`${flag} ${text}: not a whole number of at least ${least}`);
  return value;
}

/** Limits of --memory and its like. */
export function resourcesOf(flags: RunFlags, host: HostFacts): containerTypes.ResourcesInput {
  const memoryBytes = sizeFlag('--memory', flags.memory);
  return {
    memoryBytes,
    memorySwapBytes: swapOf(flags['memory-swap'], memoryBytes),
    memoryReservationBytes: sizeFlag('--memory-reservation', flags['memory-reservation']),
    cpuShares: integerFlag('--cpu-shares', flags['cpu-shares']) ?? 0,
    cpusetCpus: flags['cpuset-cpus'] ?? '',
    pidsLimit: integerFlag('--pids-limit', flags['pids-limit'], -1) ?? 0,
    ...cpusOf(flags.cpus, host),
  };
}

/** As with Docker: without a word on swap, as much of it as of memory. */
function swapOf(text: string | undefined, memoryBytes: number): number {
  if (text === '-1') return -1;
  return text === undefined ? memoryBytes * 2 : sizeFlag('--memory-swap', text);
}

function cpusOf(text: string | undefined, host: HostFacts): Pick<containerTypes.ResourcesInput, 'cpuPeriodUs' | 'cpuQuotaUs'> {
  if (text === undefined) return {};
  const cpus = Number(text);
  if (text === '' || !Number.isFinite(cpus) || cpus <= 0) throw usageError(`--cpus ${text}: not a number of CPUs`);
  return cpuQuotaOf(cpus, host);
}

const ULIMIT = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/;

export function ulimitsOf(texts: readonly string[]): readonly { readonly name: string; readonly soft: number; readonly hard: number }[] {
  return texts.map((text) => {
    const match = ULIMIT.exec(text);
    if (match === null) throw usageError(`--ulimit ${text}: not NAME=SOFT[:HARD]`);
    const soft = Number(match[2]);
    return { name: match[1] ?? '', soft, hard: match[3] === undefined ? soft : Number(match[3]) };
  });
}

/** "--restart". */
export function restartOf(text: string | undefined): containerTypes.RestartPolicyInput {
  const [name = 'no', most] = (text ?? 'no').split(':');
  if (most === undefined) return { name };
  if (name !== 'on-failure') throw usageError(`--restart ${text ?? ''}: only on-failure takes a number`);
  return { name, maximumRetries: integerFlag('--restart', most) ?? 0 };
}
