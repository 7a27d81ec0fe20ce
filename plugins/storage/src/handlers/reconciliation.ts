import type { provider, providerTypes } from '@cleat/schemas';
import { type CallContext, Deadline, type ReconcileAll } from '@cleat/sdk';
import type { DriverLedger } from '@cleat/sdk/drivers';
import type { BindPoints } from '../bind-points.ts';
import { parseClaimOptions } from '../claim-options.ts';
import type { LocalDriver } from '../drivers/local-driver.ts';
import { type Hold, LOCAL_DRIVER, type Volume } from '../volume.ts';
import type { VolumeStore } from '../volume-store.ts';
import type { Volumes } from '../volumes.ts';
import type { VolumeProvider } from './volume-provider.ts';

export interface ReconciliationParts {
  readonly store: VolumeStore;
  readonly volumes: Volumes;
  readonly provider: VolumeProvider;
  readonly bindPoints: BindPoints;
  readonly local: LocalDriver;
  readonly ledger: DriverLedger;
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** What a driver of another plugin may take for one thing, of all that there is to reconcile. */
const EACH_MS = 5_000;

type Call = Pick<CallContext, 'signal' | 'deadline'>;

/** Makes claims, uses and mounts what the kernel says they are. It never removes data that nobody asked to remove. */
export class Reconciliation {
  readonly #parts: ReconciliationParts;

  constructor(parts: ReconciliationParts) {
    this.#parts = parts;
  }

  async run(all: ReconcileAll, call: Call): Promise<provider.ReconcileResponseInput> {
    const { store, volumes, bindPoints } = this.#parts;
    const failures: provider.FailureInput[] = [];
    this.#endVoid(all.bootId);
    const unopened = await this.#settleDrivers(all);
    await this.#settleOwed(all, failures, call);
    await this.#dropUnlisted(all, failures, call);
    const lacks = await this.#takeListed(all, unopened, call);
    await bindPoints.keepOnly(this.#attached().map(({ object }) => object));
    await this.#unmountUnused();
    await store.sync();
    await volumes.tell();
    return { lacks, failures };
  }

  /** Uses of an earlier boot went with it: nothing of them is mounted any more. */
  #endVoid(bootId: string): void {
    const { store } = this.#parts;
    for (const hold of store.holds()) {
      if (hold.attachment !== undefined && hold.attachment.bootId !== bootId) store.putHold({ ...hold, attachment: undefined });
    }
  }

  async #settleOwed(all: ReconcileAll, failures: provider.FailureInput[], whole: Call): Promise<void> {
    const { provider } = this.#parts;
    for (const { reference, operation, purge } of all.owed) {
      // A driver of another plugin that does not answer holds up what is owed to itself alone.
      const call = brief(whole);
      try {
        await provider.detachOwed(reference, call);
        if (operation === 'release') await provider.release({ reference, purge }, call);
      } catch (error) {
        failures.push({ reference, reason: reasonOf(error) });
      }
    }
  }

  /** Claims that the kernel does not list, and uses that it says are not open. A volume stays: that a claim is unknown removes no data. */
  async #dropUnlisted(all: ReconcileAll, failures: provider.FailureInput[], call: Call): Promise<void> {
    const { store, provider } = this.#parts;
    const listed = new Map(all.held.map((held) => [held.reference.object, held]));
    const failed = new Set(failures.map(({ reference }) => reference.object));
    for (const hold of store.holds().filter(({ object }) => !failed.has(object))) {
      const held = listed.get(hold.object);
      const reference = referenceOf(hold, all.bootId);
      try {
        if (held === undefined) await provider.release({ reference, purge: false }, call);
        else if (hold.attachment !== undefined && (!held.attached || !hold.attachment.isComplete)) {
          await provider.detach({ reference }, call);
        }
      } catch (error) {
        failures.push({ reference, reason: reasonOf(error) });
      }
    }
  }

  /** Holds again what is listed and not known; gives what can't be, as its volume is gone. */
  async #takeListed(all: ReconcileAll, unopened: ReadonlySet<string>, call: Call): Promise<providerTypes.ReferenceInput[]> {
    const { store, provider, warn } = this.#parts;
    const lacks: providerTypes.ReferenceInput[] = [];
    for (const held of all.held) {
      const hold = store.hold(held.reference.object) ?? this.#restore(held);
      if (hold === undefined || store.volume(hold.volume) === undefined) {
        warn('the volume of a container is lost', { container: held.reference.container, claim: held.reference.claim });
        lacks.push(held.reference);
        continue;
      }
      if (!held.attached) continue;
      const isKnown = hold.attachment !== undefined && !unopened.has(hold.object);
      const isOpen = isKnown && (await this.#isIntact(hold));
      if (isOpen) continue;
      await provider.reopen(held, brief(call)).catch((error: unknown) => {
        // The container has its mounts; a start of another one will say what is wrong.
        warn('a use of a volume could not be opened again', { container: held.reference.container, error });
      });
    }
    return lacks;
  }

  /** The volume by its name, made known again when its directory is there, or its driver holds it. */
  #restore(held: provider.Held): Hold | undefined {
    const { store, provider, local, ledger } = this.#parts;
    const { name, driver } = statusOf(held.status);
    if (name === '') return undefined;
    if (store.volume(name) === undefined) {
      const isLocal = driver === LOCAL_DRIVER;
      const object = isLocal ? undefined : ledger.find(name);
      if (isLocal ? !local.hasDirectory(name) : object?.driver !== driver) return undefined;
      const { options, labels } = parseClaimOptions(held.options);
      const createdAt = String(BigInt(Date.now()) * 1_000_000n);
      store.putVolume({ name, driver, options, labels, createdAt, status: object?.status ?? '', state: 'ready' });
    }
    return provider.restoreHold(held, name);
  }

  /**
   * Drivers of other plugins are owed the end of uses that are not listed. First of all, so that nothing below waits for one of them.
   * Resolves with what is listed and of which they know nothing.
   */
  async #settleDrivers(all: ReconcileAll): Promise<ReadonlySet<string>> {
    const { store, ledger } = this.#parts;
    const unknown = await ledger.settleUses(all, ({ reference }) => {
      const volume = store.volume(store.hold(reference.object)?.volume ?? '');
      return volume === undefined || volume.driver === LOCAL_DRIVER ? undefined : volume.name;
    });
    return new Set(unknown.map(({ object }) => object));
  }

  async #isIntact(hold: Hold): Promise<boolean> {
    const { store, bindPoints } = this.#parts;
    const isWhole = parseClaimOptions(hold.options).subpath === '';
    if (isWhole && store.volume(hold.volume)?.driver === LOCAL_DRIVER) return true;
    return bindPoints.isBound(hold.object);
  }

  #attached(): readonly Hold[] {
    return this.#parts.store.holds().filter(({ attachment }) => attachment !== undefined);
  }

  /** What a killed process left mounted at volumes that nobody uses. */
  async #unmountUnused(): Promise<void> {
    const { volumes, local } = this.#parts;
    const used = new Set(this.#attached().map(({ volume }) => volume));
    const idle = volumes.list().filter((volume: Volume) => volume.driver === LOCAL_DRIVER && !used.has(volume.name));
    for (const volume of idle) await volumes.locked(volume.name, () => local.unmount(volume));
  }
}

function brief(call: Call): Call {
  return { signal: call.signal, deadline: call.deadline.earlierOf(Deadline.after(EACH_MS)) };
}

function referenceOf(hold: Hold, bootId: string): providerTypes.Reference {
  const { object, container, claim } = hold;
  return { object, container, claim, bootId, number: hold.attachment?.number ?? 0 };
}

/** What reserve answered, as the kernel gives it back. */
function statusOf(text: string): { readonly name: string; readonly driver: string } {
  const value: unknown = text === '' ? {} : JSON.parse(text);
  const fields = typeof value === 'object' && value !== null ? value : {};
  return {
    name: 'name' in fields && typeof fields.name === 'string' ? fields.name : '',
    driver: 'driver' in fields && typeof fields.driver === 'string' ? fields.driver : LOCAL_DRIVER,
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
