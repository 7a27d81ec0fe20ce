import { Deadline } from '@cleat/core';
import { wallClockNs as now } from '@cleat/core/deadlines';
import { toCleatError } from '@cleat/schemas';
import { type Container, hasProcess, moved, NO_PROCESS, runHolder } from '../state/container.ts';
import { containerEvent, containerExited, type EventDraft } from '../state/event-draft.ts';
import { CLEAN_MS, DETACH_MS } from './limits.ts';
import type { LogSpool } from './log-spool.ts';
import { BY_ITSELF, cgroupOf, type EngineParts, factsOf, pathsOf, runSurely } from './parts.ts';
import { runBundle, runExitDir } from './paths.ts';
import type { RunEnd, WatchedRun } from './ports.ts';
import { restartDelayMs } from './restart-policy.ts';

/** What happens after an exit that other parts do. */
export interface AfterExit {
  /** Starts the next run, within the container's queue. */
  again(id: string): Promise<void>;
  remove(id: string): Promise<void>;
}

/** SIGKILL, as an exit code: what is known of a run whose monitor was killed with it. */
const LOST_CODE = 137;

/** The end of a run: recorded first, then the policy's word, then what the run held is closed. */
export class ExitContainer {
  readonly #parts: EngineParts;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #waiters = new Map<string, Set<() => void>>();
  readonly #logs: LogSpool;
  #after: AfterExit | undefined;

  constructor(parts: EngineParts, logs: LogSpool) {
    this.#parts = parts;
    this.#logs = logs;
  }

  connect(after: AfterExit): void {
    this.#after = after;
  }

  /** Watches the run that a container is in. */
  watch(id: string): void {
    const run = this.watched(this.#parts.store.get(id));
    this.#logs.stir();
    this.#parts.host.runtime.watch(run, (end) => {
      this.#parts.host.tasks.spawn('exit', () => runSurely(this.#parts.queue, id, () => this.ended(id, run.run, end)));
    });
  }

  watched(container: Container): WatchedRun {
    const { definition, progress } = container;
    const paths = pathsOf(this.#parts, definition.id);
    const { run } = progress.state;
    return {
      id: definition.id,
      run,
      bundle: runBundle(paths, run),
      exitDir: runExitDir(paths, run),
      cgroup: cgroupOf(this.#parts, container),
      monitor: progress.monitor,
      init: progress.init,
    };
  }

  /** Within the container's queue: the run is over. */
  async ended(id: string, run: number, end: RunEnd | 'lost'): Promise<void> {
    const { store, host } = this.#parts;
    const current = store.containers.get(id);
    if (current === undefined || current.progress.state.run !== run || !hasProcess(current.progress)) return;
    if (end === 'lost') await host.runtime.killAll(cgroupOf(this.#parts, current), Deadline.after(CLEAN_MS));
    const known: RunEnd = end === 'lost' ? { exitCode: LOST_CODE, finishedAt: now(), oomKilled: false } : end;
    await this.#record(store.get(id), known);
    await this.settle(id);
    await this.#logs.afterRun(current);
  }

  /** Time and code come first, whatever fails later; a full disk has room for this. */
  async #record(current: Container, end: RunEnd): Promise<void> {
    const { store } = this.#parts;
    const { definition, progress } = current;
    const { exitCode, oomKilled } = end;
    // The monitor may see the end of a short run before its start is written down.
    const { startedAt } = progress.state;
    const finishedAt = end.finishedAt > startedAt ? end.finishedAt : startedAt;
    const ranMs = Number((finishedAt - startedAt) / 1_000_000n);
    const state = { ...progress.state, exitCode, finishedAt, oomKilled };
    const delayMs = restartDelayMs(definition.spec.restart, state, ranMs);
    const next = delayMs === undefined ? 'exited' : 'restarting';
    const restartAt = delayMs === undefined ? 0n : now() + BigInt(delayMs) * 1_000_000n;
    const restartCount = delayMs !== undefined && ranMs >= 10_000 ? 0 : progress.state.restartCount;
    const ended = moved(current, next, { exitCode, finishedAt, oomKilled, pid: 0, restartCount });
    // Before the number moves on; after a crash in between the next look finds the target there.
    const logLast = this.#logs.seal(current);
    const execs = ended.execs.map((exec) =>
      exec.info.running ? { ...exec, info: { ...exec.info, running: false, pid: 0, exitCode: exec.info.exitCode ?? LOST_CODE } } : exec,
    );
    store.step(
      definition.id,
      'exit',
      { ...ended, open: 'exit', restartAt, monitor: NO_PROCESS, init: NO_PROCESS, execs, logLast },
      [],
      true,
    );
  }

  /** Goes on after the record of an exit: also after a crash, from wherever it was. */
  async settle(id: string): Promise<void> {
    const { store, host, uses } = this.#parts;
    const current = store.get(id);
    const { state } = current.progress;
    const { runtime } = current.definition.spec;
    const cgroup = cgroupOf(this.#parts, current);
    const bundle = runBundle(pathsOf(this.#parts, id), state.run);
    const hasPoststopHooks = current.progress.claims.some(
      ({ contribution }) => contribution?.hooks.some(({ at }) => at === 'poststop') === true,
    );
    await host.runtime.clean({ id, runtime, bundle, cgroup, spec: current.definition.spec, hasPoststopHooks }, Deadline.after(CLEAN_MS));
    const willRestart = state.status === 'restarting';
    if (!willRestart) await uses.leave(id, runHolder(state.run), { deadline: Deadline.after(DETACH_MS), actor: BY_ITSELF.actor });
    const settled = store.get(id);
    store.step(id, 'exited', { ...settled.progress, open: '' }, this.#exitEvents(settled));
    await store.sync();
    host.streams.exited(id, state.run, state.exitCode, willRestart);
    this.#wake(id);
    if (willRestart) this.scheduleRestart(id);
    else if (current.definition.spec.autoRemove) this.removeSoon(id);
  }

  /** Removes a container that was made to go with its run. */
  removeSoon(id: string): void {
    this.#parts.host.tasks.spawn('auto-remove', () => this.#after?.remove(id) ?? Promise.resolve());
  }

  /** Closes the use of a container that was between two runs: nobody is told of an end twice. */
  async closeBetweenRuns(id: string): Promise<void> {
    const { store, uses, host } = this.#parts;
    const { run, exitCode } = store.get(id).progress.state;
    await uses.leave(id, runHolder(run), { deadline: Deadline.after(DETACH_MS), actor: BY_ITSELF.actor });
    const closed = store.get(id);
    store.step(id, 'closed', { ...closed.progress, open: '' });
    await store.sync();
    host.streams.exited(id, run, exitCode, false);
    this.#wake(id);
  }

  #exitEvents(container: Container): readonly EventDraft[] {
    const facts = factsOf(container, BY_ITSELF);
    const { exitCode, oomKilled, run, finishedAt, startedAt } = container.progress.state;
    const exited = containerExited(facts, { exitCode, oomKilled, run, durationNs: Number(finishedAt - startedAt) });
    return oomKilled ? [containerEvent(facts, 'oom'), exited] : [exited];
  }

  /** Arms the start of the next run by policy. */
  scheduleRestart(id: string, minimumMs = 0): void {
    this.cancelRestart(id);
    const { restartAt } = this.#parts.store.get(id).progress;
    const waitMs = Math.max(minimumMs, Number((restartAt - now()) / 1_000_000n), 0);
    this.#timers.set(
      id,
      setTimeout(
        () => {
          this.#timers.delete(id);
          this.#parts.host.tasks.spawn('restart by policy', () => this.#restart(id));
        },
        Math.min(waitMs, 60_000),
      ),
    );
  }

  cancelRestart(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  async #restart(id: string): Promise<void> {
    try {
      await this.#after?.again(id);
    } catch (error) {
      this.#parts.host.log.warn('a restart by policy failed', { container: id, error: toCleatError(error).message });
    }
  }

  /** Resolves when the container has no process any more, or the deadline has passed (false). */
  async waitForEnd(id: string, deadline: Deadline, signal?: AbortSignal): Promise<boolean> {
    const isOver = (): boolean => {
      const current = this.#parts.store.containers.get(id);
      return current === undefined || !hasProcess(current.progress);
    };
    while (!isOver()) {
      if (deadline.isExpired || signal?.aborted === true) return false;
      await this.#nextEnd(id, deadline, signal);
    }
    return true;
  }

  #nextEnd(id: string, deadline: Deadline, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(id) ?? new Set();
      this.#waiters.set(id, waiters);
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        waiters.delete(done);
        if (waiters.size === 0) this.#waiters.delete(id);
        resolve();
      };
      const timer = setTimeout(done, Math.min(deadline.remainingMs, 2 ** 31 - 1));
      signal?.addEventListener('abort', done, { once: true });
      waiters.add(done);
    });
  }

  #wake(id: string): void {
    for (const done of [...(this.#waiters.get(id) ?? [])]) done();
  }

  close(): void {
    for (const id of this.#timers.keys()) this.cancelRestart(id);
  }
}
