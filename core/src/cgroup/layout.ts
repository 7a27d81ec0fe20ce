import { existsSync } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { type MountEntry, mountTable } from '../syscalls/index.ts';

/**
 * How this host's cgroups are mounted: `v1` controllers in hierarchies of their own, `hybrid` the same with a v2 tree beside them (which
 * has none or few controllers), `unified` all in one v2 tree.
 */
export type CgroupLayout = 'v1' | 'hybrid' | 'unified';

export interface CgroupHierarchy {
  /** The v1 controllers in it (`name=systemd` as `systemd`); `['unified']` for the v2 tree. */
  readonly names: readonly string[];
  readonly mountPoint: string;
  readonly isV2: boolean;
}

export interface CgroupHost {
  readonly layout: CgroupLayout;
  readonly hierarchies: readonly CgroupHierarchy[];
  /** systemd is process 1 and owns the tree: cgroups that it should leave alone belong below a delegated unit or slice. */
  readonly isSystemd: boolean;
}

/** Options of the super block that are no controllers. */
const MOUNT_OPTIONS: ReadonlySet<string> = new Set(['rw', 'ro', 'xattr', 'noprefix', 'clone_children', 'cpuset_v2_mode', 'favordynmods']);

function hierarchyOf(entry: MountEntry): CgroupHierarchy | undefined {
  if (entry.fsType === 'cgroup2') return { names: ['unified'], mountPoint: entry.mountPoint, isV2: true };
  if (entry.fsType !== 'cgroup') return undefined;
  const names = entry.superOptions
    .filter((option) => !MOUNT_OPTIONS.has(option) && !option.startsWith('release_agent='))
    .map((option) => option.replace(/^name=/, ''));
  return names.length === 0 ? undefined : { names, mountPoint: entry.mountPoint, isV2: false };
}

/** The hierarchies in a mount table. A hierarchy that is mounted twice counts once, where it was mounted first. */
export function hierarchiesIn(mounts: readonly MountEntry[]): CgroupHierarchy[] {
  const byName = new Map<string, CgroupHierarchy>();
  for (const entry of mounts) {
    const hierarchy = hierarchyOf(entry);
    const key = hierarchy?.names.join(',');
    if (hierarchy !== undefined && key !== undefined && !byName.has(key)) byName.set(key, hierarchy);
  }
  return [...byName.values()];
}

export function layoutOf(hierarchies: readonly CgroupHierarchy[]): CgroupLayout {
  const hasV1 = hierarchies.some((hierarchy) => !hierarchy.isV2);
  if (!hasV1) return 'unified';
  return hierarchies.some((hierarchy) => hierarchy.isV2) ? 'hybrid' : 'v1';
}

/** How cgroups are set up on this host, read from the mount table. */
export function detectCgroups(): CgroupHost {
  const hierarchies = hierarchiesIn(mountTable());
  if (hierarchies.length === 0) {
    throw new CleatError('unavailable', 'CGROUP_NOT_MOUNTED', 'no cgroup file system is mounted', {
      hint: 'Mount cgroup2 at /sys/fs/cgroup, or the cgroup v1 hierarchies below it.',
    });
  }
  return { layout: layoutOf(hierarchies), hierarchies, isSystemd: existsSync('/run/systemd/system') };
}
