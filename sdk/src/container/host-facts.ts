import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, release } from 'node:os';
import { ALL_CAPABILITIES } from './capabilities.ts';
import type { HostFacts } from './request.ts';

/** What of this host decides how a request becomes a spec; none of it changes while the host is up. */
export function hostFacts(): Required<HostFacts> {
  return {
    capabilities: boundingSet(),
    recursiveReadonly: hasRecursiveReadonly(),
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

/** mount_setattr(2) came with Linux 5.12. */
function hasRecursiveReadonly(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number.parseFloat);
  return major > 5 || (major === 5 && minor >= 12);
}
