import { posix } from 'node:path';
import { CleatError, type containerTypes } from '@cleat/schemas';
import type { VolumeOptions } from './claims.ts';
import type { ContainerRequest, HostFacts, ImageDefaults, MountRequest } from './request.ts';

/** Docker's defaults for a tmpfs of the user. */
const TMPFS_DEFAULTS = ['noexec', 'nosuid', 'nodev'] as const;

export interface MountPlan {
  readonly mounts: readonly containerTypes.MountInput[];
  readonly volumes: readonly { readonly options: VolumeOptions; readonly fromImage: boolean }[];
}

function bindOf(mount: Extract<MountRequest, { type: 'bind' }>, host: HostFacts): containerTypes.MountInput {
  const reach = host.recursiveReadonly === false || mount.readonlyNonRecursive === true || mount.nonRecursive === true ? 'ro' : 'rro';
  const options = [mount.nonRecursive === true ? 'bind' : 'rbind', mount.propagation || 'rprivate'];
  if (mount.readonly === true) options.push(reach);
  return { type: 'bind', source: mount.source, target: mount.target, options, createSource: mount.createSource ?? false };
}

/** The user's word on exec, suid and dev replaces the default. */
function tmpfsOf(mount: Extract<MountRequest, { type: 'tmpfs' }>): containerTypes.MountInput {
  const given = mount.options ?? [];
  const defaults = TMPFS_DEFAULTS.filter((name) => !given.includes(name) && !given.includes(name.slice(2)));
  return { type: 'tmpfs', source: '', target: mount.target, options: [...defaults, ...given] };
}

function checkedTarget(target: string): string {
  if (!target.startsWith('/')) {
    throw new CleatError('invalid_argument', 'MOUNT_TARGET_RELATIVE', `invalid mount path: '${target}' mount path must be absolute`);
  }
  const clean = posix.normalize(target).replace(/(.)\/$/, '$1');
  if (clean === '/') throw new CleatError('invalid_argument', 'MOUNT_TARGET_ROOT', `invalid mount target: destination can't be '/'`);
  return clean;
}

/** Splits the mounts of a request into those of the spec and those that are claims; volumes of the image fill the places left. */
export function mountsOf(request: ContainerRequest, image: ImageDefaults | undefined, host: HostFacts): MountPlan {
  const mounts: containerTypes.MountInput[] = [];
  const volumes: { options: VolumeOptions; fromImage: boolean }[] = [];
  const targets = new Set<string>();
  for (const mount of request.mounts ?? []) {
    const target = checkedTarget(mount.target);
    if (targets.has(target)) throw new CleatError('invalid_argument', 'MOUNT_TARGET_TWICE', `Duplicate mount point: ${target}`);
    targets.add(target);
    if (mount.type === 'volume') {
      const { type: _type, ...options } = mount;
      volumes.push({ options: { ...options, target }, fromImage: false });
    } else {
      mounts.push(mount.type === 'bind' ? bindOf({ ...mount, target }, host) : tmpfsOf({ ...mount, target }));
    }
  }
  for (const path of image?.config.volumes ?? []) {
    const target = checkedTarget(path);
    if (targets.has(target)) continue;
    targets.add(target);
    volumes.push({ options: { target, anonymous: true }, fromImage: true });
  }
  return { mounts, volumes };
}
