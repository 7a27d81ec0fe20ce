import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Deadline, sleep } from '@cleat/core/deadlines';
import { isSameProcess, isZombie, processStartTime, signalProcess } from '@cleat/core/syscalls';
import { CleatError } from '@cleat/schemas';
import { type CleanRequest, cleanRuntime, endByCommandLine, endCgroup } from './cleanup.ts';
import { type Runtime, runRuntime } from './runtime.ts';
import { runtimeError } from './runtime-error.ts';

export interface ViewRequest {
  readonly id: string;
  /** Directory with the config.json of `viewSpec`. */
  readonly bundle: string;
  readonly runtime: Runtime;
  readonly deadline: Deadline;
}

/** The process that holds a container's mounts without running anything of it. */
export interface ViewInit {
  readonly pid: number;
  readonly startTime: number;
}

const END_LIMIT_MS = 2000;
const POLL_MS = 1;

/** Creates a container that is never started: its file system, with every mount, is at /proc/PID/root until it is ended. */
export async function createView(request: ViewRequest): Promise<ViewInit> {
  const { id, bundle, runtime, deadline } = request;
  const logPath = join(bundle, 'oci.log');
  const pidFile = join(bundle, 'pidfile');
  const args = ['create', '--bundle', bundle, '--pid-file', pidFile, id];
  try {
    const result = await runRuntime(runtime, { args, deadline, logPath, cwd: bundle });
    if (result.code !== 0) throw await runtimeError(runtime, 'create', logPath, result.output);
  } catch (error) {
    if (deadline.isExpired) await endByCommandLine(bundle);
    throw error;
  }
  const pid = Number(readFileSync(pidFile, 'utf8'));
  const startTime = processStartTime(pid);
  if (startTime === undefined) throw new CleatError('internal', 'INIT_DIED', 'the process that holds the view has ended');
  return { pid, startTime };
}

/** Ends a view and all that the runtime keeps of it. May be called again. */
export async function endView(init: ViewInit | undefined, request: CleanRequest): Promise<void> {
  await endByCommandLine(request.bundle);
  if (init !== undefined) {
    signalProcess(init.pid, init.startTime, 'SIGKILL');
    const end = performance.now() + END_LIMIT_MS;
    // Not reaped is ended as well: who reaps it is not ours to wait for.
    while (isSameProcess(init.pid, init.startTime) && !isZombie(init.pid) && performance.now() < end) await sleep(POLL_MS);
  }
  await endCgroup(request.tree, request.cgroup);
  await cleanRuntime(request);
}
