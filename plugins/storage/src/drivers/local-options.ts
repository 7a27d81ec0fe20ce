import { isAbsolute } from 'node:path';
import { CleatError } from '@cleat/schemas';

/** What is mounted at a local volume that has options. */
export interface LocalMount {
  readonly device: string;
  /** Empty for a bind. */
  readonly type: string;
  readonly flags: number;
  /** Flags that only a further call sets: read-only binds, propagation. */
  readonly laterFlags: readonly number[];
  /** Options of the file system. */
  readonly data: string;
}

const KNOWN: ReadonlySet<string> = new Set(['type', 'o', 'device', 'size']);
/** An option, and what must be there with it. */
const NEEDS: readonly (readonly [string, readonly string[]])[] = [
  ['device', ['type']],
  ['type', ['device']],
  ['o', ['device', 'type']],
];

/** A mount of these may wait for a server for minutes, and mount(2) holds up the whole process meanwhile. */
const NETWORK_TYPES: ReadonlySet<string> = new Set(['nfs', 'nfs4', 'cifs', 'smb3', 'smbfs', '9p', 'ceph', 'glusterfs', 'afs', 'lustre']);

const MS_RDONLY = 0x1;
const MS_REMOUNT = 0x20;
const MS_BIND = 0x1000;
const MS_REC = 0x4000;

type Flag = { readonly set: number } | { readonly clear: number };

/** mount(8) words that are flags of mount(2). */
const FLAGS: ReadonlyMap<string, Flag> = new Map<string, Flag>([
  ['defaults', { set: 0 }],
  ['ro', { set: MS_RDONLY }],
  ['rw', { clear: MS_RDONLY }],
  ['nosuid', { set: 0x2 }],
  ['suid', { clear: 0x2 }],
  ['nodev', { set: 0x4 }],
  ['dev', { clear: 0x4 }],
  ['noexec', { set: 0x8 }],
  ['exec', { clear: 0x8 }],
  ['sync', { set: 0x10 }],
  ['async', { clear: 0x10 }],
  ['mand', { set: 0x40 }],
  ['nomand', { clear: 0x40 }],
  ['dirsync', { set: 0x80 }],
  ['noatime', { set: 0x400 }],
  ['atime', { clear: 0x400 }],
  ['nodiratime', { set: 0x800 }],
  ['diratime', { clear: 0x800 }],
  ['bind', { set: MS_BIND }],
  ['rbind', { set: MS_BIND | MS_REC }],
  ['relatime', { set: 0x200000 }],
  ['norelatime', { clear: 0x200000 }],
  ['strictatime', { set: 0x1000000 }],
  ['nostrictatime', { clear: 0x1000000 }],
]);

const PROPAGATION_FLAGS: ReadonlyMap<string, number> = new Map([
  ['unbindable', 0x20000],
  ['runbindable', 0x20000 | MS_REC],
  ['private', 0x40000],
  ['rprivate', 0x40000 | MS_REC],
  ['slave', 0x80000],
  ['rslave', 0x80000 | MS_REC],
  ['shared', 0x100000],
  ['rshared', 0x100000 | MS_REC],
]);

/**
 * What the options of a local volume ask for; undefined when it is a plain directory.
 *
 * @throws CleatError `invalid_argument` VOLUME_OPTION_INVALID in Docker's words; `unimplemented` VOLUME_OPTION_UNSUPPORTED.
 */
export function parseLocalOptions(options: Readonly<Record<string, string>>): LocalMount | undefined {
  const unknown = Object.keys(options).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw invalid(`invalid option: ${JSON.stringify(unknown)}`);
  if ('size' in options) {
    throw new CleatError('unimplemented', 'VOLUME_OPTION_UNSUPPORTED', 'quota size requested but no quota support', {
      hint: 'A limit needs project quotas of the file system, which the driver local does not use; a tmpfs takes o=size=... instead.',
    });
  }
  for (const [name, others] of NEEDS) {
    const missing = name in options ? others.find((other) => !(other in options)) : undefined;
    if (missing !== undefined) throw invalid(`missing required option: ${JSON.stringify(missing)}`);
  }
  const { device = '', type = '', o = '' } = options;
  return device === '' ? undefined : mountOf(device, type, o);
}

function mountOf(device: string, type: string, words: string): LocalMount {
  if (NETWORK_TYPES.has(type) || type.startsWith('fuse')) {
    throw new CleatError('unimplemented', 'VOLUME_TYPE_UNSUPPORTED', `the driver local does not mount file systems of the type ${type}`, {
      hint: 'A server that does not answer would hold up every other volume. Mount it on the host and use a volume with type=none, o=bind and its path as device.',
    });
  }
  let flags = 0;
  const later: number[] = [];
  const data: string[] = [];
  for (const word of words.split(',').filter((text) => text !== '')) {
    const flag = FLAGS.get(word);
    const propagation = PROPAGATION_FLAGS.get(word);
    if (flag !== undefined) flags = 'set' in flag ? flags | flag.set : flags & ~flag.clear;
    else if (propagation !== undefined) later.push(propagation);
    else data.push(word);
  }
  const isBind = (flags & MS_BIND) !== 0;
  if (isBind && !isAbsolute(device)) throw invalid(`the device ${JSON.stringify(device)} of a bind is not an absolute path`);
  if (isBind && data.length > 0) throw invalid(`invalid mount option for a bind: ${data.join(',')}`);
  // The first call of a bind takes no flags but how deep it reaches; a second one sets them.
  const extra = flags & ~(MS_BIND | MS_REC);
  const remount = isBind && extra !== 0 ? [MS_REMOUNT | MS_BIND | extra] : [];
  return {
    device,
    type: isBind ? '' : type,
    flags: isBind ? flags & (MS_BIND | MS_REC) : flags,
    laterFlags: [...remount, ...later],
    data: data.join(','),
  };
}

function invalid(message: string): CleatError {
  return new CleatError('invalid_argument', 'VOLUME_OPTION_INVALID', message);
}
