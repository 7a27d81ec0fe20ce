import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { type CgroupLayout, CgroupTree } from '@cleat/core/cgroup';
import { boundingSet } from '@cleat/core/syscalls';
import type { containerTypes } from '@cleat/schemas';

/** What of this host decides how a specification is written. */
export interface HostFacts {
  readonly layout: CgroupLayout;
  /** The capabilities that this process can give. */
  readonly capabilities: readonly string[];
  readonly hasAppArmor: boolean;
  readonly hasSwapLimit: boolean;
  readonly hasBlkioWeight: boolean;
  /** The small init for containers that ask for one. */
  readonly initPath: string | undefined;
}

/** Statically linked ones first: a dynamic one finds no libraries in the container. */
const INIT_PROGRAMS = ['docker-init', 'tini-static', 'catatonit'];
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/libexec/docker'];

/** Reads the facts once; they do not change while the host is up. */
export function readHostFacts(tree: CgroupTree = new CgroupTree()): HostFacts {
  return {
    layout: tree.layout,
    capabilities: boundingSet(),
    hasAppArmor: textOf('/sys/module/apparmor/parameters/enabled').startsWith('Y'),
    hasSwapLimit: hasControl(tree, 'memory', ['memory.memsw.limit_in_bytes'], ['memory.swap.max']),
    hasBlkioWeight: hasControl(tree, 'blkio', ['blkio.weight', 'blkio.bfq.weight'], ['io.weight', 'io.bfq.weight']),
    initPath: INIT_PROGRAMS.map(findProgram).find((path) => path !== undefined),
  };
}

/** Whether cgroups here have one of the files. On v2 the root has no limits of its own, so any cgroup below it is looked at. */
function hasControl(tree: CgroupTree, controller: string, v1: readonly string[], v2: readonly string[]): boolean {
  const isUnified = tree.layout === 'unified';
  const probe = tree.paths('/x').get(isUnified ? 'unified' : controller);
  if (probe === undefined) return false;
  const root = dirname(probe);
  if (!isUnified) return v1.some((file) => existsSync(join(root, file)));
  const below = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return below.some(({ name }) => hasFile(join(root, name), v2)) || hasFileWhenMade(join(root, `cleat-probe-${process.pid}`), v2);
}

function hasFile(directory: string, files: readonly string[]): boolean {
  return files.some((file) => existsSync(join(directory, file)));
}

/** Without systemd there may be no cgroup below the root yet. */
function hasFileWhenMade(directory: string, files: readonly string[]): boolean {
  try {
    mkdirSync(directory);
  } catch {
    // Nothing may be made there, so no container either.
    return false;
  }
  try {
    return hasFile(directory, files);
  } finally {
    rmdirSync(directory);
  }
}

/**
 * The resources without what this host has no means for, with Docker's warning for each: a limit that can't hold is said, never silently dropped.
 */
export function supportedResources(
  resources: containerTypes.Resources,
  host: HostFacts,
): { readonly resources: containerTypes.Resources; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  let result = resources;
  const drop = (isUsed: boolean, isSupported: boolean, change: Partial<containerTypes.Resources>, text: string): void => {
    if (!isUsed || isSupported) return;
    result = { ...result, ...change };
    warnings.push(`Your kernel does not support ${text}`);
  };
  const hasSwap = resources.memorySwapBytes !== 0;
  drop(
    hasSwap,
    host.hasSwapLimit,
    { memorySwapBytes: 0 },
    'swap limit capabilities or the cgroup is not mounted. Memory limited without swap.',
  );
  const isV1 = host.layout !== 'unified';
  const hasSwappiness = resources.memorySwappiness >= 0;
  drop(
    hasSwappiness,
    isV1,
    { memorySwappiness: -1 },
    'memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.',
  );
  drop(resources.oomKillDisable, isV1, { oomKillDisable: false }, 'OomKillDisable. OomKillDisable discarded.');
  drop(
    resources.blkioWeight > 0,
    host.hasBlkioWeight,
    { blkioWeight: 0 },
    'Block I/O weight or the cgroup is not mounted. Weight discarded.',
  );
  return { resources: result, warnings };
}

/** Where a program lies in PATH, also in the sbin folders that PATH may lack. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Missing or not for us: both mean that it cannot be run.
    return false;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A kernel without the feature has no such file.
    return '';
  }
}
