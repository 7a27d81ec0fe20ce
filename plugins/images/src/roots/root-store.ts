import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CleatError } from '@cleat/schemas';
import type { LayerStore } from '../layer/layer-store.ts';
import { type IdMapping, mapId } from '../layer/unpack-job.ts';
import type { LayerWorkers } from '../layer/worker-client.ts';
import { type Digest, digestHex, digestOf } from '../store/digest.ts';
import { ensurePrivateDirectory, readTextIfExists, writeWhole } from '../store/durable.ts';
import type { ImageUser, ImageUses } from '../store/image-store.ts';
import type { Leases } from '../store/leases.ts';
import type { Trash } from '../store/trash.ts';
import { overlayOptions } from './overlay-support.ts';
import { decodeRootRecord, encodeRootRecord, type RootRecord } from './root-record.ts';

/** How a root is mounted; the kernel does it. */
export type RootMount =
  | {
      readonly type: 'overlay';
      /** Upmost first. */
      readonly lower: readonly string[];
      readonly upper: string;
      readonly work: string;
      readonly options: readonly string[];
    }
  | { readonly type: 'bind'; readonly source: string };

export interface RootStoreOptions {
  readonly directory: string;
  readonly layers: LayerStore;
  readonly leases: Leases;
  readonly workers: LayerWorkers;
  readonly trash: Trash;
}

interface Root {
  readonly record: RootRecord;
  isAttached: boolean;
}

const RECORD = 'record.json';
const DEFAULT_ROOT_MODE = 0o755;

/**
 * The containers' own layers: `roots/<object>/{record.json,upper,work}`, or `root`, a whole copy, with the driver vfs.
 * The record is written last, so a directory without one was never answered for.
 */
export class RootStore implements ImageUses {
  readonly #directory: string;
  readonly #layers: LayerStore;
  readonly #leases: Leases;
  readonly #workers: LayerWorkers;
  readonly #trash: Trash;
  readonly #roots = new Map<string, Root>();
  /** How many roots stand on a layer. */
  readonly #layerUses = new Map<Digest, number>();

  constructor(options: RootStoreOptions) {
    this.#directory = options.directory;
    this.#layers = options.layers;
    this.#leases = options.leases;
    this.#workers = options.workers;
    this.#trash = options.trash;
  }

  async open(): Promise<void> {
    await ensurePrivateDirectory(this.#directory);
    for (const name of await readdir(this.#directory)) {
      const record = decodeRootRecord(await readTextIfExists(join(this.#directory, name, RECORD)));
      if (record === undefined || directoryName(record.object) !== name) await this.#trash.take(join(this.#directory, name));
      else this.#add(record);
    }
  }

  usersOf(image: Digest): readonly ImageUser[] {
    const users: ImageUser[] = [];
    for (const { record, isAttached } of this.#roots.values()) {
      if (record.image === image) users.push({ container: record.container, isRunning: isAttached });
    }
    return users;
  }

  usesLayer(chain: Digest): boolean {
    return this.#layerUses.has(chain);
  }

  get(object: string): RootRecord | undefined {
    return this.#roots.get(object)?.record;
  }

  objects(): string[] {
    return [...this.#roots.keys()];
  }

  /** Prepares a root, or finds it prepared. Errors: IMAGE_LAYER_MISSING, IMAGE_LAYER_ID_NOT_MAPPED. */
  async reserve(record: RootRecord, signal?: AbortSignal): Promise<void> {
    const present = this.#roots.get(record.object)?.record;
    if (present !== undefined && encodeRootRecord(present) === encodeRootRecord(record)) return;
    const lease = this.#leases.take();
    try {
      for (const chain of record.chains) lease.hold(chain);
      await this.release(record.object);
      const directory = this.#path(record.object);
      await this.#trash.take(directory);
      await this.#prepare(directory, record, signal);
      // Not synced: after a power cut the list that the kernel gives makes it again.
      await writeWhole(join(directory, RECORD), encodeRootRecord(record));
      this.#add(record);
    } finally {
      lease.release();
    }
  }

  async #prepare(directory: string, record: RootRecord, signal: AbortSignal | undefined): Promise<void> {
    await mkdir(directory, { mode: 0o700 });
    if (this.#layers.driver === 'vfs') {
      await this.#copyRoot(join(directory, 'root'), record, signal);
      return;
    }
    // Copies with shifted ids are made here, where there is more time than at a start.
    await this.#overlay(record, signal);
    await mkdir(join(directory, 'work'), { mode: 0o700 });
    await this.#makeTop(join(directory, 'upper'), record);
  }

  async #copyRoot(target: string, record: RootRecord, signal: AbortSignal | undefined): Promise<void> {
    const top = record.chains.at(-1);
    if (top === undefined) await this.#makeTop(target, record);
    else await this.#workers.copy({ kind: 'copy', source: this.#layers.diffPath(top), target, mapping: record.mapping }, signal);
  }

  /** The root directory itself belongs to the upmost layer that overlayfs sees, so it takes over from the image's. */
  async #makeTop(path: string, record: RootRecord): Promise<void> {
    const top = record.chains.at(-1);
    const model = top === undefined ? { mode: DEFAULT_ROOT_MODE, uid: 0, gid: 0 } : await stat(this.#layers.diffPath(top));
    await mkdir(path);
    await chown(path, owner(record.mapping, 'uids', model.uid), owner(record.mapping, 'gids', model.gid));
    await chmod(path, model.mode & 0o7777);
  }

  /** How to mount it. Errors: IMAGE_ROOT_UNKNOWN. */
  async attach(object: string, signal?: AbortSignal): Promise<RootMount> {
    const root = this.#roots.get(object);
    if (root === undefined) throw unknownRoot(object);
    root.isAttached = true;
    if (this.#layers.driver === 'vfs') return { type: 'bind', source: join(this.#path(object), 'root') };
    return this.#overlay(root.record, signal);
  }

  async #overlay(record: RootRecord, signal: AbortSignal | undefined): Promise<RootMount & { type: 'overlay' }> {
    const directory = this.#path(record.object);
    return {
      type: 'overlay',
      lower: await this.#layers.lowerPaths(record.chains, record.mapping, signal),
      upper: join(directory, 'upper'),
      work: join(directory, 'work'),
      options: overlayOptions(),
    };
  }

  /** What `docker inspect` shows below GraphDriver. */
  describe(record: RootRecord): Record<string, string> {
    const directory = this.#path(record.object);
    if (this.#layers.driver === 'vfs') return {};
    return {
      LowerDir: [...record.chains]
        .reverse()
        .map((chain) => this.#layers.diffPath(chain))
        .join(':'),
      UpperDir: join(directory, 'upper'),
      WorkDir: join(directory, 'work'),
    };
  }

  setAttached(object: string, isAttached: boolean): void {
    const root = this.#roots.get(object);
    if (root !== undefined) root.isAttached = isAttached;
  }

  /** Removes the container's own layer. One that is not there is no error. */
  async release(object: string): Promise<void> {
    const root = this.#roots.get(object);
    if (root === undefined) return;
    this.#roots.delete(object);
    for (const chain of root.record.chains) this.#count(chain, -1);
    await this.#trash.take(this.#path(object));
  }

  #add(record: RootRecord): void {
    this.#roots.set(record.object, { record, isAttached: false });
    for (const chain of record.chains) this.#count(chain, 1);
  }

  #count(chain: Digest, difference: number): void {
    const count = (this.#layerUses.get(chain) ?? 0) + difference;
    if (count > 0) this.#layerUses.set(chain, count);
    else this.#layerUses.delete(chain);
  }

  #path(object: string): string {
    return join(this.#directory, directoryName(object));
  }
}

/** A container has one root, so the container's id says it all; any other name is hashed. */
function directoryName(object: string): string {
  const id = /^([0-9a-f]{64})(?:\/root)?$/.exec(object)?.[1];
  return id ?? digestHex(digestOf(object)).slice(0, 40);
}

function owner(mapping: IdMapping | undefined, kind: 'uids' | 'gids', id: number): number {
  if (mapping === undefined) return id;
  const mapped = mapId(mapping[kind], id);
  if (mapped !== undefined) return mapped;
  throw new CleatError(
    'invalid_argument',
    'IMAGE_LAYER_ID_NOT_MAPPED',
    `the image's root directory belongs to the id ${id}, which the user namespace does not map`,
  );
}

function unknownRoot(object: string): CleatError {
  return new CleatError('not_found', 'IMAGE_ROOT_UNKNOWN', `no root file system is reserved for ${object}`);
}
