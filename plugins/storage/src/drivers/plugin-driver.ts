import { CleatError, type provider, type providerTypes } from '@cleat/schemas';
import type { DriverLedger } from '@cleat/sdk/drivers';
import type { Volume } from '../volume.ts';
import type { DirectoryOwner, DriverCall, DriverMount, VolumeDriver } from './driver.ts';

/** What a mount that a driver describes says about how it is bound: that is this kind's to say. */
const BIND_WORDS: ReadonlySet<string> = new Set(['bind', 'rbind', 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);

export interface PluginDriverParts {
  readonly name: string;
  readonly ledger: DriverLedger;
  /** A plugin is installed that drives volumes under this name. */
  readonly isInstalled: () => boolean;
}

/** Volumes that another plugin keeps: it is asked by `provider@1`, what it was asked for is in the ledger. */
export class PluginDriver implements VolumeDriver {
  readonly #parts: PluginDriverParts;

  constructor(parts: PluginDriverParts) {
    this.#parts = parts;
  }

  /** Its own options the driver checks itself, at reserve. */
  check(): void {
    const { name, isInstalled } = this.#parts;
    if (isInstalled()) return;
    throw new CleatError(
      'not_found',
      'VOLUME_DRIVER_NOT_FOUND',
      `error looking up volume plugin ${name}: plugin ${JSON.stringify(name)} not found`,
      { hint: `Install and enable a plugin that drives volumes under the name ${name}; "cleat plugin ls" shows those that are there.` },
    );
  }

  async create(volume: Volume, _owner: DirectoryOwner, call: DriverCall): Promise<string> {
    const { name: driver, ledger } = this.#parts;
    // Answered, and then this plugin was killed before it had written so.
    const held = ledger.find(volume.name);
    if (held !== undefined) return held.status;
    const { status } = await ledger.reserve({ driver, object: volume.name, options: JSON.stringify(volume.options) }, call);
    return status;
  }

  async undoCreate(volume: Volume, call: DriverCall): Promise<void> {
    await this.#parts.ledger.release(volume.name, { purge: true, force: true }, call);
  }

  async remove(volume: Volume, isForced: boolean, call: DriverCall): Promise<void> {
    await this.#parts.ledger.release(volume.name, { purge: true, force: isForced }, call);
  }

  async attach(volume: Volume, request: provider.AttachRequest, _isFirst: boolean, call: DriverCall): Promise<DriverMount> {
    const { contribution } = await this.#parts.ledger.attach(volume.name, request, call);
    const [mount, more] = contribution.mounts;
    if (mount === undefined || more !== undefined || mount.type !== 'bind' || !mount.source.startsWith('/')) {
      throw new CleatError(
        'internal',
        'VOLUME_DRIVER_ANSWER',
        `the volume driver ${this.#parts.name} did not answer one bind mount for the volume ${volume.name}`,
      );
    }
    return { path: mount.source, options: mount.options.filter((option) => !BIND_WORDS.has(option)) };
  }

  async detach(volume: Volume, reference: providerTypes.Reference, _isLast: boolean, call: DriverCall): Promise<void> {
    await this.#parts.ledger.detach(volume.name, reference, call);
  }

  mountpoint(volume: Volume): string {
    const value: unknown = volume.status === '' ? {} : JSON.parse(volume.status);
    const isNamed = typeof value === 'object' && value !== null && 'mountpoint' in value && typeof value.mountpoint === 'string';
    return isNamed ? String(value.mountpoint) : '';
  }
}
