import { existsSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { countLines, listSegments, sizeOf } from '@cleat/runtime';
import { type logdata, type providerTypes, toCleatError } from '@cleat/schemas';
import { type Container, hasProcess } from '../state/container.ts';
import { type EngineParts, pathsOf } from './parts.ts';
import { currentLog, logSegment, runBundle } from './paths.ts';

const LOOK_MS = 1_000;
const SIGSTOP = 19;
const SIGCONT = 18;

/**
 * The monitors' output on its way to the provider of logs: segments that the kernel alone rotates. A spool that is full
 * loses its oldest segment, or stops the monitor until there is room, as the policy says.
 */
export class LogSpool {
  readonly #parts: EngineParts;
  readonly #stopped = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => {
      if (this.#isLooking) return;
      this.#isLooking = true;
      void this.#look().finally(() => {
        this.#isLooking = false;
      });
    }, LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const id of this.#stopped) this.#continue(id);
  }

  /** The segment of the run that has ended gets its number. Idempotent. */
  seal(container: Container): void {
    const paths = pathsOf(this.#parts, container.definition.id);
    const target = logSegment(paths, container.progress.logLast);
    if (existsSync(currentLog(paths)) && !existsSync(target)) renameSync(currentLog(paths), target);
  }

  segments(reference: string): logdata.SegmentsResponseInput {
    const container = this.#parts.store.find(reference);
    const { definition, progress } = container;
    const paths = pathsOf(this.#parts, definition.id);
    const numbers = listSegments(paths.logs).filter((number) => number >= progress.logFirst);
    const segments = numbers.map((number) => ({
      number,
      path: logSegment(paths, number),
      sizeBytes: statSync(logSegment(paths, number)).size,
      open: false,
      run: progress.state.run,
    }));
    const current = currentLog(paths);
    const open = existsSync(current)
      ? [
          {
            number: progress.logLast,
            path: current,
            sizeBytes: statSync(current).size,
            open: hasProcess(progress),
            run: progress.state.run,
          },
        ]
      : [];
    return { segments: [...segments, ...open], dropped: progress.logDropped, running: hasProcess(progress) };
  }

  acknowledge(reference: string, number: number): void {
    const { store } = this.#parts;
    const container = store.find(reference);
    const { id } = container.definition;
    const first = Math.min(number + 1, container.progress.logLast);
    if (first <= container.progress.logFirst) return;
    const paths = pathsOf(this.#parts, id);
    store.step(id, 'log.acknowledged', { ...container.progress, logFirst: first });
    for (const known of listSegments(paths.logs)) if (known < first) unlinkSync(logSegment(paths, known));
    this.#continue(id);
  }

  async #look(): Promise<void> {
    for (const container of this.#parts.store.containers.values()) {
      const policy = policyOf(container);
      if (policy === undefined || !hasProcess(container.progress)) continue;
      try {
        await this.#rotateIfDue(container, policy);
        await this.#bound(container.definition.id, policy);
      } catch (error) {
        this.#parts.host.log.warn('a log could not be rotated', {
          container: container.definition.id,
          error: toCleatError(error).message,
        });
      }
    }
  }

  async #rotateIfDue(container: Container, policy: providerTypes.LogPolicy): Promise<void> {
    const { id } = container.definition;
    const paths = pathsOf(this.#parts, id);
    if (policy.segmentBytes <= 0 || sizeOf(currentLog(paths)) < policy.segmentBytes) return;
    const { store, host, queue } = this.#parts;
    if (queue.isBusy(id)) return;
    await queue.run(id, async () => {
      const known = store.containers.get(id);
      if (known === undefined || !hasProcess(known.progress)) return;
      const number = known.progress.logLast;
      await host.runtime.rotateLog(
        runBundle(paths, known.progress.state.run),
        currentLog(paths),
        logSegment(paths, number),
      );
      store.step(id, 'log.rotated', { ...store.get(id).progress, logLast: number + 1 });
    });
  }

  async #bound(id: string, policy: providerTypes.LogPolicy): Promise<void> {
    if (policy.spoolBytes <= 0) return;
    const { store, host } = this.#parts;
    const known = store.containers.get(id);
    if (known === undefined) return;
    const paths = pathsOf(this.#parts, id);
    const numbers = listSegments(paths.logs);
    const bytes = numbers.reduce((sum, number) => sum + sizeOf(logSegment(paths, number)), sizeOf(currentLog(paths)));
    if (bytes <= policy.spoolBytes) return this.#continue(id);
    if (policy.mode === 'blocking') {
      if (this.#stopped.has(id)) return;
      this.#stopped.add(id);
      host.runtime.signal(known.progress.monitor, SIGSTOP);
      return;
    }
    const [oldest] = numbers;
    if (oldest === undefined || bytes - sizeOf(logSegment(paths, oldest)) < leastKept(policy)) return;
    const lost = await countLines(logSegment(paths, oldest));
    store.step(id, 'log.dropped', {
      ...store.get(id).progress,
      logFirst: oldest + 1,
      logDropped: known.progress.logDropped + lost,
    });
    unlinkSync(logSegment(paths, oldest));
  }

  #continue(id: string): void {
    if (!this.#stopped.delete(id)) return;
    const known = this.#parts.store.containers.get(id);
    if (known !== undefined) this.#parts.host.runtime.signal(known.progress.monitor, SIGCONT);
  }
}

function policyOf(container: Container): providerTypes.LogPolicy | undefined {
  for (const { contribution } of container.progress.claims) if (contribution?.log != null) return contribution.log;
  return undefined;
}

/** A burst makes a segment larger than the whole spool: it goes when something has come after it, not while it is all there is. */
function leastKept({ segmentBytes, spoolBytes }: providerTypes.LogPolicy): number {
  return Math.max(spoolBytes - segmentBytes, segmentBytes / 2);
}
