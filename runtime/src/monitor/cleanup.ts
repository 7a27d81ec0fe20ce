import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CgroupTree } from '@cleat/core/cgroup';
import { Deadline, sleep } from '@cleat/core/deadlines';
import { findProcesses, signalProcess } from '@cleat/core/syscalls';
import { CleatError, isCleatError } from '@cleat/schemas';
import { type Runtime, runRuntime, stateDirectory } from './runtime.ts';
import { runtimeError } from './runtime-error.ts';

export interface CleanRequest {
  readonly id: string;
  readonly runtime: Runtime;
  readonly tree: CgroupTree;
  /** The container's path below each cgroup hierarchy. */
  readonly cgroup: string;
  /** Its pid namespace was its own, so that nothing of it can be left running. */
  readonly hasOwnPidNamespace: boolean;
  /** The runtime itself must clean up after a container that has some. */
  readonly hasPoststopHooks: boolean;
  readonly bundle: string;
  readonly deadline: Deadline;
}

const KILL_LIMIT_MS = 5000;
/** A process has no command line while it becomes another program, so one look that finds nothing proves nothing. */
const CLEAN_SCANS = 3;
const POLL_MS = 3;

/** Removes what the runtime keeps of a container that has ended: cgroups and state. May be called again, also when half of it is gone. */
export async function cleanRuntime(request: CleanRequest): Promise<void> {
  const { runtime, hasOwnPidNamespace, hasPoststopHooks } = request;
  // Of what it has no state of, the runtime can remove nothing: after a boot it is not asked once a container.
  if (!existsSync(stateDirectory(runtime, request.id))) return endCgroup(request.tree, request.cgroup);
  const isSystemd = runtime.args.includes('--systemd-cgroup');
  const isDirect = runtime.fifo !== undefined && hasOwnPidNamespace && !hasPoststopHooks && !isSystemd;
  if (!isDirect || !(await removeDirectly(request))) await deleteByRuntime(request);
  await rm(stateDirectory(runtime, request.id), { recursive: true, force: true });
}

/** Saves a run of the runtime, 7 ms. False when something still holds the cgroup. */
async function removeDirectly({ tree, cgroup }: CleanRequest): Promise<boolean> {
  try {
    await tree.remove(cgroup);
    return true;
  } catch (error) {
    if (isCleatError(error) && error.code === 'CGROUP_BUSY') return false;
    throw error;
  }
}

async function deleteByRuntime(request: CleanRequest): Promise<void> {
  const { id, runtime, tree, cgroup, bundle, deadline } = request;
  const logPath = join(bundle, 'delete.log');
  const result = await runRuntime(runtime, { args: ['delete', '--force', id], deadline, logPath });
  // --force is silent where nothing is known of the container (any more).
  if (result.code !== 0) {
    const error = await runtimeError(runtime, 'delete', logPath, result.output);
    if (!/does not exist|no such file/i.test(error.message)) throw error;
  }
  await endCgroup(tree, cgroup);
}

/** Ends all that runs in a cgroup, and the cgroup. */
export async function endCgroup(tree: CgroupTree, cgroup: string): Promise<void> {
  if (!tree.exists(cgroup)) return;
  await tree.killAll(cgroup, KILL_LIMIT_MS);
  await tree.remove(cgroup);
}

/**
 * Ends monitor and runtime processes at work on a bundle (or an exec's directory), whoever started them: after a crash in the middle of a create they
 * would finish it alone. What they have put in the container's cgroup is ended with `endCgroup` afterwards.
 */
export async function endByCommandLine(bundle: string, deadline: Deadline = Deadline.after(KILL_LIMIT_MS)): Promise<void> {
  for (let cleanScans = 0; cleanScans < CLEAN_SCANS; ) {
    const found = findProcesses((argv, pid) => pid !== process.pid && isAtWorkOn(argv, bundle));
    cleanScans = found.length === 0 ? cleanScans + 1 : 0;
    for (const { pid, startTime } of found) signalProcess(pid, startTime, 'SIGKILL');
    await sleep(POLL_MS);
    // Only what is there can be late: where many are looked for at once, the looks alone take their time.
    if (found.length > 0 && deadline.isExpired) {
      throw new CleatError('deadline_exceeded', 'MONITOR_KILL_TIMEOUT', `processes at work on ${basename(bundle)} do not end`);
    }
  }
}

/** conmon: `-b BUNDLE`; runtimes: `--bundle BUNDLE`, and for an exec `--process BUNDLE/process.json`. */
function isAtWorkOn(argv: readonly string[], bundle: string): boolean {
  const words = [bundle, `--bundle=${bundle}`, `${bundle}/process.json`];
  return argv.some((arg) => words.includes(arg));
}
