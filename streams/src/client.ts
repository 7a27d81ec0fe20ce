import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, unlinkSync } from 'node:fs';
import { connect as connectTo, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Logger } from '@cleat/core';
import { Deadline } from '@cleat/core/deadlines';
import { closeDescriptor, errnoOf, listenUnixInheritable, processStartTime } from '@cleat/core/syscalls';
import { CleatError, type containerTypes, type execTypes, isCleatError, type journal, toCleatError } from '@cleat/schemas';
import { ControlLink } from './control-link.ts';
import type { Command, Exec, HeldTarget, WaitCondition } from './protocol.ts';

export interface StreamsClientOptions {
  readonly socketPath: string;
  /** For output that slow clients have not taken; not a tmpfs. */
  readonly spoolDirectory: string;
  readonly logPath: string;
  readonly log: Logger;
  /** What a process that was there already holds: its targets may have ended while no kernel was there to say so. */
  readonly onHeld?: (held: readonly HeldTarget[]) => void;
  readonly idleMs?: number;
  /** What its Node is started with; the kernel gives what it was started with itself. */
  readonly nodeFlags?: readonly string[];
}

export interface AttachOffer {
  readonly container: string;
  readonly spec: Pick<containerTypes.Spec, 'process'>;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly detachKeys: string;
  /** The monitor's socket of the run that is there already. */
  readonly attachPath: string | undefined;
  readonly run: number;
}

/** The exit code; undefined when the process that knew it has died. */
type ExecEnd = (exitCode: number | undefined) => void;

/** What runs an exec, as the protocol has it. */
export type ExecCommand = Pick<Exec, 'program' | 'args' | 'directory' | 'pidFile'>;

export interface ExecOnStreams {
  readonly exec: string;
  readonly info: Pick<execTypes.Info, 'attachStdin' | 'attachStdout' | 'attachStderr'>;
  readonly command: ExecCommand;
  readonly onEnd: ExecEnd;
  readonly deadline: Deadline;
}

export interface StartedOnStreams {
  /** 0 when the runtime could not make the process. */
  readonly pid: number;
  readonly complaint: string;
  readonly ticket: containerTypes.StreamTicket;
  /** The process `streams`, which alone learns the exit code. */
  readonly streams: journal.ProcessIdentity;
}

const NO_PROCESS: journal.ProcessIdentity = { pid: 0, startTime: 0 };

const CALL_MS = 5000;
const LEAVE_MS = 2000;
/** A process that is only just starting, on a very busy machine. */
const START_MS = 30_000;
const IDLE_MS = 300_000;
/** The one run of an exec. */
const EXEC_RUN = 1;

/**
 * The kernel's side of the process `streams`, which is started with the first ticket and found again by a later kernel. When it dies, its
 * clients are gone and nothing else is; the next ticket starts another one.
 */
export class StreamsClient {
  readonly #options: StreamsClientOptions;
  readonly #sessions = new Map<string, number>();
  readonly #execs = new Map<string, ExecEnd>();
  /** Of the process that was reached last, at that time. */
  #held: readonly HeldTarget[] = [];
  #process = NO_PROCESS;
  #link: Promise<ControlLink> | undefined;

  constructor(options: StreamsClientOptions) {
    this.#options = options;
  }

  /** Finds a process that an earlier kernel has left. False when there is none. */
  async adopt(): Promise<boolean> {
    try {
      await (this.#link ??= this.#track(this.#connect(CALL_MS)));
      return true;
    } catch (error) {
      if (isNobody(error)) return false;
      throw error;
    }
  }

  async offerAttach(offer: AttachOffer): Promise<containerTypes.StreamTicket> {
    const { container, run, attachPath, spec, stdin, stdout, stderr, detachKeys } = offer;
    const { terminal, openStdin, stdinOnce } = spec.process;
    const token = newToken();
    const streams = { stdin, stdout, stderr, terminal, openStdin, stdinOnce, detachKeys };
    await this.#call({ type: 'offer-attach', token, target: container, run, ...streams });
    if (attachPath !== undefined) await this.connect(container, run, attachPath);
    return this.#ticket(token, terminal);
  }

  async offerExec(offer: { readonly exec: string; readonly info: execTypes.Info }): Promise<containerTypes.StreamTicket> {
    const { process, attachStdin, attachStdout, attachStderr, detachKeys } = offer.info;
    const { terminal } = process;
    const token = newToken();
    const streams = { stdin: attachStdin, stdout: attachStdout, stderr: attachStderr, detachKeys };
    const stdio = { terminal, openStdin: attachStdin, stdinOnce: true };
    await this.#call({ type: 'offer-attach', token, target: offer.exec, run: EXEC_RUN, ...streams, ...stdio });
    return this.#ticket(token, terminal);
  }

  /**
   * Runs an exec as a child of `streams`, for one client. Resolves with pid 0 when the runtime could not make it.
   * `onEnd` is told once, also by a process that a later call reaches; undefined: the process died, and nobody knows.
   */
  async exec(request: ExecOnStreams): Promise<StartedOnStreams> {
    const { exec, info, onEnd, deadline } = request;
    const token = newToken();
    const link = await this.#use();
    this.#execs.set(exec, onEnd);
    try {
      const { pid = 0, complaint = '' } = await link.request(
        {
          ...{ type: 'exec', token, target: exec, run: EXEC_RUN },
          ...{ stdin: info.attachStdin, stdout: info.attachStdout, stderr: info.attachStderr },
          ...{ openStdin: info.attachStdin, stdinOnce: true },
          ...request.command,
        },
        deadline,
      );
      if (pid === 0) this.#execs.delete(exec);
      return { pid, complaint, ticket: this.#ticket(token, false), streams: this.#process };
    } catch (error) {
      this.#execs.delete(exec);
      throw error;
    }
  }

  /** Tells the end of an exec that an earlier kernel had started. False when no process holds it. */
  watchExec(exec: string, onEnd: ExecEnd): boolean {
    const held = this.#held.find(({ target }) => target === exec)?.exec;
    if (held === undefined) return false;
    this.#execs.set(exec, onEnd);
    const { exitCode } = held;
    if (exitCode !== null) queueMicrotask(() => this.#execEnded(exec, exitCode));
    return true;
  }

  async offerWait(wait: { readonly container: string; readonly condition: string }): Promise<containerTypes.StreamTicket> {
    const token = newToken();
    await this.#call({ type: 'offer-wait', token, target: wait.container, condition: conditionOf(wait.condition) });
    return this.#ticket(token, false);
  }

  /** True when somebody has a ticket for the target, or is attached. */
  hasSessions(target: string): boolean {
    return (this.#sessions.get(target) ?? 0) > 0;
  }

  /** Opens the monitor's socket for those who wait for the run; before the process is let run. */
  async connect(container: string, run: number, attachPath: string): Promise<void> {
    await this.#call({ type: 'connect', target: container, run, attachPath, isExec: false });
  }

  async connectExec(exec: string, attachPath: string): Promise<void> {
    await this.#call({ type: 'connect', target: exec, run: EXEC_RUN, attachPath, isExec: true });
  }

  exited(container: string, run: number, exitCode: number, willRestart: boolean, error = ''): void {
    this.#tell({ type: 'exited', target: container, run, exitCode, error, willRestart });
  }

  execExited(exec: string, exitCode: number): void {
    this.exited(exec, EXEC_RUN, exitCode, false);
  }

  removed(container: string, exitCode = 0): void {
    this.#tell({ type: 'removed', target: container, exitCode });
  }

  /** Leaves the process to itself, for the next kernel to find; when the platform goes down it ends with its last client. */
  async close(how: { readonly isPlatformDown: boolean }): Promise<void> {
    const opening = this.#link;
    this.#link = undefined;
    if (opening === undefined) return;
    try {
      const link = await opening;
      if (how.isPlatformDown) await left(link);
      link.close();
    } catch {
      // It could not be reached: there is nothing to leave.
    }
  }

  #ticket(token: string, terminal: boolean): containerTypes.StreamTicket {
    return { socket: this.#options.socketPath, token, terminal };
  }

  /** A process that dies under a call, or ends for want of work just then, is replaced once; every command may be repeated. */
  async #call(command: Command): Promise<void> {
    try {
      await (await this.#use()).request(command, Deadline.after(CALL_MS));
    } catch (error) {
      if (!isCleatError(error) || error.code !== 'STREAMS_GONE') throw error;
      await (await this.#use()).request(command, Deadline.after(CALL_MS));
    }
  }

  /** Something that only matters to who is there: without a process nobody is. */
  #tell(command: Command): void {
    if (this.#link === undefined) return;
    const { log } = this.#options;
    this.#link
      .then((link) => link.request(command, Deadline.after(CALL_MS)))
      .catch((error: unknown) => {
        log.debug('streams was not told', { type: command.type, target: command.target, error });
      });
  }

  #use(): Promise<ControlLink> {
    this.#link ??= this.#track(this.#connectOrStart());
    return this.#link;
  }

  /** Forgets a connection that failed or ended, so that the next use makes another one. */
  #track(opening: Promise<ControlLink>): Promise<ControlLink> {
    const forget = (): void => {
      if (this.#link !== opening) return;
      this.#link = undefined;
      this.#sessions.clear();
      if (this.#execs.size > 0) this.#findExecs();
    };
    opening.then((link) => link.onClose(forget), forget);
    return opening;
  }

  /** The process has died, or only its connection: execs of a dead one are lost. */
  #findExecs(): void {
    this.adopt().then(
      (isThere) => {
        if (!isThere) this.#loseExecs([]);
      },
      (error: unknown) => {
        this.#options.log.warn('streams does not answer', { error });
        setTimeout(() => this.#findExecs(), CALL_MS).unref();
      },
    );
  }

  #loseExecs(held: readonly HeldTarget[]): void {
    for (const exec of [...this.#execs.keys()]) {
      const known = held.find(({ target }) => target === exec)?.exec;
      if (known === undefined || known.exitCode !== null) this.#execEnded(exec, known?.exitCode ?? undefined);
    }
  }

  #execEnded(exec: string, exitCode: number | undefined): void {
    const onEnd = this.#execs.get(exec);
    this.#execs.delete(exec);
    onEnd?.(exitCode);
  }

  async #connectOrStart(): Promise<ControlLink> {
    try {
      return await this.#connect(CALL_MS);
    } catch (error) {
      if (!isNobody(error)) throw error;
    }
    await this.#start();
    return this.#connect(START_MS);
  }

  async #connect(limitMs: number): Promise<ControlLink> {
    const { socketPath, onHeld } = this.#options;
    const deadline = Deadline.after(limitMs);
    const socket = await opened(socketPath);
    const link = new ControlLink(socket, {
      onSessions: (target, sessions) => {
        if (sessions === 0) this.#sessions.delete(target);
        else this.#sessions.set(target, sessions);
      },
      onExecEnded: (target, exitCode) => {
        this.#execEnded(target, exitCode);
      },
    });
    const { pid, held } = await link.hello(deadline).catch((error: unknown) => {
      // Of another version: it serves its clients to the end, beside a new one.
      if (isCleatError(error) && error.code === 'STREAMS_VERSION') unlinkSync(socketPath);
      throw error;
    });
    for (const { target, sessions } of held) if (sessions > 0) this.#sessions.set(target, sessions);
    this.#process = { pid, startTime: processStartTime(pid) ?? 0 };
    this.#held = held;
    this.#loseExecs(held);
    if (held.length > 0) onHeld?.(held);
    return link;
  }

  /** The socket listens before the process is there, so that nobody has to wait or ask again for it. */
  async #start(): Promise<void> {
    const { socketPath, spoolDirectory, logPath, idleMs = IDLE_MS, nodeFlags = [] } = this.#options;
    const listenFd = listenUnixInheritable(socketPath, 0o600);
    const logFd = openSync(logPath, 'a', 0o600);
    try {
      const main = fileURLToPath(new URL('./main.js', import.meta.url));
      const args = [...nodeFlags, main, '--listen-fd=3', `--spool-dir=${spoolDirectory}`, `--idle-ms=${idleMs}`];
      const child = spawn(process.execPath, args, {
        detached: true,
        stdio: ['ignore', logFd, logFd, listenFd],
        env: { PATH: process.env['PATH'] ?? '' },
      });
      await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
      child.unref();
    } catch (error) {
      unlinkSync(socketPath);
      throw toCleatError(error, 'STREAMS_START');
    } finally {
      closeSync(logFd);
      closeDescriptor(listenFd);
    }
  }
}

/** One that holds nothing ends now, and is waited for: what goes down leaves no process behind. */
async function left(link: ControlLink): Promise<void> {
  const deadline = Deadline.after(LEAVE_MS);
  const ended = new Promise<void>((resolve) => link.onClose(resolve));
  const { held = [] } = await link.request({ type: 'leave' }, deadline);
  if (held.length === 0)
    await deadline.race(ended, () => new CleatError('deadline_exceeded', 'STREAMS_SILENT', 'the streams process does not end'));
}

function newToken(): string {
  return randomBytes(16).toString('hex');
}

function conditionOf(text: string): WaitCondition {
  if (text === 'not-running' || text === 'next-exit' || text === 'removed') return text;
  throw new CleatError('invalid_argument', 'WAIT_CONDITION_INVALID', `invalid condition: "${text}"`);
}

/** Nothing listens there, or what did was replaced just now. */
function isNobody(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ECONNREFUSED' || (isCleatError(error) && error.code === 'STREAMS_VERSION');
}

function opened(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTo({ path });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
