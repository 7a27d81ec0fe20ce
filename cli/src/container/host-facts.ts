import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { ALL_CAPABILITIES, type HostFacts } from '@cleat/sdk/container';

/** What of this host decides how a request becomes a spec. */
export function hostFacts(): HostFacts {
  return {
    capabilities: boundingSet(),
    recursiveReadonly: isKernelAtLeast(5, 12),
    cgroupVersion: existsSync('/sys/fs/cgroup/cgroup.controllers') ? 2 : 1,
    cpus: availableParallelism(),
  };
}

/** The capabilities that a process here can have at all. */
function boundingSet(): readonly string[] {
  const mask = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  if (mask === undefined) return ALL_CAPABILITIES;
  const bits = BigInt(`0x${mask}`);
  return ALL_CAPABILITIES.filter((_name, number) => ((bits >> BigInt(number)) & 1n) === 1n);
}

/** True when the running Linux is of this version or a later one. */
export function isKernelAtLeast(wantedMajor: number, wantedMinor: number): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number.parseFloat);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
