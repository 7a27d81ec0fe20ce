import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { findProcesses, umount } from '@cleat/core/syscalls';
import { isBelow, mountPoints, waitFor } from '@cleat/harness';

const CGROUPS = '/sys/fs/cgroup';

/**
 * Ends everything of an instance of the platform that a test has left or lost: processes whose arguments name its directory,
 * processes in its cgroups, its mounts and cgroups. Only what belongs to that directory.
 */
export async function endInstance(dir: string, instanceId: string | undefined): Promise<void> {
  await endProcesses(dir, instanceId);
  for (const point of mountPoints()
    .filter((mounted) => isBelow(mounted, dir))
    .sort()
    .reverse())
    umount(point, { lazy: true });
  if (instanceId !== undefined) for (const directory of instanceCgroups(instanceId)) rmdirSync(directory);
}

/** SIGKILL of all its processes. */
export async function endProcesses(dir: string, instanceId: string | undefined): Promise<void> {
  await waitFor('the end of all processes', () => {
    const left = instanceProcesses(dir, instanceId);
    for (const pid of left) end(pid);
    return left.length === 0;
  });
}

/** Processes whose arguments name the directory, and those in the instance's cgroups. */
export function instanceProcesses(dir: string, instanceId: string | undefined): readonly number[] {
  const named = findProcesses((argv, pid) => pid !== process.pid && argv.some((word) => word.includes(`${dir}/`))).map(({ pid }) => pid);
  const within =
    instanceId === undefined
      ? []
      : readdirSync('/proc')
          .filter((name) => /^\d+$/.test(name) && readText(`/proc/${name}/cgroup`).includes(`/cleat-${instanceId}`))
          .map(Number);
  return [...new Set([...named, ...within])];
}

/** Inner ones first. */
export function instanceCgroups(instanceId: string): readonly string[] {
  const name = `cleat-${instanceId}`;
  const tops = ['', ...readdirSync(CGROUPS)].map((controller) => join(CGROUPS, controller, name)).filter((path) => existsSync(path));
  return tops.flatMap((path) => below(path));
}

function below(path: string): readonly string[] {
  const inner = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...inner.flatMap((entry) => below(join(path, entry.name))), path];
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
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
