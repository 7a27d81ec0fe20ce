import { mkdirSync } from 'node:fs';
import { Deadline } from '@cleat/core';
import { removeTree } from '@cleat/core/files';
import type { ExecCommand, LaunchedExec } from '@cleat/runtime';
import { CleatError, type containerTypes, type exec, type execTypes, type journal, toCleatError } from '@cleat/schemas';
import { type Container, hasProcess, NO_PROCESS, type Progress } from '../state/container.ts';
import { execEvent } from '../state/event-draft.ts';
import { CREATE_PROCESS_MS } from './limits.ts';
import { type Asked, BY_ITSELF, cgroupOf, type EngineParts, factsOf, pathsOf } from './parts.ts';
import { execDirectory } from './paths.ts';
import { exitCodeOf, mergedOf } from './start.ts';

/** Ended execs that a container keeps for `inspect`. */
const KEPT_EXECS = 32;
/** SIGKILL, as an exit code. */
const LOST_CODE = 137;

export interface RunningExec {
  readonly id: string;
  readonly directory: string;
  readonly monitor: journal.ProcessIdentity;
}

interface ExecForm {
  readonly attach: boolean;
  readonly isMonitored: boolean;
  readonly rows: number;
  readonly columns: number;
}

/** More processes in a running container. */
export class Execs {
  readonly #parts: EngineParts;
  /** exec id -> container id */
  readonly #homes = new Map<string, string>();

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  async create(request: exec.CreateRequest, asked: Asked): Promise<exec.CreateResponseInput> {
    const { store } = this.#parts;
    const current = store.find(request.container);
    const { id: container } = current.definition;
    checkRuns(current);
    if (!/^[0-9a-f]{64}$/.test(request.id)) throw new CleatError('invalid_argument', 'EXEC_ID', 'an exec id has 64 hexadecimal digits');
    if (request.process.args.length === 0) throw new CleatError('invalid_argument', 'COMMAND_MISSING', 'No exec command specified');
    if (this.#homes.has(request.id)) return { id: request.id };
    const { id, process, privileged, attachStdin, attachStdout, attachStderr, detachKeys } = request;
    const info: execTypes.Info = {
      ...{ id, container, process, privileged, attachStdin, attachStdout, attachStderr, detachKeys },
      running: false,
      pid: 0,
      exitCode: null,
    };
    const facts = { exec: id, args: process.args };
    this.#write(current, [...kept(current.progress), { info, monitor: NO_PROCESS }], 'exec.created', [
      execEvent(factsOf(current, asked), 'exec-created', facts),
    ]);
    this.#homes.set(id, container);
    await store.sync();
    return { id };
  }

  async start(request: exec.StartRequest, asked: Asked): Promise<exec.StartResponseInput> {
    const { host } = this.#parts;
    const { container, entry } = this.#find(request.id);
    checkRuns(container);
    const { info } = entry;
    if (info.running || info.exitCode !== null) throw new CleatError('conflict', 'EXEC_STARTED', `exec ${info.id} has run already`);
    const attach = !request.detach && (info.attachStdin || info.attachStdout || info.attachStderr);
    // A terminal, and a process that nobody is attached to, have a monitor of their own; else `streams` is the parent.
    const isMonitored = !attach || info.process.terminal;
    const ticket = attach && isMonitored ? await host.streams.offerExec({ exec: info.id, info }) : undefined;
    // Its container may have ended while the streams were asked.
    const { container: current } = this.#find(info.id);
    checkRuns(current);
    this.#replace(current, { ...entry, info: { ...info, running: true } }, 'exec.intent');
    try {
      const how = { attach, isMonitored, rows: request.consoleRows, columns: request.consoleColumns };
      const made = await this.#launch(container, info, how, asked);
      return { pid: made.pid, ticket: ticket ?? made.ticket };
    } catch (error) {
      this.#ended(info.id, exitCodeOf(toCleatError(error)));
      throw error;
    }
  }

  inspect(id: string): execTypes.Info {
    return this.#find(id).entry.info;
  }

  async resize(id: string, rows: number, columns: number): Promise<void> {
    const { entry, container } = this.#find(id);
    if (!entry.info.running) throw new CleatError('conflict', 'EXEC_NOT_RUNNING', `exec ${id} is not running`);
    await this.#parts.host.runtime.resize(execDirectory(pathsOf(this.#parts, container.definition.id), id), rows, columns);
  }

  /** After a start of the kernel: what ran goes on being known; what ended meanwhile is recorded. */
  recover(container: Container): void {
    for (const { info } of container.progress.execs) this.#homes.set(info.id, container.definition.id);
  }

  /** Execs of a container that were running when the kernel died, with where to look for their end. */
  running(container: Container): readonly RunningExec[] {
    const paths = pathsOf(this.#parts, container.definition.id);
    return container.progress.execs
      .filter(({ info }) => info.running)
      .map(({ info, monitor }) => ({ id: info.id, directory: execDirectory(paths, info.id), monitor }));
  }

  /** Its start was cut off by the end of the kernel. When nothing ran it goes back, and can be started again. */
  async endUnfinished(id: string): Promise<void> {
    const { container, entry } = this.#find(id);
    const directory = execDirectory(pathsOf(this.#parts, container.definition.id), id);
    const ran = await this.#parts.host.runtime.endExec({ directory, cgroup: cgroupOf(this.#parts, container) });
    if (ran) return this.#ended(id, LOST_CODE);
    const { container: current } = this.#find(id);
    this.#replace(current, { ...entry, info: { ...entry.info, running: false } }, 'exec.undone');
    this.#parts.host.streams.execExited(id, LOST_CODE);
  }

  /** The end of an exec, noticed by whoever watches it. Without a code its monitor has died: what runs on is ended, its streams are gone. */
  ended(id: string, exitCode: number | undefined): void {
    if (exitCode === undefined) this.#parts.host.tasks.spawn('exec lost', () => this.endUnfinished(id));
    else this.#ended(id, exitCode);
  }

  /** Goes on watching one that an earlier kernel has started. */
  watch(container: Container, exec: RunningExec): void {
    const { streams, runtime } = this.#parts.host;
    const onEnd = (exitCode?: number): void => this.ended(exec.id, exitCode);
    if (!streams.watchExec(exec.id, onEnd)) runtime.watchExec({ ...exec, container: container.definition.id }, onEnd);
  }

  async #launch(
    container: Container,
    info: execTypes.Info,
    how: ExecForm,
    asked: Asked,
  ): Promise<{ readonly pid: number; readonly ticket: containerTypes.StreamTicket | null }> {
    const { store, host } = this.#parts;
    const { id, spec } = container.definition;
    const paths = pathsOf(this.#parts, id);
    const directory = execDirectory(paths, info.id);
    await removeTree(directory);
    mkdirSync(directory, { recursive: true, mode: 0o711 });
    let ticket: containerTypes.StreamTicket | null = null;
    const deadline = Deadline.after(CREATE_PROCESS_MS);
    const launch = async (command: ExecCommand): Promise<LaunchedExec> => {
      const onEnd = (exitCode?: number): void => this.ended(info.id, exitCode);
      const started = await host.streams.exec({ exec: info.id, info, command, deadline, onEnd });
      ticket = started.ticket;
      return { pid: started.pid, complaint: started.complaint, parent: started.streams };
    };
    const made = await host.runtime.exec({
      ...{ info, directory, deadline, ...how, ...(how.isMonitored ? {} : { launch }) },
      container: id,
      runtime: spec.runtime,
      containerSpec: spec,
      root: `/proc/${container.progress.state.pid}/root`,
      environment: [...mergedOf(container).environment, ...spec.process.env],
      onSocket: (path) => host.streams.connectExec(info.id, path),
      onEnd: (exitCode) => this.ended(info.id, exitCode),
    });
    const { entry, container: now } = this.#find(info.id);
    // A short one may have ended before its start was known here.
    const running = entry.info.exitCode === null;
    const facts = { exec: info.id, args: info.process.args };
    this.#write(
      now,
      replaced(now.progress, { info: { ...entry.info, running, pid: running ? made.pid : 0 }, monitor: made.monitor }),
      'exec.started',
      [execEvent(factsOf(now, asked), 'exec-started', facts)],
    );
    await store.sync();
    return { pid: made.pid, ticket };
  }

  #ended(id: string, exitCode: number): void {
    const home = this.#homes.get(id);
    if (home === undefined || !this.#parts.store.containers.has(home)) return;
    const { container, entry } = this.#find(id);
    if (entry.info.exitCode === null) {
      const info = { ...entry.info, running: false, pid: 0, exitCode };
      const facts = { exec: id, args: info.process.args, exitCode };
      this.#write(container, replaced(container.progress, { ...entry, info, monitor: NO_PROCESS }), 'exec.exited', [
        execEvent(factsOf(container, BY_ITSELF), 'exec-exited', facts),
      ]);
    }
    this.#parts.host.tasks.spawn('exec end', async () => {
      await this.#parts.store.sync();
      this.#parts.host.streams.execExited(id, exitCode);
      await removeTree(execDirectory(pathsOf(this.#parts, home), id));
    });
  }

  #find(id: string): { readonly container: Container; readonly entry: journal.ExecProgress } {
    const home = this.#homes.get(id);
    const container = home === undefined ? undefined : this.#parts.store.containers.get(home);
    const entry = container?.progress.execs.find(({ info }) => info.id === id);
    if (container === undefined || entry === undefined) {
      this.#homes.delete(id);
      throw new CleatError('not_found', 'EXEC_NOT_FOUND', `No such exec instance: ${id}`);
    }
    return { container, entry };
  }

  #replace(container: Container, entry: journal.ExecProgress, step: string): void {
    this.#write(container, replaced(container.progress, entry), step, []);
  }

  #write(container: Container, execs: Progress['execs'], step: string, events: Parameters<EngineParts['store']['step']>[3]): void {
    this.#parts.store.step(container.definition.id, step, { ...container.progress, execs }, events);
  }
}

function kept(progress: Progress): Progress['execs'] {
  const ended = progress.execs.filter(({ info }) => info.exitCode !== null);
  const dropped = new Set(ended.slice(0, Math.max(0, ended.length - KEPT_EXECS + 1)));
  return progress.execs.filter((entry) => !dropped.has(entry));
}

function replaced(progress: Progress, entry: journal.ExecProgress): Progress['execs'] {
  return progress.execs.map((known) => (known.info.id === entry.info.id ? entry : known));
}

function checkRuns(container: Container): void {
  const { name, id } = container.definition;
  const { status } = container.progress.state;
  if (status === 'paused')
    throw new CleatError('conflict', 'CONTAINER_PAUSED', `container ${name} is paused, unpause the container before exec`);
  if (!hasProcess(container.progress)) throw new CleatError('conflict', 'CONTAINER_NOT_RUNNING', `container ${id} is not running`);
}
