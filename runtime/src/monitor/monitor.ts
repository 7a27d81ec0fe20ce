import { openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { type Deadline, sleep } from '@cleat/core/deadlines';
import {
  closeDescriptor,
  isSameProcess,
  isZombie,
  processStartTime,
  reapProcess,
  SOCK_STREAM,
  signalProcess,
  socketPair,
  spawnProcess,
} from '@cleat/core/syscalls';
import { CleatError, toCleatError } from '@cleat/schemas';

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
  /** Of what was launched: it forks the monitor and ends. */
  readonly launcher: number;
  readonly path: string;
  readonly sync: Socket;
  readonly start: Socket | undefined;
  readonly attach: Socket | undefined;
}

const PIPES = ['_OCI_SYNCPIPE', '_OCI_STARTPIPE', '_OCI_ATTACHPIPE'] as const;
const FIRST_PIPE = 3;
const FIRST_PAUSE_MS = 0.5;
const LONGEST_PAUSE_MS = 10;

/**
 * Starts conmon. What is launched forks the monitor and ends at once; the pipes belong to the monitor.
 * @throws CleatError MONITOR_MISSING
 */
export function launchMonitor(request: LaunchRequest): LaunchedMonitor {
  const names = request.isExec ? PIPES : PIPES.slice(0, 1);
  const pairs = names.map(() => socketPair(SOCK_STREAM));
  const nothing = openSync('/dev/null', 'r+');
  const theirs = pairs.map(([, their]) => their);
  try {
    const launcher = spawnProcess({
      path: request.path,
      argv: [request.path, ...request.args],
      // Times in the log are UTC; runtime and hooks see no more of our environment than this.
      env: {
        PATH: process.env['PATH'] ?? '',
        TZ: 'UTC0',
        ...request.env,
        ...Object.fromEntries(names.map((name, index) => [name, String(FIRST_PIPE + index)])),
      },
      cwd: request.cwd,
      fds: [nothing, nothing, nothing, ...theirs],
    });
    const [sync, start, attach] = pairs.map(([our]) => new Socket({ fd: our, readable: true, writable: true }));
    if (sync === undefined) throw new CleatError('internal', 'MONITOR_FAILED', 'conmon has no pipe');
    return { launcher, path: request.path, sync, start, attach };
  } catch (error) {
    for (const [our] of pairs) closeDescriptor(our);
    throw new CleatError('unavailable', 'MONITOR_MISSING', `conmon can't be run: ${toCleatError(error).message}`, {
      hint: 'Install conmon.',
      cause: error,
    });
  } finally {
    for (const fd of [nothing, ...theirs]) closeDescriptor(fd);
  }
}

/** Resolves when the launcher has ended, after which the monitor's pid file is complete. */
export async function launched({ launcher, path }: LaunchedMonitor): Promise<void> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const end = reapProcess(launcher);
    if (end.type === 'running') {
      await sleep(pauseMs);
      continue;
    }
    if (end.type === 'exited' && end.exitCode === 0) return;
    const code = end.type === 'exited' ? end.exitCode : `signal ${end.signal}`;
    throw new CleatError('internal', 'MONITOR_FAILED', `${path} ended with ${code}`);
  }
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
