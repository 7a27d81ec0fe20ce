import { release as kernelRelease } from 'node:os';
import { CleatError, type common, type provider, type providerTypes } from '@cleat/schemas';
import type { CallContext } from '@cleat/sdk';
import type { BindPoints } from '../bind-points.ts';
import { type ClaimOptions, parseClaimOptions } from '../claim-options.ts';
import type { DirectoryOwner, DriverMount } from '../drivers/driver.ts';
import { type Hold, mountedEvent, unmountedEvent, type Volume } from '../volume.ts';
import type { VolumeStore } from '../volume-store.ts';
import type { Volumes } from '../volumes.ts';

export interface ProviderParts {
  readonly store: VolumeStore;
  readonly volumes: Volumes;
  readonly bindPoints: BindPoints;
  /** Where mounts may come from by the plugin's grant; anything else is bound below it first. */
  readonly stateDir: string;
}

/** How a use ends. */
interface Ending {
  readonly reference: providerTypes.Reference;
  /** The event that is written with it; absent: the answer has it. */
  readonly eventOf?: typeof unmountedEvent;
}

type Call = Pick<CallContext, 'signal' | 'deadline'>;

const MOST_LISTED = 10;

/** The claims of the kind `volume`: one volume at one place of a container. */
export class VolumeProvider {
  readonly #parts: ProviderParts;

  constructor(parts: ProviderParts) {
    this.#parts = parts;
  }

  async reserve(request: provider.ReserveRequest, call: Call): Promise<provider.ReserveResponseInput> {
    const { store, volumes } = this.#parts;
    const { reference } = request;
    const options = parseClaimOptions(request.options);
    const before = store.hold(reference.object);
    if (before !== undefined && before.options !== request.options) await this.release({ reference, purge: true }, call);
    // An anonymous volume is made once, however often its reserve comes.
    const known = store.hold(reference.object);
    const volumeName = known?.volume ?? (options.name || volumes.newName());
    const { container, claim, object } = reference;
    const volume = await volumes.locked(volumeName, async () => {
      // The claim first: a volume that is there for a claim alone is never without it.
      store.putHold({ object, container, claim, volume: volumeName, options: request.options, attachment: known?.attachment });
      try {
        const wanted = { ...options, name: volumeName, isAnonymous: options.name === '', owner: ownerOf(request.idMapping) };
        return await volumes.ensure(wanted, call);
      } catch (error) {
        if (known === undefined) store.removeHold(object);
        throw error;
      }
    });
    await store.sync();
    await volumes.tell();
    return { status: this.#status(volume, options) };
  }

  async attach(request: provider.AttachRequest, call: Call): Promise<provider.AttachResponseInput> {
    const { store, volumes } = this.#parts;
    const { reference } = request;
    const { volume: name } = this.#known(reference);
    return volumes.locked(name, async () => {
      const hold = this.#known(reference);
      const volume = volumes.get(name);
      const options = parseClaimOptions(hold.options);
      await this.#takeDown(hold, { reference: ownReference(hold) }, call);
      const { bootId, number } = reference;
      const begun = { ...hold, attachment: { bootId, number, isComplete: false } };
      store.putHold(begun);
      try {
        const mount = await this.#bringUp(begun, volume, request, call);
        store.putHold({ ...begun, attachment: { bootId, number, isComplete: true } });
        return {
          contribution: { mounts: [mountOf(mount, options)] },
          status: this.#status(volume, options),
          events: [mountedEvent(volume, { ...options, container: hold.container })],
        };
      } catch (error) {
        await this.#takeDown(begun, { reference }, call);
        throw error;
      }
    });
  }

  async detach({ reference }: provider.DetachRequest, call: Call): Promise<provider.DetachResponseInput> {
    const { store, volumes } = this.#parts;
    const hold = store.hold(reference.object);
    if (hold === undefined) return {};
    const wasAttached = await volumes.locked(hold.volume, () => this.#takeDown(store.hold(hold.object) ?? hold, { reference }, call));
    const volume = store.volume(hold.volume);
    return wasAttached && volume !== undefined ? { events: [unmountedEvent(volume, hold.container)] } : {};
  }

  /** A detach that was not answered: whoever was to hear of it with the answer is away, so its event is written with the end of the use. */
  async detachOwed(reference: providerTypes.Reference, call: Call): Promise<void> {
    const { store, volumes } = this.#parts;
    const hold = store.hold(reference.object);
    if (hold === undefined) return;
    await volumes.locked(hold.volume, () => this.#takeDown(store.hold(hold.object) ?? hold, { reference, eventOf: unmountedEvent }, call));
  }

  /** With `purge`, an anonymous volume goes with the last claim on it. */
  async release({ reference, purge }: provider.ReleaseRequest, call: Call): Promise<provider.ReleaseResponseInput> {
    const { store, volumes } = this.#parts;
    const hold = store.hold(reference.object);
    if (hold === undefined) return {};
    await volumes.locked(hold.volume, async () => {
      await this.#takeDown(store.hold(hold.object) ?? hold, { reference }, call);
      const volume = store.volume(hold.volume);
      const isOurs = purge && parseClaimOptions(hold.options).isAnonymous && volume !== undefined;
      const isLast = store.holdsOf(hold.volume).every(({ object }) => object === hold.object);
      // The volume first: a kill in between leaves a claim whose release comes again.
      if (isOurs && isLast) await volumes.remove(volume, call);
      store.removeHold(hold.object);
    });
    await store.sync();
    await volumes.tell();
    return {};
  }

  /** The volumes of a driver. Those that are being made or removed count: they too need it. */
  list({ driver }: provider.ListRequest): Promise<provider.ListResponseInput> {
    const held = this.#parts.store.volumes().filter((volume) => volume.driver === driver);
    return Promise.resolve({ count: held.length, names: held.slice(0, MOST_LISTED).map(({ name }) => name) });
  }

  /** Holds again, in a store that has lost it, what the kernel says it holds. False when its volume is lost too. */
  restoreHold(held: provider.Held, volume: string): Hold {
    const { object, container, claim } = held.reference;
    const hold: Hold = { object, container, claim, volume, options: held.options, attachment: undefined };
    this.#parts.store.putHold(hold);
    return hold;
  }

  /** Opens a use that the kernel says is open and of which nothing is left here. */
  async reopen(held: provider.Held, call: Call): Promise<void> {
    const { reference, options, status } = held;
    const request = { reference, options, status, container: held.container, idMapping: held.idMapping, directory: held.directory };
    await this.attach({ ...request, rootPath: '', networkNamespace: held.networkNamespace, userNamespace: held.userNamespace }, call);
  }

  async #bringUp(hold: Hold, volume: Volume, request: provider.AttachRequest, call: Call): Promise<DriverMount> {
    const { volumes, bindPoints, stateDir } = this.#parts;
    const { subpath } = parseClaimOptions(hold.options);
    const passed = { ...request, options: hold.options };
    const mount = await volumes.driverOf(volume).attach(volume, passed, !this.#isUsedByOthers(hold), call);
    if (subpath === '' && mount.path.startsWith(`${stateDir}/`)) return mount;
    return { ...mount, path: await bindPoints.bind(hold.object, { volume: volume.name, path: mount.path, subpath }) };
  }

  /** Ends the use, if there is one; true when it had been complete. */
  async #takeDown(hold: Hold, { reference, eventOf }: Ending, call: Call): Promise<boolean> {
    const { store, volumes, bindPoints } = this.#parts;
    const { attachment } = hold;
    if (attachment === undefined) return false;
    await bindPoints.release(hold.object);
    const volume = store.volume(hold.volume);
    if (volume !== undefined) {
      await volumes.driverOf(volume).detach(volume, reference, !this.#isUsedByOthers(hold), call);
    }
    const event = attachment.isComplete && volume !== undefined ? eventOf?.(volume, hold.container) : undefined;
    store.putHold({ ...hold, attachment: undefined }, event);
    return attachment.isComplete;
  }

  #isUsedByOthers(hold: Hold): boolean {
    return this.#parts.store.holdsOf(hold.volume).some(({ object, attachment }) => object !== hold.object && attachment !== undefined);
  }

  #known(reference: providerTypes.Reference): Hold {
    const hold = this.#parts.store.hold(reference.object);
    if (hold !== undefined) return hold;
    throw new CleatError(
      'not_found',
      'VOLUME_CLAIM_UNKNOWN',
      `the storage plugin holds no claim ${reference.claim} of container ${reference.container}`,
    );
  }

  #status(volume: Volume, options: ClaimOptions): string {
    const { name, driver } = volume;
    const mountpoint = this.#parts.volumes.mountpoint(volume);
    return JSON.stringify({ name, driver, mountpoint, ...(options.isAnonymous ? { anonymous: true } : {}) });
  }
}

/** Of the use that is open: what ends it by its own number lets a newer one follow. */
function ownReference({ object, container, claim, attachment }: Hold): providerTypes.Reference {
  const { bootId, number } = attachment ?? { bootId: '', number: 0 };
  return { object, container, claim, bootId, number };
}

function mountOf({ path, options: wanted }: DriverMount, options: ClaimOptions): providerTypes.MountInput {
  const access = options.readonly ? [hasRecursiveReadonly() ? 'rro' : 'ro'] : [];
  return {
    type: 'bind',
    source: path,
    target: options.target,
    options: ['rbind', options.propagation || 'rprivate', ...wanted, ...access],
    // A part of a volume was made by whoever filled it; an empty one stays so, as in Docker.
    copyUp: !options.nocopy && options.subpath === '',
  };
}

/** Linux 5.12 brought mount_setattr(2), by which a read-only mount is so all the way down. */
function hasRecursiveReadonly(): boolean {
  const [major = 0, minor = 0] = kernelRelease()
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 12);
}

/** The host's ids of the container's root. */
function ownerOf({ uids, gids }: common.IdMapping): DirectoryOwner {
  const hostIdOf = (ranges: readonly common.IdRange[]): number => {
    const range = ranges.find(({ containerId, size }) => containerId === 0 && size > 0);
    return range?.hostId ?? 0;
  };
  return { uid: hostIdOf(uids), gid: hostIdOf(gids) };
}
