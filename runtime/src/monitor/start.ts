import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Deadline, sleep } from '@cleat/core/deadlines';
import { errnoOf, fromNodeError, isZombie, processStartTime } from '@cleat/core/syscalls';
import { CleatError } from '@cleat/schemas';
import { type Runtime, runRuntime, stateDirectory } from './runtime.ts';
import { runtimeError } from './runtime-error.ts';

export interface StartRequest {
  readonly id: string;
  /** The process that waits. */
  readonly pid: number;
  readonly bundle: string;
  readonly runtime: Runtime;
  /** The runtime itself must start a container that has some. */
  readonly hasPoststartHooks: boolean;
  readonly deadline: Deadline;
}

const FIRST_PAUSE_MS = 0.2;
const LONGEST_PAUSE_MS = 5;

/** Lets the created process run: by the runtime's own pipe where that is known, which saves 6 ms, else by its `start`. */
export async function startCreated(request: StartRequest): Promise<void> {
  const { runtime } = request;
  if (runtime.fifo !== undefined && !request.hasPoststartHooks && (await startByFifo(request, runtime.fifo))) return;
  const logPath = join(request.bundle, 'start.log');
  const result = await runRuntime(runtime, { args: ['start', request.id], deadline: request.deadline, logPath });
  if (result.code !== 0) throw await runtimeError(runtime, 'start', logPath, result.output);
}

/** False when there is no such pipe. */
async function startByFifo(request: StartRequest, direction: 'read' | 'write'): Promise<boolean> {
  const path = join(stateDirectory(request.runtime, request.id), 'exec.fifo');
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const isDone = direction === 'read' ? await readByte(path, request) : writeByte(path);
    if (isDone === undefined) return false;
    if (isDone) break;
    if (hasEnded(request.pid)) throw initDied();
    await pause(request, pauseMs);
  }
  unlinkIfThere(path);
  return true;
}

/** Never blocks: a process that has died while it waited would hang us for ever. */
async function readByte(path: string, request: StartRequest): Promise<boolean | undefined> {
  const fd = openFifo(path, constants.O_RDONLY);
  if (fd === undefined) return undefined;
  try {
    // The waiting process opens its end only when it sees ours, and writes then.
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      // In this order: a short process may have run and ended since the last look.
      const isOver = hasEnded(request.pid);
      if (readOne(fd)) return true;
      if (isOver) throw initDied();
      await pause(request, pauseMs);
    }
  } finally {
    closeSync(fd);
  }
}

function readOne(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) === 1;
  } catch (error) {
    if (errnoOf(error) === 'EAGAIN') return false;
    throw error;
  }
}

function writeByte(path: string): boolean | undefined {
  try {
    const fd = openFifo(path, constants.O_WRONLY);
    if (fd === undefined) return undefined;
    try {
      return writeSync(fd, Buffer.alloc(1)) === 1;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    // Nobody reads yet.
    if (errnoOf(error) === 'ENXIO' || errnoOf(error) === 'EAGAIN') return false;
    throw error;
  }
}

function openFifo(path: string, mode: number): number | undefined {
  try {
    return openSync(path, mode | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromNodeError(error, path);
  }
}

function hasEnded(pid: number): boolean {
  return processStartTime(pid) === undefined || isZombie(pid);
}

function initDied(): CleatError {
  return new CleatError('conflict', 'INIT_DIED', 'the process ended before it was started');
}

async function pause({ deadline }: StartRequest, pauseMs: number): Promise<void> {
  if (deadline.isExpired) throw new CleatError('deadline_exceeded', 'START_TIMEOUT', 'the process was not let run in time');
  await sleep(pauseMs);
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fromNodeError(error, path);
  }
}
