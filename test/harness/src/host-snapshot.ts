import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './capabilities.ts';
import { isBelow, mountPoints } from './temp-dir.ts';

const CGROUP_ROOT = '/sys/fs/cgroup';
const CGROUP_DEPTH = 8;

/** What belongs to one test, so that another one running at the same time does not look like a leak. */
export interface SnapshotScope {
  /** Directories: mounts and files in them, and processes whose command line names one. */
  readonly dirs: readonly string[];
  /** Names of links, nftables tables, cgroups and network namespaces that belong to the test; by default none. */
  readonly names?: RegExp;
}

/** What of the host a test may leave behind, each as sorted lines that a person can read. */
export interface HostSnapshot {
  readonly mounts: readonly string[];
  readonly files: readonly string[];
  readonly processes: readonly string[];
  readonly links: readonly string[];
  readonly tables: readonly string[];
  readonly cgroups: readonly string[];
  readonly namespaces: readonly string[];
}

/** The host as it is now, as far as the scope goes. */
export function hostSnapshot(scope: SnapshotScope): HostSnapshot {
  const isNamed = (name: string): boolean => scope.names?.test(name) ?? false;
  return {
    mounts: sorted(mountPoints().filter((point) => scope.dirs.some((dir) => isBelow(point, dir)))),
    files: sorted(scope.dirs.flatMap((dir) => listFiles(dir))),
    processes: sorted(listProcesses(scope.dirs)),
    links: sorted(listLinks().filter(isNamed)),
    tables: sorted(listTables().filter(isNamed)),
    cgroups: sorted(listCgroups(CGROUP_ROOT, CGROUP_DEPTH).filter(isNamed)),
    namespaces: sorted(listNames('/run/netns').filter(isNamed)),
  };
}

/** One line for each thing that appeared or went: `+ mounts /run/x/ns`, `- links br0`. Empty when nothing changed. */
export function compareSnapshots(before: HostSnapshot, after: HostSnapshot): readonly string[] {
  const keys = ['mounts', 'namespaces', 'links', 'tables', 'cgroups', 'processes', 'files'] as const;
  return keys.flatMap((key) => {
    const old = new Set(before[key]);
    const now = new Set(after[key]);
    return [
      ...after[key].filter((line) => !old.has(line)).map((line) => `+ ${key} ${line}`),
      ...before[key].filter((line) => !now.has(line)).map((line) => `- ${key} ${line}`),
    ];
  });
}

function listFiles(dir: string): readonly string[] {
  return listNames(dir).flatMap((name) => {
    const path = join(dir, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return stat.isDirectory() ? [`${path}/`, ...listFiles(path)] : [path];
  });
}

function listProcesses(dirs: readonly string[]): readonly string[] {
  return listNames('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const line = readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      return dirs.some((dir) => line.includes(dir)) ? [`${pid} ${line}`] : [];
    });
}

function listLinks(): readonly string[] {
  return listNames('/sys/class/net');
}

function listTables(): readonly string[] {
  const program = findProgram('nft');
  if (program === undefined || process.getuid?.() !== 0) return [];
  const text = execFileSync(program, ['list', 'tables'], { encoding: 'utf8' });
  return text.split('\n').filter((line) => line !== '');
}

function listCgroups(dir: string, depth: number): readonly string[] {
  if (depth === 0 || !existsSync(dir)) return [];
  return listNames(dir).flatMap((name) => {
    const path = join(dir, name);
    // A cgroup may go between the listing and the look at it.
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
    return [path, ...listCgroups(path, depth - 1)];
  });
}

function listNames(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    // It is not there (any more), so nothing is in it.
    return [];
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process has ended since it was listed.
    return '';
  }
}

function sorted(lines: readonly string[]): readonly string[] {
  return [...lines].sort();
}
