import { CleatError, type volume as contract, isCleatError } from '@cleat/schemas';
import type { ServiceHandlers } from '@cleat/sdk';
import { directorySizeBytes } from '../directory-size.ts';
import type { DriverCall } from '../drivers/driver.ts';
import { isAnonymous, LOCAL_DRIVER, type Volume } from '../volume.ts';
import { listFilter, pruneFilter } from '../volume-filter.ts';
import type { VolumeStore } from '../volume-store.ts';
import type { Volumes } from '../volumes.ts';

export interface ServiceParts {
  readonly store: VolumeStore;
  readonly volumes: Volumes;
}

const HOST_OWNER = { uid: 0, gid: 0 };

/** The operations of the contract `volume`. */
export class VolumeService implements ServiceHandlers<'volume'> {
  readonly #parts: ServiceParts;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  async create(request: contract.CreateRequest, call: DriverCall): Promise<contract.InfoInput> {
    const { store, volumes } = this.#parts;
    const isAnonymousOne = request.name === '';
    const name = request.name || volumes.newName();
    const { driver, options, labels } = request;
    const volume = await volumes.locked(name, () =>
      volumes.ensure({ name, driver, options, labels, isAnonymous: isAnonymousOne, owner: HOST_OWNER }, call),
    );
    await store.sync();
    await volumes.tell();
    return this.#info(volume);
  }

  inspect(request: contract.NameRequest): Promise<contract.InfoInput> {
    return Promise.resolve().then(() => this.#info(this.#parts.volumes.get(request.name)));
  }

  async list(request: contract.ListRequest, call: DriverCall): Promise<contract.ListResponseInput> {
    const { store, volumes } = this.#parts;
    const references = store.referenceCounts();
    const fits = listFilter(request.filters, ({ name }) => references.has(name));
    const found = volumes
      .list()
      .filter(fits)
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    const infos: contract.InfoInput[] = [];
    for (const volume of found) {
      const sizeBytes = request.sizes ? await this.#sizeBytes(volume, call) : -1;
      infos.push({ ...this.#info(volume, references.get(volume.name) ?? 0), sizeBytes });
    }
    return { volumes: infos };
  }

  async remove(request: contract.RemoveRequest, call: DriverCall): Promise<Record<string, never>> {
    const { store, volumes } = this.#parts;
    const { name, force } = request;
    await volumes.locked(name, async () => {
      const volume = store.volume(name);
      // Docker's force is for volumes and drivers that are not there; one in use it leaves alone.
      if (volume === undefined && force) return;
      const users = store.holdsOf(name);
      if (users.length > 0) throw inUse(name, users);
      await volumes.remove(volume ?? volumes.get(name), call, force);
    });
    await volumes.tell();
    return {};
  }

  /** Only volumes whose data is certainly nobody else's: local ones without options, anonymous ones unless all are asked for. */
  async prune(request: contract.PruneRequest, call: DriverCall): Promise<contract.PruneResponseInput> {
    const { volumes } = this.#parts;
    const fits = pruneFilter(request.filters);
    const isWanted = (volume: Volume): boolean => isPlainLocal(volume) && (request.all || isAnonymous(volume)) && fits(volume);
    const removed: string[] = [];
    let spaceBytes = 0;
    for (const { name } of volumes.list().filter(isWanted)) {
      const freed = await volumes.locked(name, () => this.#pruneOne(name, call));
      if (freed === undefined) continue;
      removed.push(name);
      spaceBytes += freed;
    }
    await volumes.tell();
    return { removed, spaceBytes };
  }

  /** Looks again, under the lock, whether it is still there and free. */
  async #pruneOne(name: string, call: DriverCall): Promise<number | undefined> {
    const { store, volumes } = this.#parts;
    const volume = store.volume(name);
    if (volume === undefined || store.holdsOf(name).length > 0) return undefined;
    const sizeBytes = await this.#sizeBytes(volume, call);
    await volumes.remove(volume, call);
    return Math.max(0, sizeBytes);
  }

  /** -1 when it is not this host's disk, or somebody else's part of it. */
  async #sizeBytes(volume: Volume, call: DriverCall): Promise<number> {
    if (!isPlainLocal(volume)) return -1;
    try {
      return await directorySizeBytes(this.#parts.volumes.mountpoint(volume), call.signal);
    } catch (error) {
      if (isCleatError(error) && error.class === 'not_found') return -1;
      throw error;
    }
  }

  #info(volume: Volume, references?: number): contract.InfoInput {
    const { name, driver, labels, options, createdAt, status } = volume;
    return {
      name,
      driver,
      mountpoint: this.#parts.volumes.mountpoint(volume),
      createdAt: BigInt(createdAt),
      labels,
      options,
      status,
      anonymous: isAnonymous(volume),
      references: references ?? this.#parts.store.holdsOf(name).length,
    };
  }
}

function isPlainLocal(volume: Volume): boolean {
  return volume.driver === LOCAL_DRIVER && Object.keys(volume.options).length === 0;
}

function inUse(name: string, users: readonly { readonly container: string }[]): CleatError {
  const containers = [...new Set(users.map(({ container }) => container))];
  return new CleatError('conflict', 'VOLUME_IN_USE', `remove ${name}: volume is in use - [${containers.join(', ')}]`, {
    hint: 'Remove these containers first; "docker ps -a --filter volume=NAME" shows them.',
  });
}
