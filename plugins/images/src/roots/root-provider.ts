import { CleatError, type common, isCleatError, type provider, type providerTypes } from '@cleat/schemas';
import type { ReconcileAll } from '@cleat/sdk';
import type { LayerDriver } from '../layer/layer-store.ts';
import { type IdMapping, isMapped } from '../layer/unpack-job.ts';
import type { ImageStore } from '../store/image-store.ts';
import { asObject, asText, asTextMap, JsonShapeError } from '../store/json.ts';
import type { RootRecord } from './root-record.ts';
import type { RootMount, RootStore } from './root-store.ts';

export interface RootProviderOptions {
  readonly images: ImageStore;
  readonly roots: RootStore;
  readonly warn: (message: string, fields: Readonly<Record<string, string>>) => void;
}

/** The driver's name as Docker's clients know it. */
export function driverName(driver: LayerDriver): 'overlay2' | 'vfs' {
  return driver === 'overlay' ? 'overlay2' : 'vfs';
}

/** `provider@1` of the kind root: a container's claim is its writable layer on an image that is pinned. */
export class RootProvider {
  readonly #images: ImageStore;
  readonly #roots: RootStore;
  readonly #warn: RootProviderOptions['warn'];

  constructor(options: RootProviderOptions) {
    this.#images = options.images;
    this.#roots = options.roots;
    this.#warn = options.warn;
  }

  async reserve(request: provider.ReserveRequest, signal: AbortSignal): Promise<provider.ReserveResponseInput> {
    const { image } = readOptions(request.options);
    const { object, container } = request.reference;
    const record = this.#record({ object, container }, image, request.idMapping);
    await this.#roots.reserve(record, signal);
    return { status: this.#status(record) };
  }

  async attach(request: provider.AttachRequest, signal: AbortSignal): Promise<provider.AttachResponseInput> {
    const mount = await this.#roots.attach(request.reference.object, signal);
    return { contribution: { root: rootOf(mount) }, status: request.status };
  }

  async detach(request: provider.DetachRequest): Promise<provider.DetachResponseInput> {
    this.#roots.setAttached(request.reference.object, false);
    return {};
  }

  /** With and without purge: nothing could ever use the writable layer again. */
  async release(request: provider.ReleaseRequest): Promise<provider.ReleaseResponseInput> {
    const { object } = request.reference;
    const chains = this.#roots.get(object)?.chains ?? [];
    await this.#roots.release(object);
    // The image may have been removed under it, by force: then this was what held the layers.
    if (chains.some((chain) => !this.#images.index.chains.has(chain))) await this.#images.collect();
    return {};
  }

  async reconcile(all: ReconcileAll, signal: AbortSignal): Promise<provider.ReconcileResponseInput> {
    const lacks: providerTypes.ReferenceInput[] = [];
    const held = new Set<string>();
    for (const item of all.held) {
      const { object } = item.reference;
      if (await this.#restore(item, signal)) {
        held.add(object);
        this.#roots.setAttached(object, item.attached);
      } else lacks.push(item.reference);
    }
    const failures: provider.FailureInput[] = [];
    for (const object of this.#roots.objects()) {
      if (held.has(object)) continue;
      // What is owed is not held any more, so it goes with the rest.
      await this.#roots.release(object).catch((error: unknown) => {
        const owed = all.owed.find((item) => item.reference.object === object)?.reference;
        failures.push({ reference: owed ?? { object, bootId: all.bootId, number: 0 }, reason: reasonOf(error) });
      });
    }
    await this.#images.collect();
    return { lacks, failures };
  }

  /** True when the root is there. A record that a power cut took is made again from what the kernel remembers. */
  async #restore(item: provider.Held, signal: AbortSignal): Promise<boolean> {
    const { object, container } = item.reference;
    if (this.#roots.get(object) !== undefined) return true;
    try {
      const image = readStatus(item.status) ?? readOptions(item.options).image;
      await this.#roots.reserve(this.#record({ object, container }, image, item.idMapping), signal);
    } catch (error) {
      this.#warn('the root of a container is lost', { container, reason: reasonOf(error) });
      return false;
    }
    this.#warn('the writable layer of a container was lost and begins anew', { container });
    return true;
  }

  #record(names: { object: string; container: string }, image: string, idMapping: common.IdMapping): RootRecord {
    const { id, chains } = this.#images.resolve(image);
    const mapping: IdMapping = idMapping;
    return { ...names, image: id, chains, mapping: isMapped(mapping) ? { uids: mapping.uids, gids: mapping.gids } : undefined };
  }

  #status(record: RootRecord): string {
    return JSON.stringify({ image: record.image, driver: driverName(this.#images.layers.driver), data: this.#roots.describe(record) });
  }
}

function rootOf(mount: RootMount): providerTypes.RootInput {
  return mount.type === 'bind' ? { type: 'bind', source: mount.source } : mount;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Errors: IMAGE_CLAIM_INVALID, IMAGE_STORAGE_OPTION_UNSUPPORTED. */
function readOptions(text: string): { image: string } {
  let options: { image: string; storage: ReadonlyMap<string, string> };
  try {
    const value = asObject(JSON.parse(text), 'the claim');
    options = { image: asText(value['image'], 'image'), storage: asTextMap(value['storage'], 'storage') };
    if (options.image === '') throw new JsonShapeError('image is missing');
  } catch (error) {
    if (!(error instanceof JsonShapeError || error instanceof SyntaxError)) throw error;
    throw new CleatError('invalid_argument', 'IMAGE_CLAIM_INVALID', `the claim of a root file system cannot be read: ${error.message}`, {
      cause: error,
    });
  }
  const [key] = options.storage.keys();
  if (key === undefined) return options;
  const isKnown = key === 'size';
  throw new CleatError(
    isKnown ? 'unimplemented' : 'invalid_argument',
    'IMAGE_STORAGE_OPTION_UNSUPPORTED',
    `the storage option ${JSON.stringify(key)} is not supported`,
    {
      hint: isKnown
        ? 'A limit on the size of a container needs project quotas, which the drivers do not use. Use a volume with a limit for large data.'
        : undefined,
    },
  );
}

/** The image that reserve pinned. */
function readStatus(text: string): string | undefined {
  try {
    const image = asText(asObject(JSON.parse(text), 'status')['image'], 'image');
    return image === '' ? undefined : image;
  } catch (error) {
    if (error instanceof JsonShapeError || error instanceof SyntaxError || isCleatError(error)) return undefined;
    throw error;
  }
}
