import { mkdir, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Deadline } from '@cleat/core/deadlines';
import { CleatError } from '@cleat/schemas';
import type { OciProcess } from '../oci/index.ts';
import type { ExecCommand } from '../runtime-port.ts';
import { endByCommandLine } from './cleanup.ts';
import { consoleFolder, createdBy, isSilence, logArgs, runtimeArgs, stdioArgs } from './create.ts';
import { type LaunchedMonitor, launched, launchMonitor, type MonitorIdentity, type MonitorLink, nextMessage } from './monitor.ts';
import { globalArgs, type Runtime } from './runtime.ts';
import { runtimeError } from './runtime-error.ts';

export interface ExecRequest {
  /** The container's name for the runtime. */
  readonly container: string;
  readonly id: string;
  /** A directory of this exec alone, on tmpfs. */
  readonly directory: string;
  readonly runtime: Runtime;
  readonly monitorPath: string;
  readonly process: OciProcess;
  readonly openStdin: boolean;
  readonly leaveStdinOpen: boolean;
  /** Somebody wants its streams: called when the socket at `attachPath` is there, and before the process runs. */
  readonly onAttachable?: (attachPath: string) => Promise<void>;
  readonly deadline: Deadline;
}

export interface StartedExec {
  readonly pid: number;
  readonly monitor: MonitorIdentity;
  readonly link: MonitorLink;
  /** Where its exit file comes, under the container's name. */
  readonly exitDir: string;
}

/**
 * Runs one more process in a running container, under a monitor of its own.
 * @throws CleatError PROCESS_NOT_FOUND, PROCESS_NOT_EXECUTABLE, RUNTIME_FAILED, MONITOR_*
 */
export async function execMonitored(request: ExecRequest): Promise<StartedExec> {
  const { directory, runtime, deadline } = request;
  const exitDir = join(directory, 'exits');
  await mkdir(exitDir, { recursive: true });
  const processFile = await writeProcess(request);
  const monitor = launchMonitor({
    path: request.monitorPath,
    args: monitorArgs(request, { exitDir, processFile }),
    cwd: directory,
    env: { TMPDIR: consoleFolder(directory) },
    isExec: true,
  });
  try {
    const done = nextMessage(monitor.sync, deadline);
    // Awaited at the end; a failure before must not be one that nobody hears of.
    done.catch(() => undefined);
    await Promise.all([launched(monitor), letRun(monitor, request)]);
    const message = await done;
    if (message.data <= 0) throw await execError(runtime, directory, message.message);
    return { ...createdBy(monitor, message, join(directory, 'conmon.pid')), exitDir };
  } catch (error) {
    monitor.sync.destroy();
    if (isSilence(error) || !(error instanceof CleatError)) await endByCommandLine(directory);
    throw error;
  } finally {
    monitor.start?.destroy();
    monitor.attach?.destroy();
  }
}

/** For who is the parent of the process himself, and holds its streams: runs no monitor, and leaves the process to its caller's child. */
export interface DetachedExec {
  readonly container: string;
  readonly directory: string;
  readonly runtime: Runtime;
  readonly process: OciProcess;
}

/** Writes what the command needs. The runtime ends when the process runs. */
export async function execCommand(request: DetachedExec): Promise<ExecCommand> {
  const { directory, runtime, container } = request;
  const processFile = await writeProcess(request);
  const pidFile = join(directory, 'pidfile');
  const args = [
    ...globalArgs(runtime, execLog(directory)),
    ...['exec', '--detach', '--process', processFile, '--pid-file', pidFile, container],
  ];
  return { program: runtime.path, args, directory, pidFile };
}

/** Why the runtime could not make the process. */
export async function execError(runtime: Runtime, directory: string, complaint: string): Promise<CleatError> {
  return runtimeError(runtime, 'exec', execLog(directory), complaint);
}

/** What the runtime reads of the process; by this path `endByCommandLine` finds who is at work on the exec. */
async function writeProcess({ directory, process }: DetachedExec): Promise<string> {
  const path = join(directory, 'process.json');
  await writeFile(path, JSON.stringify(process), { mode: 0o600 });
  return path;
}

function execLog(directory: string): string {
  return join(directory, 'oci.log');
}

/** The monitor waits for a byte before it begins, and, with the socket open, for another one before it runs the process. */
async function letRun(monitor: LaunchedMonitor, request: ExecRequest): Promise<void> {
  const { start, attach } = monitor;
  if (start === undefined || attach === undefined) return;
  writeByte(start);
  if (request.onAttachable === undefined) return;
  await nextMessage(attach, request.deadline);
  await request.onAttachable(join(request.directory, 'attach'));
  writeByte(start);
}

function writeByte(pipe: Socket): void {
  // A monitor that has died is told of by its other pipes.
  pipe.on('error', () => undefined);
  pipe.write(Buffer.alloc(1));
}

function monitorArgs(request: ExecRequest, { exitDir, processFile }: { exitDir: string; processFile: string }): string[] {
  const { directory, runtime } = request;
  return [
    ...['--api-version', '-c', request.container, '-u', request.id, '-r', runtime.path, '-b', directory],
    ...['-p', join(directory, 'pidfile'), '-P', join(directory, 'conmon.pid')],
    ...['--exec', '--exec-process-spec', processFile, '--exit-dir', exitDir, '--full-attach'],
    ...(request.onAttachable === undefined ? [] : ['--exec-attach']),
    ...logArgs(undefined),
    ...runtimeArgs(runtime, execLog(directory)),
    ...stdioArgs({ terminal: request.process.terminal, openStdin: request.openStdin, leaveStdinOpen: request.leaveStdinOpen }),
  ];
}
