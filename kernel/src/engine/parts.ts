import type { KeyedQueue } from '@cleat/core';
import { type common, isCleatError } from '@cleat/schemas';
import type { ContainerPast } from '@cleat/schemas/event-types';
import type { Container } from '../state/container.ts';
import { type ContainerFacts, containerEvent } from '../state/event-draft.ts';
import type { KernelStore } from '../state/kernel-store.ts';
import type { ClaimCalls } from './claim-calls.ts';
import { type ContainerPaths, containerPaths } from './paths.ts';
import type { EngineHost } from './ports.ts';
import type { Uses } from './uses.ts';

/** What every operation of the engine works with. */
export interface EngineParts {
  readonly store: KernelStore;
  readonly host: EngineHost;
  readonly claims: ClaimCalls;
  readonly uses: Uses;
  /** One container's operations come one after another. */
  readonly queue: KeyedQueue;
}

/** Who asked for an operation, and when it must be over. */
export interface Asked {
  readonly actor: common.ActorInput;
  readonly signal?: AbortSignal | undefined;
}

/** What the kernel does by itself. */
export const BY_ITSELF: Asked = { actor: { principal: 'kernel', caller: 'kernel' } };

export function pathsOf(parts: Pick<EngineParts, 'host'>, id: string): ContainerPaths {
  return containerPaths(parts.host.runDir, parts.host.stateDir, id);
}

export function factsOf(container: Container, asked: Asked): ContainerFacts {
  const { id, name, spec, attributes } = container.definition;
  return { id, name, labels: spec.labels, attributes, actor: asked.actor };
}

/** The cgroup of a container, below every hierarchy. */
export function cgroupOf(parts: Pick<EngineParts, 'host'>, container: Container): string {
  const { id, spec } = container.definition;
  return parts.host.runtime.cgroup(id, spec.cgroupParent);
}

/** Runs what must not be lost in a container's queue: a preempting operation only delays it. */
export async function runSurely(queue: KeyedQueue, id: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    let begun = false;
    try {
      await queue.run(id, async () => {
        begun = true;
        await work();
      });
      return;
    } catch (error) {
      if (begun || !isCleatError(error) || error.code !== 'OPERATION_PREEMPTED') throw error;
    }
  }
}

/** An event of a container whose state stays as it is, within its queue. */
export async function tell(parts: EngineParts, id: string, past: ContainerPast, asked: Asked): Promise<void> {
  const current = parts.store.containers.get(id);
  if (current === undefined) return;
  parts.store.step(id, past, current.progress, [containerEvent(factsOf(current, asked), past)]);
  await parts.store.sync();
}
