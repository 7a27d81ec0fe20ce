import { CleatError } from '@cleat/schemas';

/** What a container has when nothing is said; Docker's list. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

/** capabilities(7), in the order of their numbers. */
export const ALL_CAPABILITIES: readonly string[] = [
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

const EVERY = 'ALL';

/** The name with its prefix, upper case; `ALL` stays. */
function normalised(name: string, field: string): string {
  const upper = name.trim().toUpperCase();
  if (upper === EVERY || upper === 'CAP_ALL') return EVERY;
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (!ALL_CAPABILITIES.includes(full)) {
    throw new CleatError('invalid_argument', 'CAPABILITY_UNKNOWN', `invalid ${field}: unknown capability: "${full}"`);
  }
  return full;
}

export interface CapabilityChanges {
  readonly privileged?: boolean | undefined;
  readonly add?: readonly string[] | undefined;
  readonly drop?: readonly string[] | undefined;
  /** What this node can give; `ALL` means these. */
  readonly available?: readonly string[] | undefined;
}

/** Docker's rules: privileged has all; ALL in one list and names in the other are exceptions from it. */
export function capabilitiesOf(changes: CapabilityChanges): readonly string[] {
  const available = changes.available ?? ALL_CAPABILITIES;
  const add = (changes.add ?? []).map((name) => normalised(name, 'CapAdd'));
  const drop = (changes.drop ?? []).map((name) => normalised(name, 'CapDrop'));
  if (changes.privileged === true) return available;
  if (add.includes(EVERY)) return available.filter((name) => !drop.includes(name));
  const base = drop.includes(EVERY) ? [] : DEFAULT_CAPABILITIES.filter((name) => !drop.includes(name));
  const added = add.filter((name) => !base.includes(name));
  return [...base, ...new Set(added)];
}
