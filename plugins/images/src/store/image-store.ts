import { randomUUID } from 'node:crypto';
import { CleatError } from '@cleat/schemas';
import type { Layer } from '../layer/layer-record.ts';
import type { LayerStore } from '../layer/layer-store.ts';
import { type BlobStore, DOCUMENT_LIMIT_BYTES } from './blob-store.ts';
import { chainIds, type Digest, digestOf } from './digest.ts';
import { type ImageConfig, parseImageConfig } from './image-config.ts';
import type { Actor, ImageEvent, ImageIndex, ImageRecord } from './image-index.ts';
import { findImage, requireImage, setName } from './image-lookup.ts';
import type { Lease, Leases } from './leases.ts';
import { familiarText, type ImageReference, parseTag } from './reference.ts';
import { Serial } from './serial.ts';

/** How an image that is added came, and its names. */
export interface AddedImage {
  readonly type: 'image.imported' | 'image.loaded';
  readonly names: readonly ImageReference[];
  readonly actor: Actor | undefined;
}

/** A container whose root is made from an image. */
export interface ImageUser {
  readonly container: string;
  readonly isRunning: boolean;
}

/** What the containers hold of the store. */
export interface ImageUses {
  usersOf(image: Digest): readonly ImageUser[];
  usesLayer(chain: Digest): boolean;
}

export interface ImageStoreOptions {
  readonly index: ImageIndex;
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly leases: Leases;
  readonly uses: ImageUses;
  /** Takes an event for good. */
  readonly publish: (event: ImageEvent) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** Images: configurations with their layers, and the names that lead to them. */
export class ImageStore {
  readonly index: ImageIndex;
  readonly blobs: BlobStore;
  readonly layers: LayerStore;
  readonly leases: Leases;
  readonly uses: ImageUses;
  readonly #publish: (event: ImageEvent) => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  readonly #publishing = new Serial();

  constructor(options: ImageStoreOptions) {
    this.index = options.index;
    this.blobs = options.blobs;
    this.layers = options.layers;
    this.leases = options.leases;
    this.uses = options.uses;
    this.#publish = options.publish;
    this.#onFailure = options.onFailure;
  }

  /** The image that a name, id or prefix of an id means. Errors: IMAGE_NOT_FOUND, IMAGE_REFERENCE_INVALID. */
  resolve(text: string): ImageRecord {
    return requireImage(this.index, text);
  }

  has(text: string): boolean {
    return findImage(this.index, text) !== undefined;
  }

  async config(id: Digest): Promise<ImageConfig> {
    return parseImageConfig(await this.blobs.readDocument(id));
  }

  layersOf(record: ImageRecord): Layer[] {
    return this.layers.stack(record.diffIds);
  }

  sizeOf(record: ImageRecord): number {
    return this.layersOf(record).reduce((sum, layer) => sum + layer.contentBytes, 0);
  }

  /** Adds an image whose layers are there and held, under names. Its events go out with the next `publish`. */
  async add(configText: string, added: AddedImage, lease: Lease): Promise<ImageRecord> {
    if (Buffer.byteLength(configText) > DOCUMENT_LIMIT_BYTES) {
      throw new CleatError('invalid_argument', 'IMAGE_CONFIG_INVALID', "the image's configuration is larger than 4 MiB");
    }
    const config = parseImageConfig(configText);
    this.layers.stack(config.diffIds);
    const id = digestOf(configText);
    lease.hold(id);
    await this.blobs.putDocument(configText);
    return this.index.change((draft) => {
      const record: ImageRecord = draft.images.get(id) ?? {
        id,
        diffIds: config.diffIds,
        chains: chainIds(config.diffIds),
        created: config.created,
        labels: config.defaults.labels,
        taggedAt: '',
      };
      draft.images.set(id, record);
      for (const name of added.names) setName(draft, record, name);
      draft.events.push(eventOf(added.type, record, id, added.actor));
      if (added.type === 'image.imported') {
        for (const name of added.names) draft.events.push(eventOf('image.tagged', record, familiarText(name), added.actor));
      }
      return draft.images.get(id) ?? record;
    });
  }

  /** Gives an image one more name; an image that had the name loses it. */
  async tag(text: string, target: string, actor?: Actor): Promise<ImageRecord> {
    const name = parseTag(target);
    const record = await this.index.change((draft) => {
      const tagged = setName(draft, requireImage(draft, text), name);
      draft.events.push(eventOf('image.tagged', tagged, familiarText(name), actor));
      return tagged;
    });
    await this.publish();
    return record;
  }

  /** Runs work that adds blobs and layers. What no image names in the end is removed again, after an error too. */
  async withLease<T>(work: (lease: Lease) => Promise<T>): Promise<T> {
    const lease = this.leases.take();
    try {
      return await work(lease);
    } finally {
      lease.release();
      await this.collect();
    }
  }

  /** Removes layers and blobs that neither an image, a container nor an operation holds; the layers, upmost first. */
  async collect(): Promise<Layer[]> {
    const removed = await this.layers.collect((chain) => this.#isLayerUsed(chain));
    await this.blobs.collect((digest) => this.#isBlobUsed(digest));
    return removed;
  }

  /** Says that images were saved, which changes nothing. */
  async publishSaved(records: readonly ImageRecord[], actor?: Actor): Promise<void> {
    await this.index.change((draft) => draft.events.push(...records.map((record) => eventOf('image.saved', record, record.id, actor))));
    await this.publish();
  }

  /** Hands on the events of all changes so far, also of those that a killed process made. What fails is tried with the next ones. */
  async publish(): Promise<void> {
    await this.#publishing.run(async () => {
      try {
        const events = this.index.events;
        for (const event of events) await this.#publish(event);
        if (events.length > 0) await this.index.change((draft) => draft.events.splice(0, events.length));
      } catch (error) {
        this.#onFailure(error);
      }
    });
  }

  #isLayerUsed(chain: Digest): boolean {
    return this.leases.isHeld(chain) || this.uses.usesLayer(chain) || this.index.chains.has(chain);
  }

  #isBlobUsed(digest: Digest): boolean {
    return this.leases.isHeld(digest) || this.index.images.has(digest) || this.layers.usesBlob(digest);
  }
}

export function eventOf(type: ImageEvent['type'], record: ImageRecord, name: string, actor: Actor | undefined): ImageEvent {
  return { key: randomUUID(), type, id: record.id, name, labels: record.labels, actor };
}
