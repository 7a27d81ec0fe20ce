import { type Deadline, KeyedQueue, mayBeAttached } from '@cleat/core';
import type { container } from '@cleat/schemas';
import type { KernelStore } from '../state/kernel-store.ts';
import { ChangeContainer } from './change.ts';
import { ClaimCalls } from './claim-calls.ts';
import { CreateContainer } from './create.ts';
import { Execs } from './execs.ts';
import { ExitContainer } from './exit.ts';
import { RESTART_LOOK_MS } from './limits.ts';
import { LogSpool } from './log-spool.ts';
import { isJoinedComing } from './namespaces.ts';
import { type Asked, BY_ITSELF, type EngineParts, tell } from './parts.ts';
import type { EngineHost } from './ports.ts';
import { Recovery } from './recovery.ts';
import { RemoveContainer } from './remove.ts';
import { StartContainer } from './start.ts';
import { StopContainer } from './stop.ts';
import { Uses } from './uses.ts';
import { Views } from './views.ts';

/** The container engine: one object for each kind of operation, over one store and one queue a container. */
export class Engine {
  readonly parts: EngineParts;
  readonly creation: CreateContainer;
  readonly logs: LogSpool;
  readonly exits: ExitContainer;
  readonly starts: StartContainer;
  readonly stops: StopContainer;
  readonly removals: RemoveContainer;
  readonly changes: ChangeContainer;
  readonly views: Views;
  readonly execs: Execs;
  readonly recovery: Recovery;

  constructor(store: KernelStore, host: EngineHost) {
    const claims = new ClaimCalls(store, host);
    const uses = new Uses(store, host, claims);
    this.parts = { store, host, claims, uses, queue: new KeyedQueue() };
    this.creation = new CreateContainer(this.parts);
    this.logs = new LogSpool(this.parts);
    this.exits = new ExitContainer(this.parts, this.logs);
    this.starts = new StartContainer(this.parts, this.exits);
    this.stops = new StopContainer(this.parts, this.exits);
    this.views = new Views(this.parts);
    this.removals = new RemoveContainer(this.parts, { stop: this.stops, exit: this.exits, views: this.views });
    this.changes = new ChangeContainer(this.parts);
    this.execs = new Execs(this.parts);
    this.recovery = new Recovery(this.parts, this);
    this.exits.connect({ again: (id) => this.#again(id), remove: (id) => this.removals.run(id, { force: false, purge: true }, BY_ITSELF) });
  }

  async restart(id: string, request: container.RestartRequest, asked: Asked): Promise<void> {
    await this.stops.stop(id, { timeoutS: request.timeoutS, signal: request.signal }, asked);
    await this.starts.run(id, asked);
    await this.parts.queue.run(id, () => tell(this.parts, id, 'restarted', asked));
  }

  /** Ends what runs by itself; containers go on. */
  async close(deadline: Deadline): Promise<void> {
    this.exits.close();
    this.logs.stop();
    this.views.stop();
    await deadline
      .race(this.parts.queue.idle(), () => new Error('operations were still under way'))
      .catch((error: unknown) => this.parts.host.log.warn('closing', { error }));
  }

  /** The next run by policy: the same use, so nobody is asked, unless a reboot has voided it. */
  async #again(id: string): Promise<void> {
    const { queue, store } = this.parts;
    await queue.run(id, async (signal) => {
      const current = store.containers.get(id);
      if (current?.progress.state.status !== 'restarting') return;
      if (isJoinedComing(this.parts, current) || this.logs.isBlocked(current)) return this.exits.scheduleRestart(id, RESTART_LOOK_MS);
      const { restartCount } = current.progress.state;
      const isSameUse = current.progress.claims.some(mayBeAttached) || current.progress.rootMounted;
      try {
        await this.starts.begin(id, { ...BY_ITSELF, signal }, { restartCount: restartCount + 1, stoppedByClient: false });
      } catch (error) {
        this.recovery.retryLater(id, isSameUse, error);
      }
    });
  }
}
