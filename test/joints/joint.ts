import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs, slowFactor, tempDir } from '@cleat/harness';
import type { CleatError } from '@cleat/schemas';
import { isCleatError } from '@cleat/schemas';
import type { Test } from 'tap';
import { BareKernel } from '../platform/bare-kernel.ts';

/** A kernel that is there for one test, and gone after it. Undefined where this machine cannot run it. */
export async function startedKernel(t: Test, config: Record<string, unknown> = {}): Promise<BareKernel | undefined> {
  if (!needs(t, 'root', 'runc', 'conmon', 'nats-server', 'busybox')) return undefined;
  const kernel = new BareKernel(tempDir(t, 'joint'), config);
  t.teardown(async () => {
    if (!t.passing()) t.comment(kernel.logTail);
    await kernel.down();
  });
  await kernel.start();
  return kernel;
}

/** The error that a call fails with. */
export async function failure(work: Promise<unknown>): Promise<CleatError> {
  try {
    await work;
  } catch (error) {
    if (isCleatError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** How long it took, with what it gave. */
export async function timed<T>(work: Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const begin = performance.now();
  const value = await work;
  return { value, ms: performance.now() - begin };
}

/** A bound for something measured, on a machine that may be slow. */
export function slowed(ms: number): number {
  return ms * slowFactor();
}

/** A file as a container's process sees it. */
export function seenBy(pid: number, path: string): string {
  return readFileSync(`/proc/${pid}/root${path}`, 'utf8');
}

export function environmentOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
}

/** Processes of a container's cgroup, in whichever hierarchy this host has. */
export function processesIn(cgroup: string): readonly number[] {
  for (const hierarchy of ['', 'pids', 'memory', 'unified']) {
    try {
      const text = readFileSync(join('/sys/fs/cgroup', hierarchy, cgroup, 'cgroup.procs'), 'utf8');
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map(Number);
    } catch {
      // Not in this one.
    }
  }
  return [];
}
