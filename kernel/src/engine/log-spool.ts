import { existsSync, unlinkSync } from 'node:fs';
import { everyWhole } from '@cleat/core';
import { countLines, type LogSegment, listSegments, sealSegment, segmentPath, sizeOf, spaceOf, spaceTaken } from '@cleat/runtime';
import { type logdata, type providerTypes, toCleatError } from '@cleat/schemas';
import { type Container, hasProcess } from '../state/container.ts';
import { type EngineParts, pathsOf } from './parts.ts';
import { currentLog, runBundle } from './paths.ts';

const LOOK_MS = 1_000;
/** A container that was silent for more looks than this is looked at only every so many looks. */
const SILENT_LOOKS = 5;
const SILENT_EVERY = 4;
const SIGSTOP = 19;
const SIGCONT = 18;

/**
 * The monitors' output on its way to the provider of logs: segments that the kernel alone rotates. A spool that is full
 * loses its oldest segment, or stops the monitor until there is room, as the policy says.
 */
export class LogSpool {
  readonly #parts: EngineParts;
  readonly #stopped = new Set<string>();
  /** What was written up to the last look, and for how many looks nothing was added to it. */
  #seen: ReadonlyMap<string, { readonly bytes: number; readonly silentLooks: number }> = new Map();
  #looks = 0;
  #endLooks: () => void = () => undefined;
  #isLooking = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#endLooks = everyWhole(LOOK_MS, () => {
      if (this.#isLooking) return;
      this.#isLooking = true;
      void this.#look().finally(() => {
        this.#isLooking = false;
      });
    });
  }

  stop(): void {
    this.#endLooks();
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

  async #look(): Promise<void> {
    for (const container of this.#written()) {
      const policy = policyOf(container);
      if (policy === undefined) continue;
      await this.#guarded(container, async () => {
        await this.#rotateIfDue(container, policy);
        await this.#bound(container.definition.id, policy);
      });
    }
  }

  /** Who has written something since the last look, or has to wait for room; one that was silent for long is looked at less often. */
  #written(): Container[] {
    this.#looks += 1;
    const before = this.#seen;
    const seen = new Map<string, { bytes: number; silentLooks: number }>();
    this.#seen = seen;
    const written: Container[] = [];
    for (const container of this.#parts.store.containers.values()) {
      if (!hasProcess(container.progress)) continue;
      const { id } = container.definition;
      const known = before.get(id);
      if (known !== undefined && known.silentLooks > SILENT_LOOKS && this.#looks % SILENT_EVERY !== 0) {
        seen.set(id, known);
        continue;
      }
      const bytes = sizeOf(currentLog(pathsOf(this.#parts, id)));
      const isSilent = known?.bytes === bytes;
      seen.set(id, { bytes, silentLooks: isSilent ? known.silentLooks + 1 : 0 });
      if (!isSilent || this.#stopped.has(id)) written.push(container);
    }
    return written;
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
