import { createReadStream, type Stats } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { getXattr, type SafeRoot } from '@cleat/core/syscalls';
import { type Pack, pack } from 'tar-stream';

type Header = Parameters<Pack['entry']>[0];

export interface PackTree {
  readonly root: SafeRoot;
  /** What goes into the archive: a file, or a directory with all that is in it. */
  readonly path: string;
  /** Its name there; "" puts the content of the directory at the top. */
  readonly name: string;
  /** Places where another file system may begin; at others its directory is taken empty (proc, sysfs, devices). */
  readonly mounts: Pick<ReadonlySet<string>, 'has'>;
  readonly signal: AbortSignal;
}

const CAPABILITY = 'security.capability';

/** Sends a tree as a tar. The archive ends with an error when a file cannot be read; a file that vanishes is left out. */
export function packTree(options: PackTree): Readable {
  const archive = pack();
  const walk = new Walk(options, archive);
  walk.run().then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  // The library's streams are not Node's.
  return Readable.from(archive, { objectMode: false });
}

interface Entry {
  readonly path: string;
  readonly name: string;
  readonly device: number;
}

class Walk {
  readonly #options: PackTree;
  readonly #archive: Pack;
  /** Names of files with several, by device and inode. */
  readonly #links = new Map<string, string>();

  constructor(options: PackTree, archive: Pack) {
    this.#options = options;
    this.#archive = archive;
  }

  /** Depth first, so that only one directory's names are held for each level. */
  async run(): Promise<void> {
    const { root, path, name } = this.#options;
    const { dev } = root.lstat(path);
    const waiting: Entry[] = [{ path, name, device: dev }];
    for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
      this.#options.signal.throwIfAborted();
      if (this.#archive.destroyed) return;
      waiting.push(...(await this.#put(entry)));
    }
  }

  async #put(entry: Entry): Promise<readonly Entry[]> {
    const stat = this.#lstat(entry.path);
    if (stat === undefined || stat.isSocket()) return [];
    if (!stat.isDirectory()) {
      await this.#putFile(entry, stat);
      return [];
    }
    if (entry.name !== '') await this.#write({ ...header(stat), name: `${entry.name}/`, type: 'directory' });
    const isForeign = stat.dev !== entry.device && !this.#options.mounts.has(entry.path);
    return isForeign ? [] : this.#children(entry, stat.dev);
  }

  #children(entry: Entry, device: number): readonly Entry[] {
    const names = this.#options.root.readdir(entry.path).toSorted().toReversed();
    const base = entry.path === '/' ? '' : entry.path;
    const prefix = entry.name === '' || entry.name.endsWith('/') ? entry.name : `${entry.name}/`;
    return names.map((name) => ({ path: `${base}/${name}`, name: `${prefix}${name}`, device }));
  }

  async #putFile({ path, name }: Entry, stat: Stats): Promise<void> {
    const base = { ...header(stat), name };
    if (stat.isSymbolicLink()) return await this.#write({ ...base, type: 'symlink', linkname: this.#options.root.readlink(path) });
    if (stat.isFIFO()) return await this.#write({ ...base, type: 'fifo' });
    if (stat.isBlockDevice() || stat.isCharacterDevice()) {
      const type = stat.isBlockDevice() ? 'block-device' : 'character-device';
      return await this.#write({ ...base, type, devmajor: major(stat.rdev), devminor: minor(stat.rdev) });
    }
    const key = `${stat.dev}:${stat.ino}`;
    const first = stat.nlink > 1 ? this.#links.get(key) : undefined;
    if (first !== undefined) return await this.#write({ ...base, type: 'link', linkname: first });
    if (stat.nlink > 1) this.#links.set(key, name);
    return await this.#writeContent(path, base, stat);
  }

  /** Exactly as many bytes as the header says: a file that grows is cut, one that shrinks is filled up with zeros. */
  async #writeContent(path: string, base: Header, stat: Stats): Promise<void> {
    const capability = this.#options.root.withEntry(path, (entry) => getXattr(entry, CAPABILITY));
    if (capability !== undefined) await this.#writeAttribute(capability);
    const fd = this.#options.root.open(path);
    const content = createReadStream('', { fd, end: Math.max(0, stat.size - 1), autoClose: true });
    if (stat.size === 0) {
      content.destroy();
      await this.#write({ ...base, type: 'file', size: 0 });
      return;
    }
    const entry = this.#archive.entry({ ...base, type: 'file', size: stat.size });
    await pipeline(content, filledUp(stat.size), entry);
  }

  /** A PAX record of its own: the library would write the value as UTF-8, which a capability is not. */
  #writeAttribute(value: Buffer): Promise<void> {
    const key = Buffer.from(` SCHILY.xattr.${CAPABILITY}=`);
    const rest = key.length + value.length + 1;
    // The length counts its own digits.
    let length = rest + String(rest).length;
    length = rest + String(length).length;
    const record = Buffer.concat([Buffer.from(String(length)), key, value, Buffer.from('\n')]);
    return new Promise((resolve, reject) => {
      const header = { name: 'PaxHeader' };
      // The library writes this type, though its typings leave it out.
      Reflect.set(header, 'type', 'pax-header');
      this.#archive.entry(header, record, (error) => (error ? reject(error) : resolve()));
    });
  }

  #lstat(path: string): Stats | undefined {
    try {
      return this.#options.root.lstat(path);
    } catch (error) {
      // Removed since its directory was read: it is not in the archive. Of the first path that is an error.
      if (path === this.#options.path) throw error;
      return undefined;
    }
  }

  #write(entry: Header): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#archive.entry(entry, (error) => (error ? reject(error) : resolve()));
    });
  }
}

function filledUp(size: number): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* (source) {
    let sent = 0;
    for await (const part of source) {
      sent += part.length;
      yield part;
    }
    while (sent < size) {
      const part = Buffer.alloc(Math.min(65_536, size - sent));
      sent += part.length;
      yield part;
    }
  };
}

/** The largest id that fits the six octal digits that the library writes. */
const MAX_PLAIN_ID = 0o777777;

function header(stat: Stats): Omit<Header, 'name'> {
  const isPlain = stat.uid <= MAX_PLAIN_ID && stat.gid <= MAX_PLAIN_ID;
  const pax = isPlain ? {} : { pax: { uid: String(stat.uid), gid: String(stat.gid) } };
  // With the bits of the type: the library takes a mode of 0 for none at all.
  return { mode: stat.mode, uid: Math.min(stat.uid, MAX_PLAIN_ID), gid: Math.min(stat.gid, MAX_PLAIN_ID), mtime: stat.mtime, ...pax };
}

/** Linux device numbers (makedev(3)). */
function major(device: number): number {
  return Number((BigInt(device) >> 8n) & 0xfffn) + Number((BigInt(device) >> 32n) & 0xfffff000n);
}

function minor(device: number): number {
  return Number(BigInt(device) & 0xffn) + Number((BigInt(device) >> 12n) & 0xffffff00n);
}
