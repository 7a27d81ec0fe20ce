import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Deadline } from '@cleat/core/deadlines';
import { CleatError } from '@cleat/schemas';
import { endByCommandLine } from './cleanup.ts';
import {
  type LaunchedMonitor,
  launched,
  launchMonitor,
  type MonitorIdentity,
  type MonitorLink,
  type MonitorMessage,
  monitorIdentity,
  nextMessage,
} from './monitor.ts';
import { globalArgs, type Runtime } from './runtime.ts';
import { runtimeError } from './runtime-error.ts';

export interface CreateRequest {
  /** The container's name for the runtime, also that of its exit file. */
  readonly id: string;
  /** Directory with config.json, on tmpfs; the monitor puts its sockets and files beside it. */
  readonly bundle: string;
  readonly runtime: Runtime;
  readonly monitorPath: string;
  /** Where the output goes; undefined: nowhere. */
  readonly logPath?: string | undefined;
  readonly terminal: boolean;
  readonly openStdin: boolean;
  /** Keep stdin when an attached client leaves: with a terminal, or without stdinOnce. */
  readonly leaveStdinOpen: boolean;
  /** The exit code comes to a file in it; of this run alone, else an earlier run's would be read. */
  readonly exitDir: string;
  /** Where the monitor notes that memory ran out. */
  readonly persistDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly deadline: Deadline;
}

export interface CreatedContainer {
  /** The container's first process, which waits to be let run. */
  readonly pid: number;
  readonly monitor: MonitorIdentity;
  readonly link: MonitorLink;
}

/** A console socket's path must fit a socket address with conmon's own part of it. */
const CONSOLE_FOLDER_LIMIT = 70;

/**
 * Makes a container under a monitor of its own; both outlive this process. A failure leaves neither.
 * @throws CleatError PROCESS_NOT_FOUND, PROCESS_NOT_EXECUTABLE, RUNTIME_FAILED, MONITOR_*
 */
export async function createMonitored(request: CreateRequest): Promise<CreatedContainer> {
  const { bundle, runtime, deadline } = request;
  const monitor = launchMonitor({
    path: request.monitorPath,
    args: monitorArgs(request),
    cwd: bundle,
    env: { TMPDIR: consoleFolder(bundle), ...request.env },
    isExec: false,
  });
  try {
    const [, message] = await Promise.all([launched(monitor), nextMessage(monitor.sync, deadline)]);
    if (message.data <= 0) throw await runtimeError(runtime, 'create', join(bundle, 'oci.log'), message.message);
    return createdBy(monitor, message, join(bundle, 'conmon.pid'));
  } catch (error) {
    monitor.sync.destroy();
    if (isSilence(error)) await endByCommandLine(bundle);
    throw error;
  }
}

export function createdBy(monitor: LaunchedMonitor, message: MonitorMessage, pidFile: string): CreatedContainer {
  // A link shall not keep the kernel running.
  monitor.sync.unref();
  return { pid: message.data, monitor: monitorIdentity(pidFile), link: monitor.sync };
}

/** An answer that did not come: monitor and runtime may still be at work. */
export function isSilence(error: unknown): boolean {
  return error instanceof CleatError && (error.code === 'MONITOR_TIMEOUT' || error.code === 'MONITOR_DIED');
}

function monitorArgs(request: CreateRequest): string[] {
  const { id, bundle, runtime } = request;
  return [
    ...['--api-version', '-c', id, '-u', id, '-r', runtime.path, '-b', bundle],
    ...['-p', join(bundle, 'pidfile'), '-P', join(bundle, 'conmon.pid')],
    ...['-0', request.persistDir, '--exit-dir', request.exitDir, '--full-attach'],
    ...logArgs(request.logPath),
    ...runtimeArgs(runtime, join(bundle, 'oci.log')),
    ...stdioArgs(request),
  ];
}

export function logArgs(logPath: string | undefined): string[] {
  return ['-l', logPath === undefined ? 'none' : `k8s-file:${logPath}`, '--no-sync-log', '--log-level', 'error'];
}

export function runtimeArgs(runtime: Runtime, logPath: string): string[] {
  return globalArgs(runtime, logPath).flatMap((arg) => ['--runtime-arg', arg]);
}

export interface StdioRequest {
  readonly terminal: boolean;
  readonly openStdin: boolean;
  readonly leaveStdinOpen: boolean;
}

export function stdioArgs({ terminal, openStdin, leaveStdinOpen }: StdioRequest): string[] {
  return [...(terminal ? ['-t'] : []), ...(openStdin ? ['-i'] : []), ...(openStdin && leaveStdinOpen ? ['--leave-stdin-open'] : [])];
}

export function consoleFolder(bundle: string): string {
  return Buffer.byteLength(bundle) <= CONSOLE_FOLDER_LIMIT ? bundle : tmpdir();
}
