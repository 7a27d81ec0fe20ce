import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, fromNodeError } from '../syscalls/index.ts';

// One directory of one hierarchy. cgroup files are kernel memory: each call is a few microseconds, so all of it is synchronous.

/** Runs a call; undefined when it fails in one of the expected ways. */
export function unlessFailing<T>(subject: string, expected: readonly string[], call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined && expected.includes(errno)) return undefined;
    throw fromNodeError(error, subject);
  }
}

/** A cgroup that ends while it is read gives ENODEV. */
const GONE = ['ENOENT', 'ENODEV'];

/** The content of a file of a cgroup; undefined when it, or the cgroup, is not there. */
export function readControl(directory: string, file: string): string | undefined {
  const path = `${directory}/${file}`;
  return unlessFailing(path, GONE, () => readFileSync(path, 'utf8'));
}

export function writeControl(directory: string, file: string, value: string): void {
  const path = `${directory}/${file}`;
  try {
    // Without O_CREAT or O_TRUNC, which some of these files refuse.
    writeFileSync(path, value, { flag: 'r+' });
  } catch (error) {
    throw fromNodeError(error, path);
  }
}

/** The number behind a key in a file of `key number` lines. */
export function keyedNumber(text: string | undefined, key: string): number | undefined {
  for (const line of text?.split('\n') ?? []) {
    const [name, value] = line.split(' ');
    if (name === key && value !== undefined) return Number(value);
  }
  return undefined;
}

/** The directory and all cgroups below it, deepest first. Empty when it is not there. */
export function subtree(directory: string): string[] {
  const entries = unlessFailing(directory, GONE, () => readdirSync(directory, { withFileTypes: true }));
  if (entries === undefined) return [];
  const below = entries.filter((entry) => entry.isDirectory()).flatMap((entry) => subtree(`${directory}/${entry.name}`));
  return [...below, directory];
}

/** The processes in the directory itself. A threaded v2 cgroup has no such list of its own (EOPNOTSUPP). */
export function processesIn(directory: string): number[] {
  const path = `${directory}/cgroup.procs`;
  const text = unlessFailing(path, [...GONE, 'EOPNOTSUPP', 'ENOTSUP'], () => readFileSync(path, 'utf8'));
  // 0 stands for a process of another pid namespace.
  return (text ?? '')
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
}

/** Removes the cgroup with all below it. False when a process or a dying cgroup still holds one. */
export function removeSubtree(directory: string): boolean {
  return subtree(directory).every((path) => {
    const isGone = unlessFailing(path, ['EBUSY', 'ENOTEMPTY'], () => {
      unlessFailing(path, GONE, () => {
        rmdirSync(path);
      });
      return true;
    });
    return isGone === true;
  });
}

/** Makes a v1 cgroup and those above it. */
export function makeV1(directory: string, mountPoint: string, isCpuset: boolean): void {
  if (directory === mountPoint) return;
  const parent = dirname(directory);
  makeV1(parent, mountPoint, isCpuset);
  mkdirUnlessThere(directory);
  // A new cpuset has no processors, and takes no process until it has.
  if (isCpuset) for (const file of ['cpuset.cpus', 'cpuset.mems']) inherit(parent, directory, file);
}

function inherit(parent: string, directory: string, file: string): void {
  const own = readControl(directory, file)?.trim();
  const inherited = readControl(parent, file)?.trim();
  if (own === '' && inherited !== undefined && inherited !== '') writeControl(directory, file, inherited);
}

/** Makes a v2 cgroup and those above it, and hands every controller down to it. */
export function makeV2(directory: string, mountPoint: string): void {
  if (directory === mountPoint) return;
  const parent = dirname(directory);
  makeV2(parent, mountPoint);
  handDown(parent);
  mkdirUnlessThere(directory);
}

/** One controller a write: one that can't be handed down (a cgroup with processes, a real-time policy) must not hold up the others. */
function handDown(directory: string): void {
  const enabled = new Set((readControl(directory, 'cgroup.subtree_control') ?? '').trim().split(' '));
  for (const controller of (readControl(directory, 'cgroup.controllers') ?? '').trim().split(' ')) {
    if (controller === '' || enabled.has(controller)) continue;
    unlessFailing(directory, ['EBUSY', 'EINVAL', 'ENOENT', 'EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EACCES'], () => {
      writeControl(directory, 'cgroup.subtree_control', `+${controller}`);
    });
  }
}

function mkdirUnlessThere(directory: string): void {
  unlessFailing(directory, ['EEXIST'], () => {
    mkdirSync(directory, 0o755);
  });
}
