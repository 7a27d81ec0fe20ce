import { mkdirSync } from 'node:fs';
import { Deadline } from '@cleat/core';
import { wallClockNs as now } from '@cleat/core/deadlines';
import { type GivenContribution, type MergedContribution, merge } from '@cleat/core/provision';
import { writeHostFiles } from '@cleat/runtime';
import { CleatError, toCleatError } from '@cleat/schemas';
import { type Container, hasProcess, moved, NO_PROCESS, runHolder } from '../state/container.ts';
import { containerEvent } from '../state/event-draft.ts';
import { fillEmptySources } from './copy-up.ts';
import type { ExitContainer } from './exit.ts';
import { ATTACH_MS, CLEAN_MS, CREATE_PROCESS_MS, DETACH_MS, GO_MS } from './limits.ts';
import { namespacePaths } from './namespaces.ts';
import { type Asked, cgroupOf, type EngineParts, factsOf, pathsOf } from './parts.ts';
import { currentLog, runBundle, runExitDir } from './paths.ts';
import type { ProcessStart } from './ports.ts';

/** Starts a container: a use is opened or kept, the process made, and only then let run. Until then all of it can go back. */
export class StartContainer {
  readonly #parts: EngineParts;
  readonly #exit: ExitContainer;

  constructor(parts: EngineParts, exit: ExitContainer) {
    this.#parts = parts;
    this.#exit = exit;
  }

  /** For a client. Resolves with false when it was running already. */
  async run(id: string, asked: Asked): Promise<boolean> {
    return this.#parts.queue.run(
      id,
      (signal) => this.begin(id, { ...asked, signal }, { restartCount: 0, stoppedByClient: false }),
      asked.signal === undefined ? {} : { signal: asked.signal },
    );
  }

  /** Within the container's queue. */
  async begin(id: string, asked: Asked, counts: { readonly restartCount: number; readonly stoppedByClient: boolean }): Promise<boolean> {
    const current = this.#parts.store.get(id);
    if (hasProcess(current.progress)) return alreadyRunning(current);
    if (current.progress.state.status === 'removing' || current.progress.state.status === 'dead') {
      throw new CleatError('conflict', 'CONTAINER_STATE', 'container is marked for removal and cannot be started');
    }
    this.#exit.cancelRestart(id);
    const run = current.progress.state.run + 1;
    const holders = [
      ...current.progress.holders.filter(({ id: holder }) => !holder.startsWith('run:')),
      { id: runHolder(run), scope: 'all', owner: '', leaseMs: 0 },
    ];
    const progress = moved(current, 'starting', { run, error: '', pid: 0, ...counts });
    this.#parts.store.step(id, 'start.intent', { ...progress, open: 'start', holders });
    try {
      await this.#start(id, run, asked);
    } catch (error) {
      throw await this.#failed(id, run, asked, toCleatError(error, 'START_FAILED'));
    }
    return true;
  }

  async #start(id: string, run: number, asked: Asked): Promise<void> {
    const { store, uses, host } = this.#parts;
    await uses.open(id, { deadline: Deadline.after(ATTACH_MS), actor: asked.actor, signal: asked.signal });
    await fillEmptySources(this.#parts, id, Deadline.after(ATTACH_MS));
    const start = await this.#prepare(id, run, asked);
    store.step(id, 'monitor.intent', store.get(id).progress);
    const made = await host.runtime.create(start);
    const known = store.get(id).progress;
    store.step(id, 'monitor.done', { ...known, monitor: made.monitor, init: made.init, state: { ...known.state, pid: made.pid } });
    if (host.streams.hasSessions(id)) await host.streams.connect(id, run, `${start.bundle}/attach`);
    asked.signal?.throwIfAborted();
    store.step(id, 'go', store.get(id).progress);
    await this.#go(id, start, made.pid, asked);
  }

  /** From the record `go` on it only goes forward: what fails now is an end of the run. */
  async #go(id: string, start: ProcessStart, pid: number, asked: Asked): Promise<void> {
    const { store, host } = this.#parts;
    try {
      await host.runtime.go({ ...start, pid, deadline: Deadline.after(GO_MS) });
    } catch (error) {
      host.log.warn('a created process could not be let run', { container: id, error });
      await host.runtime.killAll(start.cgroup, Deadline.after(CLEAN_MS));
    }
    await this.confirm(id, asked);
    await store.sync();
  }

  /** Records that the run is up, and watches for its end. */
  async confirm(id: string, asked: Asked): Promise<void> {
    const { store } = this.#parts;
    const current = store.get(id);
    const progress = moved(current, 'running', { startedAt: now(), finishedAt: 0n, exitCode: 0, oomKilled: false });
    store.step(id, 'started', { ...progress, open: '' }, [containerEvent(factsOf(current, asked), 'started')]);
    this.#exit.watch(id);
  }

  async #prepare(id: string, run: number, asked: Asked): Promise<ProcessStart> {
    const { store, host } = this.#parts;
    const current = store.get(id);
    const paths = pathsOf(this.#parts, id);
    const bundle = runBundle(paths, run);
    mkdirSync(runExitDir(paths, run), { recursive: true, mode: 0o711 });
    const { spec, name } = current.definition;
    const contribution = mergedOf(current);
    await writeHostFiles(paths, spec, contribution);
    const cgroup = cgroupOf(this.#parts, current);
    const namespaces = namespacePaths(this.#parts, current);
    await host.runtime.writeBundle({
      id,
      name,
      bundle,
      spec,
      root: paths.root,
      contribution,
      paths,
      cgroupName: id,
      namespaces,
      isView: false,
    });
    return {
      ...{ id, run, bundle, spec, cgroup },
      runtime: spec.runtime,
      logPath: this.#logPath(current),
      exitDir: runExitDir(paths, run),
      hasPoststartHooks: contribution.hooks.some(({ at }) => at === 'poststart'),
      deadline: Deadline.after(CREATE_PROCESS_MS),
      signal: asked.signal,
    };
  }

  /** The segment for this run, when a provider of logs keeps the container's. */
  #logPath(container: Container): string | undefined {
    const { definition, progress } = container;
    const hasLog = progress.claims.some(({ contribution }) => contribution?.log != null);
    if (!hasLog) return undefined;
    const paths = pathsOf(this.#parts, definition.id);
    mkdirSync(paths.logs, { recursive: true, mode: 0o700 });
    return currentLog(paths);
  }

  /** Takes a start back that has let nothing run, and gives the error for the client. */
  async #failed(id: string, run: number, asked: Asked, error: CleatError): Promise<CleatError> {
    const { store } = this.#parts;
    const current = store.containers.get(id);
    if (current === undefined || current.progress.open !== 'start') return error;
    await this.undo(id, run, asked, error);
    // As Docker does: who asked for --rm waits for the removal, also of a container that could not be started.
    if (current.definition.spec.autoRemove) this.#exit.removeSoon(id);
    return error;
  }

  /** Ends what may still be made of a run, and closes what it held. */
  async undo(id: string, run: number, asked: Asked, error: CleatError): Promise<void> {
    const { store, host, uses } = this.#parts;
    try {
      await this.#endCreation(store.get(id), run);
    } catch (failure) {
      // Nothing of it was let run. Left here the container would be starting for ever.
      host.log.warn('what a start has made could not be ended', { container: id, error: toCleatError(failure).message });
    }
    await uses.leave(id, runHolder(run), { deadline: Deadline.after(DETACH_MS), actor: asked.actor });
    const undone = store.get(id);
    const status = undone.progress.state.startedAt === 0n ? 'created' : 'exited';
    const exitCode = exitCodeOf(error);
    const progress = moved(undone, status, { pid: 0, exitCode, error: error.message });
    store.step(id, 'start.undone', { ...progress, open: '', monitor: NO_PROCESS, init: NO_PROCESS });
    host.streams.exited(id, run, exitCode, false);
    await store.sync();
  }

  /** A start by policy that a crash has cut off is made again: its use stays open, and the attempt counts for nothing. */
  async backToRestarting(id: string): Promise<void> {
    const { store } = this.#parts;
    const { run, restartCount } = store.get(id).progress.state;
    await this.#endCreation(store.get(id), run);
    const progress = moved(store.get(id), 'restarting', { pid: 0, restartCount: restartCount - 1 });
    store.step(id, 'start.again', { ...progress, open: '', restartAt: now(), monitor: NO_PROCESS, init: NO_PROCESS });
  }

  async #endCreation(current: Container, run: number): Promise<void> {
    const { id, spec } = current.definition;
    const cgroup = cgroupOf(this.#parts, current);
    const bundle = runBundle(pathsOf(this.#parts, id), run);
    const creation = { id, bundle, cgroup, runtime: spec.runtime };
    await this.#parts.host.runtime.endCreation(creation, Deadline.after(CLEAN_MS));
  }
}

/** What the contributions of a container's claims give together. */
export function mergedOf(container: Container): MergedContribution {
  const { definition, progress } = container;
  const given = progress.claims.flatMap((claim): readonly GivenContribution[] =>
    claim.contribution === null ? [] : [{ claim: claim.name, plugin: claim.provider, contribution: claim.contribution }],
  );
  return merge(given, new Set(definition.spec.mounts.map(({ target }) => target)));
}

function alreadyRunning(container: Container): boolean {
  const { status } = container.progress.state;
  if (status === 'paused' || status === 'pausing') {
    throw new CleatError('conflict', 'CONTAINER_PAUSED', 'cannot start a paused container, try unpause instead');
  }
  return false;
}

/** Docker's codes for a process that never was: 127 not found, 126 not executable, 128 all else. */
export function exitCodeOf(error: CleatError): number {
  if (error.code === 'PROCESS_NOT_FOUND') return 127;
  return error.code === 'PROCESS_NOT_EXECUTABLE' ? 126 : 128;
}
