import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { ALL_CAPABILITIES, type HostFacts } from '@cleat/sdk/container';
import type { SystemFacts } from './routes/system-info.ts';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not on this host.
    return '';
  }
}

/** The capabilities that a process here can have at all. */
function boundingSet(): readonly string[] {
  const mask = /^CapBnd:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status'))?.[1];
  if (mask === undefined) return ALL_CAPABILITIES;
  const bits = BigInt(`0x${mask}`);
  return ALL_CAPABILITIES.filter((_name, number) => ((bits >> BigInt(number)) & 1n) === 1n);
}

/** mount_setattr(2) came with Linux 5.12. */
function hasRecursiveReadonly(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 12);
}

/** What of this host decides about requests, read once: none of it changes while it is up. */
export function hostFacts(): HostFacts & SystemFacts {
  return {
    capabilities: boundingSet(),
    recursiveReadonly: hasRecursiveReadonly(),
    cgroupVersion: existsSync('/sys/fs/cgroup/cgroup.controllers') ? 2 : 1,
    hasSeccomp: /^Seccomp:/m.test(read('/proc/self/status')),
    hasAppArmor: read('/sys/module/apparmor/parameters/enabled').trim() === 'Y',
  };
}
