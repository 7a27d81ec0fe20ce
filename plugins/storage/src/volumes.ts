import { CleatError } from '@cleat/schemas';
import { KeyedQueue, type Telling } from '@cleat/sdk';
import type { DirectoryOwner, DriverCall, VolumeDriver } from './drivers/driver.ts';
import { ANONYMOUS_LABEL, checkVolumeName, LOCAL_DRIVER, newAnonymousName, type Volume, volumeEvent, volumeNotFound } from './volume.ts';
import type { VolumeStore } from './volume-store.ts';

/** The driver of a name; whether there is one shows when it is asked. */
export type DriverLookup = (name: string) => VolumeDriver;

export interface VolumesParts {
  readonly store: VolumeStore;
  readonly driverOf: DriverLookup;
  readonly publish: Telling['publish'];
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface NewVolume {
  readonly name: string;
  /** Empty: that of the volume, if it is there; else local. */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly isAnonymous: boolean;
  readonly owner: DirectoryOwner;
}

/** The volumes themselves: made, found and removed, each under the lock of its name. */
export class Volumes {
  readonly #parts: VolumesParts;
  readonly #lock = new KeyedQueue();

  constructor(parts: VolumesParts) {
    this.#parts = parts;
  }

  /** A name for one that has none. */
  newName(): string {
    return newAnonymousName();
  }

  /** Everything that changes a volume or its uses runs under the lock of its name. */
  locked<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.#lock.run(name, work);
  }

  /** A volume that nobody is removing. Throws `not_found` VOLUME_NOT_FOUND. */
  get(name: string): Volume {
    const volume = this.#parts.store.volume(name);
    if (volume?.state !== 'ready') throw volumeNotFound(name);
    return volume;
  }

  list(): readonly Volume[] {
    return this.#parts.store.volumes().filter(({ state }) => state === 'ready');
  }

  mountpoint(volume: Volume): string {
    return this.#parts.driverOf(volume.driver).mountpoint(volume);
  }

  driverOf(volume: Volume): VolumeDriver {
    return this.#parts.driverOf(volume.driver);
  }

  /**
   * Under the lock: the volume of that name, made when it is not there. Whoever asks for one that is there gets it as it is, whatever
   * options and labels it would have been given, as in Docker.
   *
   * @throws CleatError `conflict` VOLUME_NAME_CONFLICT: it is there with another driver. What check and create of the driver throw.
   */
  async ensure(wanted: NewVolume, call: DriverCall): Promise<Volume> {
    const { store } = this.#parts;
    const { name } = wanted;
    const known = store.volume(name);
    if (known?.state === 'going') await this.#finish(known, call);
    if (known?.state === 'ready') {
      if (wanted.driver === '' || wanted.driver === known.driver) return known;
      throw new CleatError(
        'conflict',
        'VOLUME_NAME_CONFLICT',
        `create ${name}: driver '${known.driver}' already has volume '${name}': volume name must be unique`,
      );
    }
    return this.#create(wanted, call);
  }

  async #create(wanted: NewVolume, call: DriverCall): Promise<Volume> {
    const { store, driverOf } = this.#parts;
    checkVolumeName(wanted.name);
    const volume = volumeOf(wanted);
    const driver = driverOf(volume.driver);
    named(wanted.name, () => driver.check(volume.options));
    // Written before anything is made, so that a kill leaves nothing that is not known; announced when it is there.
    store.putVolume(volume);
    try {
      const status = await driver.create(volume, wanted.owner, call);
      const made: Volume = { ...volume, status, state: 'ready' };
      store.putVolume(made, volumeEvent('created', made));
      return made;
    } catch (error) {
      await this.#takeBack(volume, call);
      throw error;
    }
  }

  async #takeBack(volume: Volume, call: DriverCall): Promise<void> {
    const { store, driverOf, warn } = this.#parts;
    try {
      await driverOf(volume.driver).undoCreate(volume, call);
      store.removeVolume(volume.name);
    } catch (error) {
      warn('a volume that could not be made is left until the next start', { volume: volume.name, error });
    }
  }

  /** Under the lock: removes a volume that has no claims. */
  async remove(volume: Volume, call: DriverCall, isForced = false): Promise<void> {
    const { store } = this.#parts;
    // One that an earlier process did not finish, and of which nobody was told.
    if (volume.state === 'making') {
      await this.#takeBack(volume, call);
      return;
    }
    const going: Volume = { ...volume, state: 'going' };
    store.putVolume(going);
    // From here on it goes forward: its data may be half gone.
    await store.sync();
    try {
      await this.#finish(going, call, isForced);
    } catch (error) {
      store.putVolume(volume);
      throw error;
    }
  }

  async #finish(volume: Volume, call: DriverCall, isForced = false): Promise<void> {
    const { store, driverOf } = this.#parts;
    await driverOf(volume.driver).remove(volume, isForced, call);
    store.removeVolume(volume.name, volumeEvent('removed', volume));
    await store.sync();
  }

  /**
   * Takes back what an earlier process was making and ends what it was removing, of one driver. What fails is tried again at the next
   * start, and by the next create or remove of that name.
   */
  async settle(driver: string, call: DriverCall): Promise<void> {
    const { store, warn } = this.#parts;
    for (const { name } of store.volumes().filter((volume) => volume.driver === driver && volume.state !== 'ready')) {
      await this.locked(name, async () => {
        const volume = store.volume(name);
        if (volume?.state === 'making') await this.#takeBack(volume, call);
        if (volume?.state === 'going') await this.#finish(volume, call);
      }).catch((error: unknown) => warn('a volume could not be removed', { volume: name, error }));
    }
  }

  /** Publishes what has happened and was not told yet, in order. A failure is told of and made up for by the next call. */
  tell(): Promise<void> {
    const { store, publish, warn } = this.#parts;
    return store.tell({ publish, onFailure: (error) => warn('an event of a volume could not be published yet', { error }) });
  }
}

function volumeOf(wanted: NewVolume): Volume {
  return {
    name: wanted.name,
    driver: wanted.driver || LOCAL_DRIVER,
    options: wanted.options,
    labels: wanted.isAnonymous ? { ...wanted.labels, [ANONYMOUS_LABEL]: '' } : wanted.labels,
    createdAt: String(BigInt(Date.now()) * 1_000_000n),
    status: '',
    state: 'making',
  };
}

/** Errors about what was asked name the volume, as Docker's do. */
function named<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CleatError)) throw error;
    const { class: errorClass, code, hint, plugin, retryable, details, cause } = error;
    throw new CleatError(errorClass, code, `create ${name}: ${error.message}`, { hint, plugin, retryable, details, cause });
  }
}
