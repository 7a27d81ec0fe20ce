import { mkdirSync, rmdirSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { bindMount, errnoOf, mount, umount } from '@cleat/core/syscalls';
import type { providerTypes } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';

/** mount(2) takes one page of options. */
const PAGE_BYTES = 4095;

/** Mounts a root file system as it was described. Mounting again over a mount that is there is the caller's error. */
export function mountRoot(root: providerTypes.Root, target: string): void {
  mkdirSync(target, { recursive: true, mode: 0o711 });
  if (root.type === 'bind') {
    bindMount(root.source, target, { recursive: true });
    return;
  }
  if (root.type !== 'overlay')
    throw new CleatError('unimplemented', 'ROOT_TYPE', `a root file system of the type ${root.type} is not supported`);
  if (root.lower.some((path) => /[:,\\]/.test(path)))
    throw new CleatError('invalid_argument', 'ROOT_PATH', 'a lower directory of an overlay has a character that mount(2) cannot take');
  const data = overlayOptions(root, (path) => path);
  if (Buffer.byteLength(data) <= PAGE_BYTES) mount({ source: 'overlay', target, type: 'overlay', data });
  else mountFromInside(root, target);
}

/** Many layers fit only when their paths are short: relative to the directory that holds them. */
function mountFromInside(root: providerTypes.Root, target: string): void {
  const base = commonParent(root.lower);
  const before = process.cwd();
  process.chdir(base);
  try {
    mount({ source: 'overlay', target, type: 'overlay', data: overlayOptions(root, (path) => relative(base, path) || '.') });
  } finally {
    process.chdir(before);
  }
}

function overlayOptions(root: providerTypes.Root, shorten: (path: string) => string): string {
  const options = [`lowerdir=${root.lower.map(shorten).join(':')}`];
  if (root.upper !== '') options.push(`upperdir=${root.upper}`, `workdir=${root.work}`);
  return [...options, ...root.options].join(',');
}

function commonParent(paths: readonly string[]): string {
  let parent = dirname(paths[0] ?? '/');
  while (!paths.every((path) => path.startsWith(`${parent}/`)) && parent !== '/') parent = dirname(parent);
  return parent;
}

/** Takes the root away; right when it is not there. A process that still looks at it keeps it alive, out of sight. */
export function unmountRoot(target: string): void {
  try {
    while (umount(target, { lazy: true }));
    rmdirSync(target);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
