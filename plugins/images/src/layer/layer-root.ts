import { type BigIntStats, chmodSync, lchownSync, lstatSync, mkdirSync, readlinkSync, type Stats } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { setFileTimes } from '@cleat/sdk/filesystem';
import { hostPath, joinPath } from './layer-path.ts';

const LINKS_LIMIT = 255;
const DEFAULT_DIRECTORY_MODE = 0o755;

/**
 * The directory a layer is unpacked into. Nobody else writes there, so a path that was looked at stays what it is;
 * symbolic links of the layer are followed as the container will follow them: never out of the root.
 */
export class LayerRoot {
  readonly path: string;
  readonly #below: readonly string[];
  /** Directories known to be real ones, so that a tree of many files is not looked at again for each. */
  readonly #directories = new Set<string>(['']);

  constructor(path: string, below: readonly string[]) {
    this.path = path;
    this.#below = below;
  }

  host(path: string): Buffer {
    return hostPath(this.path, path);
  }

  lstat(path: string): Stats | undefined {
    return lstatSync(this.host(path), { throwIfNoEntry: false });
  }

  /** To be called when a directory goes or becomes something else. */
  forget(path: string): void {
    for (const known of this.#directories) {
      if (known === path || known.startsWith(`${path}/`)) this.#directories.delete(known);
    }
  }

  knowDirectory(path: string): void {
    this.#directories.add(path);
  }

  /** The real path of a directory, made where it is missing. */
  directory(path: string): string {
    if (this.#directories.has(path)) return path;
    const pending = path.split('/').reverse();
    let real = '';
    let links = 0;
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        // Above the root there is the root, as in the container.
        real = real.slice(0, Math.max(real.lastIndexOf('/'), 0));
        continue;
      }
      const next = joinPath(real, part);
      const link = this.#linkAt(next);
      if (link === undefined) {
        this.#ensureDirectory(next);
        real = next;
        continue;
      }
      links += 1;
      if (links > LINKS_LIMIT)
        throw new CleatError('invalid_argument', 'IMAGE_LAYER_CORRUPT', `the layer has a loop of symbolic links at ${path}`);
      if (link.startsWith('/')) real = '';
      pending.push(...link.split('/').reverse());
    }
    return real;
  }

  #linkAt(path: string): string | undefined {
    if (this.#directories.has(path) || this.lstat(path)?.isSymbolicLink() !== true) return undefined;
    return readlinkSync(this.host(path), 'latin1');
  }

  #ensureDirectory(path: string): void {
    if (this.#directories.has(path)) return;
    const present = this.lstat(path);
    if (present === undefined) this.#makeImplied(path);
    else if (!present.isDirectory()) {
      throw new CleatError(
        'invalid_argument',
        'IMAGE_LAYER_CORRUPT',
        `the layer uses ${JSON.stringify(path)} as a directory, which it is not`,
      );
    }
    this.#directories.add(path);
  }

  /** A directory that the archive does not describe hides the one below it, so it takes over its owner, mode and time. */
  #makeImplied(path: string): void {
    const host = this.host(path);
    mkdirSync(host, DEFAULT_DIRECTORY_MODE);
    this.#inherit(path);
  }

  /** The root too takes over from the layer below, until the archive describes it. */
  inheritRoot(): void {
    this.#inherit('');
  }

  #inherit(path: string): void {
    const model = this.#directoryBelow(path);
    if (model === undefined) return;
    const host = this.host(path);
    lchownSync(host, Number(model.uid), Number(model.gid));
    chmodSync(host, Number(model.mode & 0o7777n));
    setFileTimes(host, { accessedNs: model.atimeNs, modifiedNs: model.mtimeNs });
  }

  #directoryBelow(path: string): BigIntStats | undefined {
    for (const lower of this.#below) {
      const found = lowerStat(lower, path);
      if (found === 'hidden') return undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** The directory at a path of a lower layer; `hidden` where something else, a whiteout say, is on the way. */
function lowerStat(lower: string, path: string): BigIntStats | 'hidden' | undefined {
  let reached = '';
  let stat: BigIntStats | undefined;
  for (const part of path.split('/')) {
    reached = joinPath(reached, part);
    stat = lstatSync(hostPath(lower, reached), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (!stat.isDirectory()) return 'hidden';
  }
  return stat;
}
