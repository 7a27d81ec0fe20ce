import { CAPABILITIES } from '@cleat/core/syscalls';
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
export const ALL_CAPABILITIES: readonly string[] = CAPABILITIES;

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
