import { Deadline } from '@cleat/core';
import { parseSignal } from '@cleat/runtime';
import { CleatError } from '@cleat/schemas';
import { type Container, hasProcess, moved } from '../state/container.ts';
import { containerEvent, containerKilled } from '../state/event-draft.ts';
import type { ExitContainer } from './exit.ts';
import { FREEZE_MS, KILL_MS } from './limits.ts';
import { type Asked, cgroupOf, type EngineParts, factsOf, runSurely, tell } from './parts.ts';

const SIGKILL = 9;
const SIGCONT = 18;

/** Stop, kill, pause and unpause. The wait for an exit is outside of the container's queue: the exit is handled in it. */
export class StopContainer {
  readonly #parts: EngineParts;
  readonly #exit: ExitContainer;

  constructor(parts: EngineParts, exit: ExitContainer) {
    this.#parts = parts;
    this.#exit = exit;
  }

  /** Signal, grace, SIGKILL. Resolves with false when nothing ran. */
  async stop(id: string, how: { readonly timeoutS: number; readonly signal: string }, asked: Asked): Promise<boolean> {
    const { store, queue } = this.#parts;
    const { spec } = store.get(id).definition;
    const signal = parseSignal(how.signal === '' ? spec.stopSignal : how.signal);
    const graceMs = (how.timeoutS < 0 ? spec.stopTimeoutS : how.timeoutS) * 1000;
    const wasRunning = await queue.run(id, () => this.#beginStop(id, signal, asked), { preempt: true });
    if (!wasRunning) return false;
    const isEnded = await this.#exit.waitForEnd(id, Deadline.after(graceMs), asked.signal);
    if (!isEnded) await this.#killHard(id, asked);
    await queue.run(id, () => tell(this.#parts, id, 'stopped', asked));
    return true;
  }

  /** Sends a signal; SIGKILL and the stop signal keep the policy from starting it again. */
  async kill(id: string, text: string, asked: Asked): Promise<void> {
    const { store, queue } = this.#parts;
    const signal = parseSignal(text);
    const { name, spec } = store.get(id).definition;
    const isFinal = signal === SIGKILL || signal === parseSignal(spec.stopSignal);
    await queue.run(
      id,
      async () => {
        const current = store.get(id);
        if (!hasProcess(current.progress)) {
          if (current.progress.state.status !== 'restarting')
            throw new CleatError('conflict', 'CONTAINER_NOT_RUNNING', `Cannot kill container: ${name}: Container ${id} is not running`);
          this.#endRestarting(current);
          return;
        }
        const progress = isFinal ? { ...current.progress, state: { ...current.progress.state, stoppedByClient: true } } : current.progress;
        store.step(id, 'kill', progress, [containerKilled(factsOf(current, asked), signal)]);
        if (signal === SIGKILL) await this.#thaw(current);
        this.#parts.host.runtime.signal(current.progress.init, signal);
        if (isFinal) this.#parts.host.runtime.signal(current.progress.monitor, SIGCONT);
        await store.sync();
      },
      { preempt: signal === SIGKILL },
    );
    if (signal === SIGKILL) await this.#exit.waitForEnd(id, Deadline.after(KILL_MS), asked.signal);
  }

  /** Before a removal with force: no process is left, or it throws `internal` KILL_FAILED. */
  async end(id: string, asked: Asked): Promise<void> {
    const { store, queue } = this.#parts;
    const isRunning = await queue.run(
      id,
      async () => {
        const current = store.get(id);
        if (current.progress.state.status === 'restarting') this.#endRestarting(current);
        return hasProcess(store.get(id).progress);
      },
      { preempt: true },
    );
    if (isRunning) await this.#killHard(id, asked);
  }

  async pause(id: string, asked: Asked): Promise<void> {
    const { store, queue, host } = this.#parts;
    await queue.run(id, async () => {
      const current = store.get(id);
      const { status } = current.progress.state;
      if (status === 'paused') throw new CleatError('conflict', 'CONTAINER_PAUSED', `Container ${id} is already paused`);
      if (status !== 'running') throw new CleatError('conflict', 'CONTAINER_NOT_RUNNING', `Container ${id} is not running`);
      store.step(id, 'pause.intent', moved(current, 'pausing'));
      try {
        await host.runtime.pause(cgroupOf(this.#parts, current), Deadline.after(FREEZE_MS));
      } catch (error) {
        await this.#thaw(current);
        store.step(id, 'pause.undone', moved(store.get(id), 'running'));
        throw error;
      }
      store.step(id, 'paused', moved(store.get(id), 'paused'), [containerEvent(factsOf(current, asked), 'paused')]);
      await store.sync();
    });
  }

  async unpause(id: string, asked: Asked): Promise<void> {
    const { store, queue } = this.#parts;
    await queue.run(id, async () => {
      const current = store.get(id);
      if (current.progress.state.status !== 'paused')
        throw new CleatError('conflict', 'CONTAINER_NOT_PAUSED', `Container ${id} is not paused`);
      await this.#thaw(current);
      store.step(id, 'unpaused', moved(store.get(id), 'running'), [containerEvent(factsOf(current, asked), 'unpaused')]);
      await store.sync();
    });
  }

  async #beginStop(id: string, signal: number, asked: Asked): Promise<boolean> {
    const { store, host } = this.#parts;
    const current = store.get(id);
    if (current.progress.state.status === 'restarting') {
      this.#endRestarting(current);
      await store.sync();
      return false;
    }
    if (!hasProcess(current.progress)) {
      const { state } = current.progress;
      if (!state.stoppedByClient && state.run > 0)
        store.step(id, 'stop.noted', { ...current.progress, state: { ...state, stoppedByClient: true } });
      return false;
    }
    store.step(id, 'stop.intent', moved(current, 'stopping', { stoppedByClient: true }), [
      containerKilled(factsOf(current, asked), signal),
    ]);
    await this.#thaw(current);
    host.runtime.signal(current.progress.init, signal);
    // A spool that was full has stopped the monitor, which must be able to tell the end.
    host.runtime.signal(current.progress.monitor, SIGCONT);
    return true;
  }

  async #killHard(id: string, asked: Asked): Promise<void> {
    const { store, queue, host } = this.#parts;
    await queue.run(
      id,
      async () => {
        const current = store.get(id);
        if (!hasProcess(current.progress)) return;
        store.step(id, 'kill.intent', moved(current, 'stopping', { stoppedByClient: true }), [
          containerKilled(factsOf(current, asked), SIGKILL),
        ]);
        await this.#thaw(current);
        host.runtime.signal(current.progress.init, SIGKILL);
        host.runtime.signal(current.progress.monitor, SIGCONT);
      },
      { preempt: true },
    );
    if (await this.#exit.waitForEnd(id, Deadline.after(KILL_MS), asked.signal)) return;
    const current = store.get(id);
    await host.runtime.killAll(cgroupOf(this.#parts, current), Deadline.after(KILL_MS));
    if (await this.#exit.waitForEnd(id, Deadline.after(KILL_MS), asked.signal)) return;
    throw new CleatError('internal', 'KILL_FAILED', `container ${current.definition.name} did not end after SIGKILL`, {
      hint: 'A process of it may be waiting for a device or a file system that does not answer.',
    });
  }

  /** A container between two runs is simply not started again. */
  #endRestarting(current: Container): void {
    const { id } = current.definition;
    this.#exit.cancelRestart(id);
    const progress = moved(current, 'exited', { stoppedByClient: true });
    this.#parts.store.step(id, 'restart.cancelled', { ...progress, open: 'close', restartAt: 0n });
    this.#parts.host.tasks.spawn('close use', () => runSurely(this.#parts.queue, id, () => this.#exit.closeBetweenRuns(id)));
  }

  async #thaw(container: Container): Promise<void> {
    await this.#parts.host.runtime.unpause(cgroupOf(this.#parts, container), Deadline.after(FREEZE_MS));
  }
}
