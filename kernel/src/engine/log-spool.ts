import { existsSync, unlinkSync } from 'node:fs';
import { untilWhole } from '@cleat/core';
import { countLines, type LogSegment, listSegments, sealSegment, segmentPath, sizeOf, spaceOf, spaceTaken } from '@cleat/runtime';
import { type logdata, type providerTypes, toCleatError } from '@cleat/schemas';
import { type Container, hasProcess } from '../state/container.ts';
import { type EngineParts, pathsOf } from './parts.ts';
import { currentLog, runBundle } from './paths.ts';

const LOOK_MS = 1_000;
/** Nobody has written anything for so many looks: the next ones are further apart. */
const QUIET_LOOKS = 5;
const QUIET_MS = 5_000;
const SIGSTOP = 19;
const SIGCONT = 18;

/**
 * The monitors' output on its way to the provider of logs: segments that the kernel alone rotates. A spool that is full
 * loses its oldest segment, or stops the monitor until there is room, as the policy says.
 */
export class LogSpool {
  readonly #parts: EngineParts;
  readonly #stopped = new Set<string>();
  /** What each run had written at the last look. */
  #seen: ReadonlyMap<string, number> = new Map();
  #quietLooks = 0;
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  start(): void {
    const look = (): void => void this.#look().finally(() => this.start());
    clearTimeout(this.#timer);
    if (this.#isEnded) return;
    this.#timer = setTimeout(look, untilWhole(this.#isQuiet ? QUIET_MS : LOOK_MS));
    this.#timer.unref();
  }

  /** A run begins: what it writes is looked at every second again. */
  stir(): void {
    if (!this.#isQuiet) return;
    this.#quietLooks = 0;
    this.start();
  }

  stop(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    for (const id of this.#stopped) this.#continue(id);
  }

  /** The segment of the run that has ended gets its number; one that is empty goes. Gives the next number. Idempotent. */
  seal({ definition, progress }: Container): number {
    const paths = pathsOf(this.#parts, definition.id);
    const target = segmentPath(paths.logs, progress.logLast, progress.state.run);
    return sealSegment(currentLog(paths), target) ? progress.logLast + 1 : progress.logLast;
  }

  /** Every run leaves a segment: a loop of crashes whose output nobody reads has to be bounded between the runs. */
  async afterRun(container: Container): Promise<void> {
    const policy = policyOf(container);
    if (policy !== undefined) await this.#guarded(container, () => this.#bound(container.definition.id, policy));
  }

  /** In blocking mode the next run by policy waits until there is room for what it says. */
  isBlocked(container: Container): boolean {
    const policy = policyOf(container);
    if (policy?.mode !== 'blocking' || policy.spoolBytes <= 0) return false;
    return this.#usedBytes(container.definition.id) > policy.spoolBytes;
  }

  segments(reference: string): logdata.SegmentsResponseInput {
    const container = this.#parts.store.find(reference);
    const { definition, progress } = container;
    const paths = pathsOf(this.#parts, definition.id);
    const sealed = listSegments(paths.logs).filter(({ number }) => number >= progress.logFirst);
    const segments = sealed.map((segment) => ({ ...segment, sizeBytes: sizeOf(segment.path), open: false }));
    const current = currentLog(paths);
    const running = hasProcess(progress);
    const last = { number: progress.logLast, run: progress.state.run, path: current, sizeBytes: sizeOf(current) };
    const open = existsSync(current) ? [{ ...last, open: running }] : [];
    return { segments: [...segments, ...open], dropped: progress.logDropped, running };
  }

  acknowledge(reference: string, number: number): void {
    const { store } = this.#parts;
    const container = store.find(reference);
    const { id } = container.definition;
    const first = Math.min(number + 1, container.progress.logLast);
    if (first <= container.progress.logFirst) return;
    const paths = pathsOf(this.#parts, id);
    store.step(id, 'log.acknowledged', { ...container.progress, logFirst: first });
    for (const known of listSegments(paths.logs)) if (known.number < first) unlinkSync(known.path);
    this.#continue(id);
  }

  get #isQuiet(): boolean {
    return this.#quietLooks >= QUIET_LOOKS;
  }

  async #look(): Promise<void> {
    const written = this.#written();
    this.#quietLooks = written.length === 0 ? this.#quietLooks + 1 : 0;
    for (const container of written) {
      const policy = policyOf(container);
      if (policy === undefined) continue;
      await this.#guarded(container, async () => {
        await this.#rotateIfDue(container, policy);
        await this.#bound(container.definition.id, policy);
      });
    }
  }

  /** Who has written something since the last look, or is stopped until there is room. */
  #written(): Container[] {
    const running = [...this.#parts.store.containers.values()].filter(({ progress }) => hasProcess(progress));
    const before = this.#seen;
    this.#seen = new Map(running.map(({ definition: { id } }) => [id, sizeOf(currentLog(pathsOf(this.#parts, id)))]));
    return running.filter(({ definition: { id } }) => this.#stopped.has(id) || before.get(id) !== this.#seen.get(id));
  }

  async #guarded({ definition }: Container, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { message } = toCleatError(error);
      this.#parts.host.log.warn('a log could not be rotated', { container: definition.id, error: message });
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
        segmentPath(paths.logs, number, known.progress.state.run),
      );
      store.step(id, 'log.rotated', { ...store.get(id).progress, logLast: number + 1 });
    });
  }

  async #bound(id: string, policy: providerTypes.LogPolicy): Promise<void> {
    const { store, host } = this.#parts;
    const known = store.containers.get(id);
    if (policy.spoolBytes <= 0 || known === undefined) return;
    let bytes = this.#usedBytes(id);
    if (bytes <= policy.spoolBytes) return this.#continue(id);
    if (policy.mode === 'blocking') {
      if (this.#stopped.has(id) || !hasProcess(known.progress)) return;
      this.#stopped.add(id);
      host.runtime.signal(known.progress.monitor, SIGSTOP);
      return;
    }
    for (const oldest of listSegments(pathsOf(this.#parts, id).logs)) {
      bytes -= spaceOf(oldest);
      if (bytes < leastKept(policy)) return;
      await this.#drop(id, oldest);
      if (bytes <= policy.spoolBytes) return;
    }
  }

  async #drop(id: string, { number, path }: LogSegment): Promise<void> {
    const lost = await countLines(path);
    const { progress } = this.#parts.store.get(id);
    // Dropped, or acknowledged, while it was counted.
    if (progress.logFirst > number) return;
    const counted = { logFirst: number + 1, logDropped: progress.logDropped + lost };
    this.#parts.store.step(id, 'log.dropped', { ...progress, ...counted });
    unlinkSync(path);
  }

  #usedBytes(id: string): number {
    const paths = pathsOf(this.#parts, id);
    return spaceTaken(paths.logs, currentLog(paths));
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
