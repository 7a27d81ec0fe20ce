import { Deadline } from '@cleat/core';
import { removeTree } from '@cleat/core/files';
import { CleatError } from '@cleat/schemas';
import { hasProcess, moved } from '../state/container.ts';
import { containerEvent } from '../state/event-draft.ts';
import type { ExitContainer } from './exit.ts';
import { DETACH_MS, RELEASE_MS } from './limits.ts';
import { type Asked, type EngineParts, factsOf, pathsOf } from './parts.ts';
import type { StopContainer } from './stop.ts';
import type { Views } from './views.ts';

/** Removes a container: once begun it only goes forward, and what a plugin that is away should release is owed to it. */
export class RemoveContainer {
  readonly #parts: EngineParts;
  readonly #stop: StopContainer;
  readonly #exit: ExitContainer;
  readonly #views: Views;

  constructor(parts: EngineParts, others: { readonly stop: StopContainer; readonly exit: ExitContainer; readonly views: Views }) {
    this.#parts = parts;
    this.#stop = others.stop;
    this.#exit = others.exit;
    this.#views = others.views;
  }

  async run(id: string, how: { readonly force: boolean; readonly purge: boolean }, asked: Asked): Promise<void> {
    const { queue, store } = this.#parts;
    if (how.force) await this.#stop.end(id, asked);
    await queue.run(
      id,
      async () => {
        const current = store.containers.get(id);
        if (current === undefined) return;
        if (hasProcess(current.progress) || current.progress.state.status === 'restarting')
          throw stillRuns(current.definition.name, current.progress.state.status);
        if (!how.force && current.progress.holders.length > 0) {
          throw new CleatError('conflict', 'CONTAINER_VIEWED', `container ${current.definition.name} is being copied from or to`, {
            hint: 'Wait for the copy to end, or remove it with force.',
          });
        }
        this.#exit.cancelRestart(id);
        const purge = how.purge || current.progress.purge;
        store.step(id, 'remove.intent', { ...moved(current, 'removing'), open: 'remove', purge });
        await this.finish(id, asked);
      },
      { preempt: how.force },
    );
  }

  /** From the record of the removal on; also after a crash. Within the container's queue. */
  async finish(id: string, asked: Asked): Promise<void> {
    const { store, uses, claims, host } = this.#parts;
    await this.#views.endAll(id);
    await uses.close(id, { deadline: Deadline.after(DETACH_MS), actor: asked.actor });
    const { purge } = store.get(id).progress;
    await claims.release(id, purge, { deadline: Deadline.after(RELEASE_MS), actor: asked.actor });
    const paths = pathsOf(this.#parts, id);
    await removeTree(paths.run);
    await removeTree(paths.state);
    const { exitCode } = store.get(id).progress.state;
    store.drop(id, 'removed', [containerEvent(factsOf(store.get(id), asked), 'removed')]);
    await store.sync();
    host.streams.removed(id, exitCode);
  }
}

function stillRuns(name: string, status: string): CleatError {
  const what = status === 'paused' ? 'paused and must be unpaused first' : `${status}: stop the container before removing or force remove`;
  return new CleatError('conflict', 'CONTAINER_RUNNING', `cannot remove container "/${name}": container is ${what}`);
}
