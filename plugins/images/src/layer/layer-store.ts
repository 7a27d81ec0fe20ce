import { randomUUID } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CleatError } from '@cleat/schemas';
import { chainIds, type Digest, digestHex, digestOf, isDigest } from '../store/digest.ts';
import { ensurePrivateDirectory, readTextIfExists, renameDurable, writeDurable } from '../store/durable.ts';
import type { Lease } from '../store/leases.ts';
import { Serial } from '../store/serial.ts';
import type { Trash } from '../store/trash.ts';
import { type Layer, readLayer, readLink } from './layer-record.ts';
import { ShortNames } from './short-names.ts';
import type { IdMapping } from './unpack-job.ts';
import type { LayerWorkers } from './worker-client.ts';

/** overlay: a directory a layer, mounted over each other. vfs: each directory holds all below it too; works anywhere, and copies. */
export type LayerDriver = 'overlay' | 'vfs';

export interface NewLayer {
  readonly parent: Digest | undefined;
  readonly blob: Digest;
  readonly blobPath: string;
  /** undefined where only the archive says it. */
  readonly diffId: Digest | undefined;
  /** Told the chain before the layer can be collected. */
  readonly hold: (chain: Digest) => void;
}

export interface LayerStoreOptions {
  readonly directory: string;
  readonly driver: LayerDriver;
  readonly workers: LayerWorkers;
  readonly trash: Trash;
}

/**
 * Layers unpacked, each once, named by its chain: `layers/<chain>/{layer.json,diff}`. A layer is made in `work` and renamed,
 * so it is whole or not there. Copies with shifted ids for user namespaces lie in `mapped/<mapping>/<chain>`.
 */
export class LayerStore {
  readonly driver: LayerDriver;
  readonly #directory: string;
  readonly #workers: LayerWorkers;
  readonly #trash: Trash;
  readonly #layers = new Map<Digest, Layer>();
  /** How many layers come from a blob: the same archive may lie on different ones. */
  readonly #blobUses = new Map<Digest, number>();
  /** `<mapping>/<chain>` to the number of its short name. */
  readonly #mapped = new Map<string, number>();
  readonly #making = new Map<string, Promise<unknown>>();
  /** What puts layers in their place and what takes them away exclude each other. */
  readonly #placing = new Serial();
  readonly #names: ShortNames;

  constructor(options: LayerStoreOptions) {
    this.driver = options.driver;
    this.#directory = options.directory;
    this.#names = new ShortNames(options.directory);
    this.#workers = options.workers;
    this.#trash = options.trash;
  }

  /** Reads what is there. Half-made layers of a killed process are thrown away. */
  async open(): Promise<void> {
    await this.#trash.take(join(this.#directory, 'work'));
    for (const name of ['work', 'layers', 'mapped', 'empty']) await ensurePrivateDirectory(join(this.#directory, name));
    for (const hex of await readdir(join(this.#directory, 'layers'))) {
      const directory = join(this.#directory, 'layers', hex);
      const layer = readLayer(await readTextIfExists(join(directory, 'layer.json')));
      if (layer === undefined || digestHex(layer.chain) !== hex) await this.#trash.take(directory);
      else this.#add(layer);
    }
    await this.#openMapped();
    await this.#openNames();
  }

  #add(layer: Layer): void {
    this.#layers.set(layer.chain, layer);
    this.#blobUses.set(layer.blob, (this.#blobUses.get(layer.blob) ?? 0) + 1);
  }

  #drop(layer: Layer): void {
    this.#layers.delete(layer.chain);
    const others = (this.#blobUses.get(layer.blob) ?? 1) - 1;
    if (others > 0) this.#blobUses.set(layer.blob, others);
    else this.#blobUses.delete(layer.blob);
  }

  get(chain: Digest): Layer | undefined {
    return this.#layers.get(chain);
  }

  /** A layer by what it consists of, held by the lease. */
  find(parent: Digest | undefined, diffId: Digest, lease: Pick<Lease, 'hold'>): Layer | undefined {
    const chain = chainOf(parent, diffId);
    lease.hold(chain);
    return this.#layers.get(chain);
  }

  /** Layers of a chain, lowest first. Errors: IMAGE_LAYER_MISSING. */
  stack(diffIds: readonly Digest[]): Layer[] {
    return chainIds(diffIds).map((chain) => {
      const layer = this.#layers.get(chain);
      if (layer === undefined) throw missingLayer(chain);
      return layer;
    });
  }

  /** True when a layer was unpacked from this blob. */
  usesBlob(blob: Digest): boolean {
    return this.#blobUses.has(blob);
  }

  /** The directory of a layer's files. */
  diffPath(chain: Digest): string {
    return join(this.#directory, 'layers', digestHex(chain), 'diff');
  }

  /** The layer, unpacked if it is not yet. The caller holds the layers below it. */
  async ensure(layer: NewLayer, signal?: AbortSignal): Promise<Layer> {
    const known = this.#hold(layer);
    if (known !== undefined) return known;
    return this.#once(`${layer.parent ?? ''}+${layer.blob}`, () => this.#unpack(layer, signal));
  }

  #hold(wanted: NewLayer): Layer | undefined {
    return wanted.diffId === undefined ? undefined : this.find(wanted.parent, wanted.diffId, wanted);
  }

  /** One making of a thing at a time; who comes meanwhile gets its result. */
  async #once<T>(key: string, make: () => Promise<T>): Promise<T> {
    const running = this.#making.get(key);
    if (running !== undefined) {
      await running.catch(() => undefined);
      return this.#once(key, make);
    }
    const made = make();
    this.#making.set(key, made);
    try {
      return await made;
    } finally {
      this.#making.delete(key);
    }
  }

  async #unpack(wanted: NewLayer, signal: AbortSignal | undefined): Promise<Layer> {
    const repeated = this.#hold(wanted);
    if (repeated !== undefined) return repeated;
    const work = join(this.#directory, 'work', randomUUID());
    try {
      await mkdir(work, { mode: 0o700 });
      const target = join(work, 'diff');
      const below = this.#diffPathsDown(wanted.parent);
      if (this.driver === 'vfs' && below[0] !== undefined) {
        await this.#workers.copy({ kind: 'copy', source: below[0], target, mapping: undefined }, signal);
      }
      const form = this.driver === 'vfs' ? 'merged' : 'overlay';
      const { blobPath, diffId } = wanted;
      const result = await this.#workers.unpack({ kind: 'unpack', blobPath, target, form, below, diffId }, signal);
      const chain = chainOf(wanted.parent, result.diffId);
      const layer = { chain, parent: wanted.parent, blob: wanted.blob, link: this.#names.take(), ...result };
      wanted.hold(chain);
      return await this.#place(layer, work);
    } finally {
      await this.#trash.take(work);
    }
  }

  /** Directories from a chain down to its lowest layer. */
  #diffPathsDown(chain: Digest | undefined): string[] {
    const paths: string[] = [];
    for (let at = chain; at !== undefined; at = this.#layers.get(at)?.parent) paths.push(this.diffPath(at));
    return paths;
  }

  async #place(layer: Layer, work: string): Promise<Layer> {
    await writeDurable(join(work, 'layer.json'), JSON.stringify(layer));
    return this.#placing.run(async () => {
      const present = this.#layers.get(layer.chain);
      if (present !== undefined) return present;
      const target = join(this.#directory, 'layers', digestHex(layer.chain));
      await renameDurable(work, target);
      await this.#names.make(layer.link, join('layers', digestHex(layer.chain), 'diff'));
      this.#add(layer);
      return layer;
    });
  }

  /** Short paths of the layers, upmost first, as overlayfs wants them; with shifted ids for a mapping. */
  async lowerPaths(chains: readonly Digest[], mapping: IdMapping | undefined, signal?: AbortSignal): Promise<string[]> {
    const links: number[] = [];
    for (const chain of chains) {
      const layer = this.#layers.get(chain);
      if (layer === undefined) throw missingLayer(chain);
      links.push(mapping === undefined ? layer.link : await this.#ensureMapped(layer, mapping, signal));
    }
    // overlayfs wants a lower directory, also for an image without any layer.
    return links.length === 0 ? [join(this.#directory, 'empty')] : links.reverse().map((link) => this.#names.path(link));
  }

  async #ensureMapped(layer: Layer, mapping: IdMapping, signal: AbortSignal | undefined): Promise<number> {
    const name = join(mappingName(mapping), digestHex(layer.chain));
    return this.#mapped.get(name) ?? this.#once(`mapped/${name}`, () => this.#makeMapped(layer, mapping, name, signal));
  }

  async #makeMapped(layer: Layer, mapping: IdMapping, name: string, signal: AbortSignal | undefined): Promise<number> {
    const present = this.#mapped.get(name);
    if (present !== undefined) return present;
    const work = join(this.#directory, 'work', randomUUID());
    try {
      await mkdir(work, { mode: 0o700 });
      await this.#workers.copy({ kind: 'copy', source: this.diffPath(layer.chain), target: join(work, 'diff'), mapping }, signal);
      const link = this.#names.take();
      await writeDurable(join(work, 'layer.json'), JSON.stringify({ link }));
      return await this.#placing.run(async () => {
        await ensurePrivateDirectory(join(this.#directory, 'mapped', mappingName(mapping)));
        await renameDurable(work, join(this.#directory, 'mapped', name));
        await this.#names.make(link, join('mapped', name, 'diff'));
        this.#mapped.set(name, link);
        return link;
      });
    } finally {
      await this.#trash.take(work);
    }
  }

  /** Removes every layer that is not used; which ones, upmost first. What is used is asked again right before each goes. */
  async collect(isUsed: (chain: Digest) => boolean): Promise<Layer[]> {
    return this.#placing.run(async () => {
      const unused = [...this.#layers.values()].filter((layer) => !isUsed(layer.chain));
      const depth = (layer: Layer): number => this.#diffPathsDown(layer.chain).length;
      const ordered = unused.map((layer) => ({ layer, depth: depth(layer) })).sort((a, b) => b.depth - a.depth);
      const removed: Layer[] = [];
      for (const { layer } of ordered) {
        if (isUsed(layer.chain)) continue;
        this.#drop(layer);
        removed.push(layer);
        await this.#removeFiles(layer);
      }
      return removed;
    });
  }

  async #removeFiles(layer: Layer): Promise<void> {
    await this.#trash.take(join(this.#directory, 'layers', digestHex(layer.chain)));
    await this.#names.remove(layer.link);
    for (const [name, link] of this.#mapped) {
      if (!name.endsWith(`/${digestHex(layer.chain)}`)) continue;
      this.#mapped.delete(name);
      await this.#trash.take(join(this.#directory, 'mapped', name));
      await this.#names.remove(link);
    }
  }

  async #openMapped(): Promise<void> {
    const root = join(this.#directory, 'mapped');
    for (const mapping of await readdir(root)) {
      for (const hex of await readdir(join(root, mapping))) {
        const name = join(mapping, hex);
        const chain = `sha256:${hex}`;
        const link = readLink(await readTextIfExists(join(root, name, 'layer.json')));
        if (link === undefined || !isDigest(chain) || !this.#layers.has(chain)) await this.#trash.take(join(root, name));
        else this.#mapped.set(name, link);
      }
    }
  }

  /** Short names follow from the records. */
  async #openNames(): Promise<void> {
    const wanted = new Map<number, string>();
    for (const layer of this.#layers.values()) wanted.set(layer.link, join('layers', digestHex(layer.chain), 'diff'));
    for (const [name, link] of this.#mapped) wanted.set(link, join('mapped', name, 'diff'));
    await this.#names.open(wanted);
  }
}

function chainOf(parent: Digest | undefined, diffId: Digest): Digest {
  return parent === undefined ? diffId : digestOf(`${parent} ${diffId}`);
}

/** A directory name for a mapping. */
function mappingName(mapping: IdMapping): string {
  return digestHex(digestOf(JSON.stringify([mapping.uids, mapping.gids]))).slice(0, 16);
}

function missingLayer(chain: Digest): CleatError {
  return new CleatError('internal', 'IMAGE_LAYER_MISSING', `the image store lacks the layer ${chain}`, {
    hint: 'Remove the image and load or pull it again.',
  });
}
