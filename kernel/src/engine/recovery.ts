import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { backoff, Deadline } from '@cleat/core';
import { wallClockNs as now } from '@cleat/core/deadlines';
import { removeTree } from '@cleat/core/files';
import { isSameProcess } from '@cleat/core/syscalls';
import { toCleatError } from '@cleat/schemas';
import { type Container, hasProcess, moved, NO_PROCESS } from '../state/container.ts';
import { containerExited } from '../state/event-draft.ts';
import type { ChangeContainer } from './change.ts';
import type { CreateContainer } from './create.ts';
import type { Execs } from './execs.ts';
import type { ExitContainer } from './exit.ts';
import { CLEAN_MS, FREEZE_MS, GO_MS } from './limits.ts';
import type { LogSpool } from './log-spool.ts';
import { BY_ITSELF, cgroupOf, type EngineParts, factsOf } from './parts.ts';
import type { RemoveContainer } from './remove.ts';
import { startsAtBoot } from './restart-policy.ts';
import type { StartContainer } from './start.ts';
import type { StopContainer } from './stop.ts';
import type { Views } from './views.ts';

/** The operations that recovery goes on with. */
export interface RecoverableOperations {
  readonly creation: CreateContainer;
  readonly starts: StartContainer;
  readonly exits: ExitContainer;
  readonly logs: LogSpool;
  readonly stops: StopContainer;
  readonly removals: RemoveContainer;
  readonly changes: ChangeContainer;
  readonly views: Views;
  readonly execs: Execs;
}

/** Docker's code for a run whose end nobody saw: the host went down. */
const UNSEEN_CODE = 255;
const RETRY = { baseMs: 500, factor: 2, maxMs: 30_000 };

/**
 * What a start of the kernel does with what it finds. A create or start that let nothing run goes back, all else forward.
 * Plugins are not there yet: what they should undo is owed to them and settled by their reconcile.
 */
export class Recovery {
  readonly #parts: EngineParts;
  readonly #engine: RecoverableOperations;
  readonly #attempts = new Map<string, number>();

  constructor(parts: EngineParts, engine: RecoverableOperations) {
    this.#parts = parts;
    this.#engine = engine;
  }

  /** Everything that needs no plugin. One container that cannot be recovered does not keep the others from it. */
  async run(): Promise<void> {
    const { store, queue, host } = this.#parts;
    const ids = [...store.containers.keys()];
    await Promise.all(
      ids.map(async (id) => {
        try {
          await queue.run(id, () => this.#recover(id));
        } catch (error) {
          host.log.error('a container could not be recovered', { container: id, error: toCleatError(error).message });
        }
      }),
    );
    await this.#sweep();
    await store.sync();
  }

  /** A start by policy that failed because a plugin is away is tried again, with a back-off that counts against no limit. */
  retryLater(id: string, wasSameUse: boolean, error: unknown): void {
    const { store, host } = this.#parts;
    const reason = toCleatError(error);
    const current = store.containers.get(id);
    if (current === undefined || current.progress.open !== '' || current.progress.state.stoppedByClient) return;
    if (wasSameUse || (reason.class !== 'unavailable' && reason.class !== 'deadline_exceeded')) {
      host.log.warn('a start by policy failed', { container: id, reason: reason.message });
      return;
    }
    const attempt = (this.#attempts.get(id) ?? 0) + 1;
    this.#attempts.set(id, attempt);
    const waitMs = backoff(attempt, RETRY);
    host.log.info('a start waits for a plugin', { container: id, reason: reason.message, waitMs });
    const progress = moved(current, 'restarting', { error: reason.message, restartCount: current.progress.state.restartCount });
    store.step(id, 'start.later', { ...progress, restartAt: now() + BigInt(Math.round(waitMs)) * 1_000_000n });
    this.#engine.exits.scheduleRestart(id);
  }

  async #recover(id: string): Promise<void> {
    const { store, host } = this.#parts;
    const { open, bootId } = store.get(id).progress;
    if (bootId !== host.bootId) await this.#afterBoot(id);
    if (!store.containers.has(id)) return;
    if (open === 'create') return this.#engine.creation.undo(id, BY_ITSELF);
    if (open === 'remove') return this.#engine.removals.finish(id, BY_ITSELF);
    this.#engine.execs.recover(store.get(id));
    if (bootId === host.bootId) await this.#sameBoot(id, open);
    await this.#engine.views.recover(id);
    await this.#rest(id);
  }

  async #sameBoot(id: string, open: string): Promise<void> {
    const { store } = this.#parts;
    if (open === 'start') return this.#openStart(store.get(id));
    if (open === 'exit') return this.#engine.exits.settle(id);
    if (open === 'close') return this.#engine.exits.closeBetweenRuns(id);
    const changed = open.startsWith('claim.') ? open.slice(open.indexOf(':') + 1) : '';
    if (changed !== '') await this.#engine.changes.dropClaim(id, changed, BY_ITSELF);
    if (hasProcess(store.get(id).progress)) await this.#running(store.get(id));
  }

  /** Before the record `go` it goes back; from there on forward. */
  async #openStart(current: Container): Promise<void> {
    const { store, host } = this.#parts;
    const { id, spec } = current.definition;
    const { step, state, init } = current.progress;
    if (step !== 'go') {
      if (state.restartCount > 0 && !state.stoppedByClient) return this.#engine.starts.backToRestarting(id);
      const interrupted = toCleatError(new Error('the start was interrupted'), 'START_INTERRUPTED');
      await this.#engine.starts.undo(id, state.run, BY_ITSELF, interrupted);
      return;
    }
    if (isSameProcess(init.pid, init.startTime)) {
      try {
        await host.runtime.go({
          id,
          runtime: spec.runtime,
          bundle: this.#engine.exits.watched(current).bundle,
          hasPoststartHooks: false,
          pid: state.pid,
          deadline: Deadline.after(GO_MS),
        });
      } catch (error) {
        host.log.warn('a created process could not be let run', { container: id, error });
        await host.runtime.killAll(cgroupOf(this.#parts, store.get(id)), Deadline.after(CLEAN_MS));
      }
    }
    await this.#engine.starts.confirm(id, BY_ITSELF);
  }

  async #running(current: Container): Promise<void> {
    const { store, host } = this.#parts;
    const { id } = current.definition;
    const { status } = current.progress.state;
    if (status === 'pausing') {
      await host.runtime.unpause(cgroupOf(this.#parts, current), Deadline.after(FREEZE_MS));
      store.step(id, 'pause.undone', moved(store.get(id), 'running'));
    }
    this.#engine.exits.watch(id);
    for (const exec of this.#engine.execs.running(current)) {
      if (exec.monitor.pid === 0) await this.#engine.execs.endUnfinished(exec.id);
      else this.#engine.execs.watch(current, exec);
    }
    // A stop always goes forward: its client may be gone, its word is not.
    if (status === 'stopping')
      host.tasks.spawn('stop', async () => void (await this.#engine.stops.stop(id, { timeoutS: -1, signal: '' }, BY_ITSELF)));
  }

  /** Attachments ended with the host; so did every process. */
  async #afterBoot(id: string): Promise<void> {
    const { store, host, uses } = this.#parts;
    const before = store.get(id);
    const { spec } = before.definition;
    const { state, open, step } = before.progress;
    const ran = hasProcess(before.progress) || (open === 'start' && step === 'go');
    const startsAgain = open !== 'create' && open !== 'remove' && startsAtBoot(spec.restart, state);
    await this.#renew(before);
    // From here to the end at once: who joins this one looks at its boot and status.
    uses.voidAll(id, host.bootId);
    if (open === 'create' || open === 'remove') return;
    const current = store.get(id);
    const execs = current.progress.execs.map((exec) => ({
      ...exec,
      monitor: NO_PROCESS,
      info: { ...exec.info, running: false, pid: 0, exitCode: exec.info.exitCode ?? UNSEEN_CODE },
    }));
    const logLast = this.#engine.logs.seal(current);
    const cleared = { ...current.progress, open: '', execs, monitor: NO_PROCESS, init: NO_PROCESS, logLast };
    if (ran) {
      const ended = { ...state, status: 'exited' as const, pid: 0, exitCode: UNSEEN_CODE, finishedAt: now() };
      const event = containerExited(factsOf(current, BY_ITSELF), { exitCode: UNSEEN_CODE, run: state.run });
      store.step(id, 'boot.ended', { ...cleared, state: ended }, [event]);
    } else {
      const status = ['starting', 'restarting', 'stopping', 'pausing'].includes(state.status)
        ? state.startedAt === 0n
          ? 'created'
          : 'exited'
        : state.status;
      store.step(id, 'boot.seen', { ...cleared, state: { ...state, status, pid: 0 } });
    }
    if (startsAgain && !spec.autoRemove) this.#waitForProviders(id);
  }

  /** A run directory that is no tmpfs still has the runtime's state of the boot before; one that is has lost the claims' directories. */
  async #renew(before: Container): Promise<void> {
    const { spec, id } = before.definition;
    const { bundle, cgroup } = this.#engine.exits.watched(before);
    const run = { id, bundle, cgroup, spec, runtime: spec.runtime, hasPoststopHooks: false };
    if (before.progress.state.run > 0) {
      try {
        await this.#parts.host.runtime.clean(run, Deadline.after(CLEAN_MS));
      } catch (error) {
        const { message } = toCleatError(error);
        this.#parts.host.log.warn('the state of the boot before stays', { container: id, error: message });
      }
    }
    for (const { reserved, directory } of before.progress.claims) {
      if (reserved) mkdirSync(directory, { recursive: true, mode: 0o700 });
    }
  }

  #waitForProviders(id: string): void {
    const { store } = this.#parts;
    const current = store.get(id);
    const status = 'restarting' as const;
    store.step(id, 'boot.restart', {
      ...current.progress,
      restartAt: now(),
      state: { ...current.progress.state, status, restartCount: 0 },
    });
  }

  /** What is the same after a crash and after a boot. */
  async #rest(id: string): Promise<void> {
    const { store, uses, host } = this.#parts;
    const current = store.containers.get(id);
    if (current === undefined || current.progress.open !== '') return;
    const { status } = current.progress.state;
    if (status === 'restarting') this.#engine.exits.scheduleRestart(id);
    else if (!hasProcess(current.progress)) {
      if (current.progress.holders.length === 0 && uses.isOpen(id))
        await uses.close(id, { deadline: Deadline.after(CLEAN_MS), actor: BY_ITSELF.actor });
      if (status === 'exited' && current.definition.spec.autoRemove) {
        host.tasks.spawn('auto-remove', () => this.#engine.removals.run(id, { force: false, purge: true }, BY_ITSELF));
      }
    }
  }

  /** Directories of containers that no record knows. */
  async #sweep(): Promise<void> {
    const { store, host } = this.#parts;
    for (const parent of [join(host.runDir, 'c'), join(host.stateDir, 'containers')]) {
      for (const name of list(parent)) {
        if (store.containers.has(name)) continue;
        try {
          await removeTree(join(parent, name));
        } catch (error) {
          host.log.warn('a directory of a removed container stays', { path: join(parent, name), error: toCleatError(error).message });
        }
      }
    }
  }
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Not made yet.
    return [];
  }
}
