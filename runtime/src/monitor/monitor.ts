import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Deadline } from '@cleat/core/deadlines';
import { isSameProcess, isZombie, processStartTime, signalProcess } from '@cleat/core/syscalls';
import { CleatError } from '@cleat/schemas';

/** One monitor process of this boot. */
export interface MonitorIdentity {
  readonly pid: number;
  readonly startTime: number;
}

/** A monitor's line to whoever started it. It closes when the monitor ends, so keep it for a word of that; dropping it harms nothing. */
export type MonitorLink = Socket;

/** What `conmon` answers on its pipes: a pid or exit code, or -1 with what the runtime said. */
export interface MonitorMessage {
  readonly data: number;
  readonly message: string;
}

export interface LaunchRequest {
  readonly path: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Ask for the pipe that lets it go on step by step, and the one that says that its socket is there. */
  readonly isExec: boolean;
}

export interface LaunchedMonitor {
  readonly child: ChildProcess;
  readonly sync: Socket;
  readonly start: Socket | undefined;
  readonly attach: Socket | undefined;
}

const SYNC_FD = 3;
const START_FD = 4;
const ATTACH_FD = 5;

/** Starts conmon. What is launched forks the monitor and ends at once; the pipes belong to the monitor. */
export function launchMonitor(request: LaunchRequest): LaunchedMonitor {
  const pipes = request.isExec ? { _OCI_STARTPIPE: String(START_FD), _OCI_ATTACHPIPE: String(ATTACH_FD) } : {};
  const child = spawn(request.path, request.args, {
    cwd: request.cwd,
    // Times in the log are UTC; runtime and hooks see no more of our environment than this.
    env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC0', ...request.env, _OCI_SYNCPIPE: String(SYNC_FD), ...pipes },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', ...(request.isExec ? (['pipe', 'pipe'] as const) : [])],
  });
  // Told by `launched`, also when its pipes have said so before.
  child.on('error', () => undefined);
  return {
    child,
    sync: pipeAt(child, SYNC_FD),
    start: request.isExec ? pipeAt(child, START_FD) : undefined,
    attach: request.isExec ? pipeAt(child, ATTACH_FD) : undefined,
  };
}

function pipeAt(child: ChildProcess, index: number): Socket {
  const stream: unknown = child.stdio[index];
  if (stream instanceof Socket) return stream;
  throw new CleatError('internal', 'MONITOR_FAILED', `conmon has no pipe ${index}`);
}

/** Resolves when the launcher has ended, after which the monitor's pid file is complete. */
export async function launched({ child }: LaunchedMonitor): Promise<void> {
  try {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  } catch (error) {
    const hint = 'Install conmon.';
    throw new CleatError('unavailable', 'MONITOR_MISSING', `conmon can't be run: ${String(error)}`, {
      hint,
      cause: error,
    });
  }
  if (child.exitCode === 0) return;
  const code = child.exitCode ?? child.signalCode ?? 'nothing';
  throw new CleatError('internal', 'MONITOR_FAILED', `conmon ended with ${code}`);
}

/** The next line of a monitor's pipe. Its end is a monitor that has died without a word. */
export function nextMessage(pipe: Readable, deadline: Deadline): Promise<MonitorMessage> {
  const message = new Promise<MonitorMessage>((resolve, reject) => {
    let text = '';
    const settle = (act: () => void): void => {
      pipe.off('data', onData).off('end', onEnd).off('error', onEnd);
      act();
    };
    const onData = (chunk: Buffer): void => {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end < 0) return;
      settle(() => {
        resolve(parseMessage(text.slice(0, end)));
      });
    };
    const onEnd = (): void => {
      settle(() => {
        reject(new CleatError('internal', 'MONITOR_DIED', 'the monitor ended without an answer'));
      });
    };
    pipe.on('data', onData).on('end', onEnd).on('error', onEnd);
  });
  return deadline.race(message, () => {
    message.catch(() => undefined);
    return new CleatError('deadline_exceeded', 'MONITOR_TIMEOUT', 'the monitor did not answer in time');
  });
}

/** conmon leaves one control character unescaped and cuts long messages off, so the number is what counts. */
function parseMessage(line: string): MonitorMessage {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && 'data' in value && typeof value.data === 'number') {
      const text = 'message' in value && typeof value.message === 'string' ? value.message : '';
      return { data: value.data, message: text };
    }
  } catch {
    // Read by hand below.
  }
  const number = /"data"\s*:\s*(-?\d+)/.exec(line)?.[1];
  return { data: number === undefined ? -1 : Number(number), message: line };
}

/** Who the monitor is, by the pid file that its launcher wrote. One that has ended already (after a short exec) has the start time 0. */
export function monitorIdentity(pidFile: string): MonitorIdentity {
  const pid = Number(readFileSync(pidFile, 'utf8'));
  return { pid, startTime: processStartTime(pid) ?? 0 };
}

export function isMonitorAlive({ pid, startTime }: MonitorIdentity): boolean {
  return isSameProcess(pid, startTime) && !isZombie(pid);
}

export function killMonitor({ pid, startTime }: MonitorIdentity): boolean {
  return signalProcess(pid, startTime, 'SIGKILL');
}
