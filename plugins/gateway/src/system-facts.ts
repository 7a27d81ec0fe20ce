import { readFileSync } from 'node:fs';
import { type HostFacts, hostFacts } from '@cleat/sdk/container';

/** What `docker info` says of the host. */
export interface SystemFacts {
  readonly cgroupVersion: 1 | 2;
  readonly hasSeccomp: boolean;
  readonly hasAppArmor: boolean;
}

/** Read once: none of it changes while the host is up. */
export function systemFacts(): Required<HostFacts> & SystemFacts {
  return {
    ...hostFacts(),
    hasSeccomp: /^Seccomp:/m.test(read('/proc/self/status')),
    hasAppArmor: read('/sys/module/apparmor/parameters/enabled').trim() === 'Y',
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not on this host.
    return '';
  }
}
