import { CleatError } from '@cleat/schemas';

/** Who makes a container's cgroup: the runtime itself, or systemd as a scope. */
export type CgroupDriver = 'cgroupfs' | 'systemd';

export interface CgroupPlace {
  readonly driver: CgroupDriver;
  /** cgroupfs: a path from the root; systemd: a slice. */
  readonly parent: string;
  /** systemd: what the scope's name begins with. */
  readonly prefix: string;
  readonly name: string;
}

/** How the runtime is told the place of a container's cgroup. */
export function cgroupsPathOf({ driver, parent, prefix, name }: CgroupPlace): string {
  if (driver === 'systemd') return `${sliceOf(parent)}:${prefix}:${name}`;
  return `${parent.replace(/\/+$/, '')}/${name}`;
}

/** The same place as a path below each hierarchy. */
export function cgroupDirectoryOf(place: CgroupPlace): string {
  if (place.driver === 'cgroupfs') return cgroupsPathOf(place);
  const words = sliceOf(place.parent).slice(0, -'.slice'.length).split('-');
  // a-b.slice lies in a.slice; -.slice is the root.
  const slices = words.map((_word, index) => `${words.slice(0, index + 1).join('-')}.slice`).filter((name) => name !== '.slice');
  return `/${[...slices, `${place.prefix}-${place.name}.scope`].join('/')}`;
}

function sliceOf(parent: string): string {
  if (/^[^/]+\.slice$/.test(parent)) return parent;
  throw new CleatError(
    'invalid_argument',
    'CGROUP_PARENT_INVALID',
    `cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice", not ${parent}`,
  );
}
