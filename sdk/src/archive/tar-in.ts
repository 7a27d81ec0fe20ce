import { createWriteStream, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type NodeRequest, type SafeRoot, setXattr } from '@cleat/core/syscalls';
import { CleatError } from '@cleat/schemas';
import { extract, type Header } from 'tar-stream';

export interface ExtractTree {
  readonly root: SafeRoot;
  /** The directory to fill. */
  readonly directory: string;
  /** Refuse to put a file in place of a directory, or a directory in place of a file. */
  readonly keepTypes: boolean;
  /** Own everything by this user, instead of whom the archive names. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly signal: AbortSignal;
}

const XATTR_PREFIX = 'SCHILY.xattr.';
/** Attributes that an archive may set: what a user may have given a file. */
const XATTRS = ['security.capability', 'user.'] as const;

/**
 * Unpacks a tar into a directory. No entry leaves the root, whatever its name or the links on the way.
 *
 * @throws CleatError `invalid_argument` ARCHIVE_UNUSABLE
 */
export async function extractTree(archive: Readable, options: ExtractTree): Promise<void> {
  const entries = extract();
  const feeding = pipeline(archive, entries, { signal: options.signal });
  const target = new Target(options);
  try {
    for await (const entry of entries) {
      await target.put(entry.header, Readable.from(entry));
      // What nobody wanted of it.
      entry.resume();
    }
    await feeding;
  } catch (error) {
    entries.destroy();
    await feeding.catch(() => undefined);
    throw readable(error);
  }
  target.finish();
}

/** The library's own words for bytes that are no tar are about its header. */
function readable(error: unknown): unknown {
  const isFormat = error instanceof Error && /^(Invalid tar header|Unexpected end of data)/.test(error.message);
  return isFormat ? unusable(`the body is not a tar archive: ${error.message}`) : error;
}

function unusable(message: string): CleatError {
  return new CleatError('invalid_argument', 'ARCHIVE_UNUSABLE', message);
}

class Target {
  readonly #options: ExtractTree;
  /** Times of directories: set when nothing is put into them any more. */
  readonly #times: { readonly path: string; readonly mtime: Date }[] = [];

  constructor(options: ExtractTree) {
    this.#options = options;
  }

  async put(header: Header, content: Readable): Promise<void> {
    const name = this.#inside(header.name);
    if (name === '') return;
    const { root, directory } = this.#options;
    const path = posix.join(directory, name);
    root.mkdirp(posix.dirname(path));
    const isKept = await this.#makeRoom(header, path, name);
    if (!isKept) await this.#make(header, path, content);
    this.#setAttributes(header, path);
  }

  /** A name in the archive, without leading slash; one that climbs out of it is refused. */
  #inside(name: string): string {
    const clean = posix.normalize(`./${name}`).replace(/\/$/, '');
    if (clean === '..' || clean.startsWith('../')) throw unusable(`"${name}" is outside of "${this.#options.directory}"`);
    return clean === '.' ? '' : clean;
  }

  /** True: the entry is a directory that is there already. */
  async #makeRoom(header: Header, path: string, name: string): Promise<boolean> {
    const there = lstatIfThere(this.#options.root, path);
    if (there === undefined) return false;
    const isDirectory = header.type === 'directory';
    if (this.#options.keepTypes && there.isDirectory() && !isDirectory) {
      throw unusable(`cannot overwrite directory "${path}" with non-directory "${name}"`);
    }
    if (this.#options.keepTypes && !there.isDirectory() && isDirectory) {
      throw unusable(`cannot overwrite non-directory "${path}" with directory "${name}"`);
    }
    if (there.isDirectory() && isDirectory) return true;
    await this.#options.root.remove(path, this.#options.signal);
    return false;
  }

  async #make(header: Header, path: string, content: Readable): Promise<void> {
    const { root } = this.#options;
    switch (header.type) {
      case 'directory':
        root.mkdir(path, 0o700);
        return;
      case 'file':
      case 'contiguous-file':
        await pipeline(content, createWriteStream('', { fd: root.createFile(path, 0o600), autoClose: true }));
        return;
      case 'symlink':
        root.symlink(header.linkname ?? '', path);
        return;
      case 'link':
        root.link(posix.join(this.#options.directory, this.#inside(header.linkname ?? '')), path);
        return;
      case 'fifo':
      case 'character-device':
      case 'block-device':
        root.mknod(path, nodeOf(header));
        return;
      default:
        throw unusable(`entry "${header.name}" of the archive has the unknown type ${String(header.type)}`);
    }
  }

  #setAttributes(header: Header, path: string): void {
    if (header.type === 'link') return;
    const { root, owner } = this.#options;
    root.chown(path, owner ?? { uid: header.uid ?? 0, gid: header.gid ?? 0 });
    if (header.type !== 'symlink') {
      // After chown, which takes the set-id bits away.
      root.chmod(path, (header.mode ?? 0o644) & 0o7777);
      this.#setXattrs(header, path);
    }
    const mtime = header.mtime ?? new Date();
    if (header.type === 'directory') this.#times.push({ path, mtime });
    else this.#setTime(path, mtime);
  }

  #setXattrs(header: Header, path: string): void {
    for (const [key, value] of Object.entries(header.pax ?? {})) {
      const name = key.startsWith(XATTR_PREFIX) ? key.slice(XATTR_PREFIX.length) : '';
      const isAllowed = XATTRS.some((allowed) => name === allowed || (allowed.endsWith('.') && name.startsWith(allowed)));
      // The library decodes values as UTF-8: one that is not comes as something else, and is better left out.
      if (!isAllowed || typeof value !== 'string' || value.includes('\uFFFD')) continue;
      this.#options.root.withEntry(path, (entry) => setXattr(entry, name, Buffer.from(value, 'utf8')));
    }
  }

  #setTime(path: string, mtime: Date): void {
    const ns = BigInt(mtime.getTime()) * 1_000_000n;
    this.#options.root.utimes(path, { accessedNs: ns, modifiedNs: ns });
  }

  finish(): void {
    for (const { path, mtime } of this.#times.toReversed()) this.#setTime(path, mtime);
  }
}

function nodeOf(header: Header): NodeRequest {
  const type = header.type === 'block-device' ? 'block' : header.type === 'character-device' ? 'char' : 'fifo';
  return { type, mode: 0o600, major: header.devmajor ?? 0, minor: header.devminor ?? 0 };
}

function lstatIfThere(root: SafeRoot, path: string): Stats | undefined {
  return root.exists(path) || isDanglingLink(root, path) ? root.lstat(path) : undefined;
}

/** A link that leads nowhere does not "exist" for a call that follows it. */
function isDanglingLink(root: SafeRoot, path: string): boolean {
  try {
    return root.lstat(path).isSymbolicLink();
  } catch {
    // Nothing there at all.
    return false;
  }
}
