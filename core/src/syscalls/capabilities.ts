import { readFileSync } from 'node:fs';
import { CleatError } from '@cleat/schemas';

/** Every capability of Linux, at the index that is its number. */
export const CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
];

function maskOf(field: string): bigint {
  const digits = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  if (digits === undefined) throw new CleatError('internal', 'CAPABILITIES_UNREADABLE', `/proc/self/status has no ${field}`);
  return BigInt(`0x${digits}`);
}

function namesIn(mask: bigint): string[] {
  return CAPABILITIES.filter((_name, number) => ((mask >> BigInt(number)) & 1n) === 1n);
}

/** The capabilities that this process can give to a child: what is in its bounding set. `--privileged` means these, not all. */
export function boundingSet(): string[] {
  return namesIn(maskOf('CapBnd'));
}

/** The capabilities that this process has in effect. */
export function effectiveSet(): string[] {
  return namesIn(maskOf('CapEff'));
}

/** The number of the newest capability that the running kernel knows; one may be known to it and not to the list above. */
export function lastCapability(): number {
  return Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
}
