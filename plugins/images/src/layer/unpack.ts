import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { makeNode, setFileTimes, setXattr } from '@cleat/sdk/filesystem';
import { openBlob } from '../archive/blob-reader.ts';
import { type TarEntry, TarReader } from '../archive/tar-reader.ts';
import { finishDigest } from '../store/digest.ts';
import { cleanPath, joinPath, splitPath } from './layer-path.ts';
import { LayerRoot } from './layer-root.ts';
import type { UnpackJob, UnpackResult } from './unpack-job.ts';
import { applyXattrs, OPAQUE_XATTR } from './xattrs.ts';

const WHITEOUT_PREFIX = '.wh.';
const OPAQUE_MARK = '.wh..wh..opq';
/** Bookkeeping of the old aufs driver, which is no content. */
const AUFS_PREFIX = '.wh..wh.';
const CREATE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const NODE_TYPES = { 'character-device': 'char', 'block-device': 'block', fifo: 'fifo' } as const;

/**
 * Unpacks a layer. It runs in a process of its own (worker.ts), so the calls may wait.
 * Errors: IMAGE_LAYER_CORRUPT, IMAGE_LAYER_PATH_ESCAPES, IMAGE_LAYER_DIGEST_MISMATCH, and those of the archive's reader.
 */
export async function unpackLayer(job: UnpackJob): Promise<UnpackResult> {
  const hash = createHash('sha256');
  let archiveBytes = 0;
  const hashed = async function* (): AsyncGenerator<Buffer, void> {
    for await (const chunk of await openBlob(job.blobPath)) {
      hash.update(chunk);
      archiveBytes += chunk.length;
      yield chunk;
    }
  };
  const reader = new TarReader(hashed());
  const unpacker = new Unpacker(job, reader);
  try {
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) await unpacker.apply(entry);
  } finally {
    await reader.close();
  }
  // With a diff id it is the hash that tells; some writers leave the mark out.
  if (job.diffId === undefined && !reader.hasEndMark) {
    throw new CleatError('invalid_argument', 'IMAGE_ARCHIVE_TRUNCATED', 'the archive has no end: it was cut off');
  }
  unpacker.finish();
  const diffId = finishDigest(hash);
  if (job.diffId !== undefined && job.diffId !== diffId) {
    throw new CleatError(
      'invalid_argument',
      'IMAGE_LAYER_DIGEST_MISMATCH',
      `the layer should have the diff id ${job.diffId} and has ${diffId}`,
    );
  }
  return { diffId, archiveBytes, contentBytes: unpacker.contentBytes };
}

class Unpacker {
  contentBytes = 0;
  readonly #job: UnpackJob;
  readonly #reader: TarReader;
  readonly #root: LayerRoot;
  /** Times of directories are set last: each file made inside changes them. */
  readonly #directoryTimes = new Map<string, bigint>();
  /** What this layer made: whiteouts speak only of the layers below. */
  readonly #made = new Set<string>();
  /** Whiteouts made so far, which an entry of the same name replaces. */
  readonly #whiteouts = new Set<string>();

  constructor(job: UnpackJob, reader: TarReader) {
    this.#job = job;
    this.#reader = reader;
    this.#root = new LayerRoot(job.target, job.below);
    this.#root.inheritRoot();
  }

  async apply(entry: TarEntry): Promise<void> {
    const path = cleanPath(entry.name);
    const [directory, base] = splitPath(path);
    if (base.startsWith(WHITEOUT_PREFIX)) {
      this.#delete(this.#root.directory(directory), base);
      return;
    }
    if (path === '' && entry.type !== 'directory') throw corrupt('its root is no directory');
    const target = path === '' ? '' : joinPath(this.#root.directory(directory), base);
    const isOpaque = this.#clear(target, entry);
    await this.#create(target, entry);
    this.#made.add(target);
    this.#setMetadata(target, entry);
    if (isOpaque) this.#markOpaque(target);
  }

  finish(): void {
    for (const [path, mtimeNs] of this.#directoryTimes) setTime(this.#root.host(path), mtimeNs);
  }

  #delete(directory: string, base: string): void {
    if (base === OPAQUE_MARK) {
      if (this.#job.form === 'overlay') this.#markOpaque(directory);
      else this.#removeBelow(directory);
      return;
    }
    if (base.startsWith(AUFS_PREFIX)) return;
    const name = base.slice(WHITEOUT_PREFIX.length);
    if (name === '' || name === '.' || name === '..') throw corrupt(`it holds the deletion ${JSON.stringify(base)}`);
    const path = joinPath(directory, name);
    if (this.#job.form === 'merged') this.#removeMerged(path);
    else this.#whiteOut(path);
  }

  #whiteOut(path: string): void {
    const present = this.#root.lstat(path);
    if (present === undefined) {
      makeNode(this.#root.host(path), { type: 'char', mode: 0 });
      this.#whiteouts.add(path);
    } else if (present.isDirectory()) this.#markOpaque(path);
    // Any other entry of this layer already hides what is below.
  }

  #markOpaque(path: string): void {
    setXattr(this.#root.host(path), OPAQUE_XATTR, Buffer.from('y'));
  }

  /** Removes what the layers below left at a path, and keeps what this layer made. */
  #removeMerged(path: string): void {
    if (this.#made.has(path)) {
      if (this.#root.lstat(path)?.isDirectory() === true) this.#removeBelow(path);
      return;
    }
    this.#root.forget(path);
    rmSync(this.#root.host(path), { recursive: true, force: true });
  }

  #removeBelow(directory: string): void {
    for (const name of readdirSync(this.#root.host(directory), 'latin1')) this.#removeMerged(joinPath(directory, name));
  }

  /** Makes way for an entry. True when a directory takes the place of a whiteout: it must not show what is below. */
  #clear(path: string, entry: TarEntry): boolean {
    const present = this.#root.lstat(path);
    if (present === undefined) return false;
    if (present.isDirectory() && entry.type === 'directory') return false;
    if (path === '') throw corrupt('its root is no directory');
    this.#root.forget(path);
    for (const known of this.#directoryTimes.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.#directoryTimes.delete(known);
    }
    rmSync(this.#root.host(path), { recursive: true });
    return this.#whiteouts.delete(path) && entry.type === 'directory';
  }

  async #create(path: string, entry: TarEntry): Promise<void> {
    const host = this.#root.host(path);
    switch (entry.type) {
      case 'directory':
        if (path !== '' && this.#root.lstat(path) === undefined) mkdirSync(host);
        this.#root.knowDirectory(path);
        return;
      case 'file':
        return this.#writeFile(host, entry);
      case 'symlink':
        return symlinkSync(Buffer.from(entry.linkName, 'latin1'), host);
      case 'hardlink':
        return this.#link(host, entry);
      case 'character-device':
      case 'block-device':
      case 'fifo':
        return makeNode(host, { type: NODE_TYPES[entry.type], mode: entry.mode, major: entry.major, minor: entry.minor });
    }
  }

  async #writeFile(host: Buffer, entry: TarEntry): Promise<void> {
    const fd = openSync(host, CREATE_NEW, 0o600);
    try {
      for await (const piece of this.#reader.body()) writeAll(fd, piece.data, piece.offset);
      if (entry.sparse !== undefined) ftruncateSync(fd, entry.sizeBytes);
      fchownSync(fd, entry.uid, entry.gid);
      fchmodSync(fd, entry.mode);
    } finally {
      closeSync(fd);
    }
    this.contentBytes += entry.sizeBytes;
  }

  #link(host: Buffer, entry: TarEntry): void {
    const [directory, base] = splitPath(cleanPath(entry.linkName));
    const target = joinPath(this.#root.directory(directory), base);
    const stat = this.#root.lstat(target);
    if (stat === undefined || stat.isDirectory() || this.#whiteouts.has(target)) {
      throw corrupt(`${JSON.stringify(entry.name)} is a hard link to ${JSON.stringify(entry.linkName)}, which is no file of it`);
    }
    linkSync(this.#root.host(target), host);
  }

  #setMetadata(path: string, entry: TarEntry): void {
    // A hard link is the file that it links to, which has had its own entry.
    if (entry.type === 'hardlink') return;
    const host = this.#root.host(path);
    // chown takes set-id bits and capabilities away, so it comes first.
    if (entry.type !== 'file') lchownSync(host, entry.uid, entry.gid);
    if (entry.type !== 'file' && entry.type !== 'symlink') chmodSync(host, entry.mode);
    applyXattrs(host, entry.xattrs);
    if (entry.type === 'directory') this.#directoryTimes.set(path, entry.mtimeNs);
    else setTime(host, entry.mtimeNs);
  }
}

function writeAll(fd: number, data: Buffer, offset: number): void {
  let done = 0;
  while (done < data.length) done += writeSync(fd, data, done, data.length - done, offset + done);
}

function setTime(host: Buffer, timeNs: bigint): void {
  setFileTimes(host, { accessedNs: timeNs, modifiedNs: timeNs });
}

function corrupt(what: string): CleatError {
  return new CleatError('invalid_argument', 'IMAGE_LAYER_CORRUPT', `the layer is corrupt: ${what}`);
}
