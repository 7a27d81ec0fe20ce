import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lchownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { errnoOf, translated } from './errno.ts';
import { type FileTimes, makeNode, type NodeRequest, setFileTimes } from './nodes.ts';
import { lstatInRoot, O_PATH, openat2, openInRoot, RESOLVE_IN_ROOT, readlinkInRoot, statInRoot } from './openat2.ts';
import { closeDescriptor } from './sockets.ts';
import { removeTreeAt } from './tree-removal.ts';

/** As the kernel's own limit of links in one path. */
const LINK_LIMIT = 40;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A directory tree whose content is hostile (a container's), worked on as if it were the root: no link, `..` or rename inside it leads out,
 * and nothing that lies in it is opened but regular files and directories. All calls but `remove` are single steps on the calling thread.
 * Names that are not UTF-8 cannot be given or listed faithfully.
 */
export class SafeRoot {
  readonly #fd: number;
  #isOpen = true;

  /** `path` itself is trusted; it may be /proc/PID/root. */
  constructor(path: string) {
    this.#fd = openat2({ root: -100, path, flags: O_PATH | constants.O_DIRECTORY, resolve: 0 });
  }

  /** Descriptors that were handed out stay open. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeDescriptor(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #root(): number {
    if (!this.#isOpen) throw new CleatError('conflict', 'ROOT_CLOSED', 'the root is closed');
    return this.#fd;
  }

  stat(path: string): Stats {
    return statInRoot(this.#root, path);
  }

  lstat(path: string): Stats {
    return lstatInRoot(this.#root, path);
  }

  exists(path: string): boolean {
    return this.#unlessMissing(() => this.stat(path)) !== undefined;
  }

  readlink(path: string): string {
    return readlinkInRoot(this.#root, path);
  }

  /** The names in a directory, in no order. */
  readdir(path: string): string[] {
    const fd = openInRoot(this.#root, path, O_PATH | constants.O_DIRECTORY);
    return this.#using(fd, path, (proc) => readdirSync(proc));
  }

  /** Opens a regular file or a directory for reading. A pipe would block and a device act, so both are refused. The caller closes it. */
  open(path: string): number {
    const fd = openInRoot(this.#root, path, O_PATH);
    return this.#using(fd, path, (proc) => {
      const stat = fstatSync(fd);
      if (!stat.isFile() && !stat.isDirectory()) {
        throw new CleatError('invalid_argument', 'NOT_A_FILE', `${path} is neither a regular file nor a directory`);
      }
      // Again, but of exactly what has been looked at.
      return openat2({ root: -100, path: proc, flags: constants.O_RDONLY | constants.O_NONBLOCK, resolve: 0 });
    });
  }

  /** The content of a regular file of at most `maxBytes`. */
  readFile(path: string, maxBytes: number): Buffer {
    const fd = this.open(path);
    return this.#using(fd, path, () => {
      if (!fstatSync(fd).isFile()) throw new CleatError('invalid_argument', 'NOT_A_FILE', `${path} is a directory`);
      return readBounded(fd, path, maxBytes);
    });
  }

  /** Makes a new regular file for writing, in place of any other entry but a directory. The caller closes it. */
  createFile(path: string, mode: number): number {
    this.#clear(path);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openat2({ root: this.#root, path, flags, mode: 0o600, resolve: RESOLVE_IN_ROOT });
    try {
      fchmodSync(fd, mode);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  writeFile(path: string, data: Uint8Array, mode: number): void {
    const fd = this.createFile(path, mode);
    this.#using(fd, path, () => {
      for (let written = 0; written < data.length; ) written += writeSync(fd, data, written);
    });
  }

  /** Makes a directory and those above it; links on the way are followed inside the root. False when it is there already. */
  mkdirp(path: string, mode = 0o755, owner?: Owner): boolean {
    let isMade = false;
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    names.forEach((_name, index) => {
      const prefix = names.slice(0, index + 1).join('/');
      if (this.#unlessMissing(() => this.stat(prefix))?.isDirectory() === true) return;
      this.mkdir(prefix, mode, owner);
      isMade = true;
    });
    return isMade;
  }

  mkdir(path: string, mode: number, owner?: Owner): void {
    this.#at(path, (entry) => {
      mkdirSync(entry, 0o700);
      if (owner !== undefined) lchownSync(entry, owner.uid, owner.gid);
    });
    this.chmod(path, mode);
  }

  /** Makes a link, in place of any other entry but a directory. Its text may be anything: it is only ever followed inside. */
  symlink(text: string, path: string): void {
    this.#clear(path);
    this.#at(path, (entry) => {
      symlinkSync(text, entry);
    });
  }

  /** A second name for an existing file, in place of any other entry but a directory. */
  link(existing: string, path: string): void {
    this.#clear(path);
    this.#at(existing, (source) => {
      this.#at(path, (entry) => {
        linkSync(source, entry);
      });
    });
  }

  /** Makes a device, pipe or socket file, in place of any other entry but a directory. */
  mknod(path: string, request: NodeRequest): void {
    this.#clear(path);
    this.#at(path, (entry) => {
      makeNode(entry, request);
    });
  }

  /** Of the entry itself, also when it is a link. Takes the set-id bits away, so call chmod after it. */
  chown(path: string, owner: Owner): void {
    this.#at(path, (entry) => {
      lchownSync(entry, owner.uid, owner.gid);
    });
  }

  /** A link has no mode and is refused. */
  chmod(path: string, mode: number): void {
    const fd = openInRoot(this.#root, path, O_PATH | constants.O_NOFOLLOW);
    this.#using(fd, path, (proc) => {
      if (fstatSync(fd).isSymbolicLink()) throw new CleatError('invalid_argument', 'NOT_A_FILE', `${path} is a link, which has no mode`);
      chmodSync(proc, mode);
    });
  }

  /** Of the entry itself, also when it is a link. */
  utimes(path: string, times: FileTimes): void {
    this.#at(path, (entry) => {
      setFileTimes(entry, times);
    });
  }

  /** Gives `use` a path to the entry that leads nowhere else, for what has no method here (extended attributes); it must not follow links. */
  withEntry<T>(path: string, use: (entry: string) => T): T {
    return this.#at(path, use);
  }

  /** Removes an entry, a directory with all that is in it. False when there is none. A mount point in it is a conflict. */
  async remove(path: string, signal?: AbortSignal): Promise<boolean> {
    const { parent, name } = split(path);
    if (name === '.') throw new CleatError('invalid_argument', 'PATH_INVALID', `${path} can't be removed: name an entry below the root`);
    if (this.#unlessMissing(() => this.lstat(path)) === undefined) return false;
    const fd = openInRoot(this.#root, parent, O_PATH | constants.O_DIRECTORY);
    try {
      const { mountPoints } = await removeTreeAt(fd, name, path, signal);
      if (mountPoints.length > 0) {
        throw new CleatError('conflict', 'TREE_HAS_MOUNTS', `${path} can't be removed: ${mountPoints.join(', ')} is a mount point`);
      }
      return true;
    } finally {
      closeDescriptor(fd);
    }
  }

  /**
   * Where a path leads, as an absolute path without links; what is missing stays as it is written. Only to be shown:
   * the tree may change, and every other method resolves anew.
   */
  resolve(path: string): string {
    const pending = path.split('/').reverse();
    let resolved: string[] = [];
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        resolved.pop();
        continue;
      }
      const here = [...resolved, name];
      if (this.#unlessMissing(() => this.lstat(here.join('/')))?.isSymbolicLink() !== true) {
        resolved = here;
        continue;
      }
      links += 1;
      if (links > LINK_LIMIT)
        throw new CleatError('invalid_argument', 'SYSCALL_ELOOP', `${path} has too many links`, { details: { errno: 'ELOOP' } });
      const text = this.readlink(here.join('/'));
      if (text.startsWith('/')) resolved = [];
      pending.push(...text.split('/').reverse());
    }
    return `/${resolved.join('/')}`;
  }

  #at<T>(path: string, use: (entry: string) => T): T {
    const { parent, name } = split(path);
    const fd = openInRoot(this.#root, parent, O_PATH | constants.O_DIRECTORY);
    return this.#using(fd, path, (proc) => use(`${proc}/${name}`));
  }

  #using<T>(fd: number, path: string, use: (proc: string) => T): T {
    try {
      return translated(path, () => use(`/proc/self/fd/${fd}`));
    } finally {
      closeDescriptor(fd);
    }
  }

  #clear(path: string): void {
    this.#at(path, (entry) => {
      try {
        unlinkSync(entry);
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
      }
    });
  }

  #unlessMissing<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
      throw error;
    }
  }
}

/** The directory and the name in it that a path ends in; `.` for the root and for a path that ends in `..`. */
function split(path: string): { readonly parent: string; readonly name: string } {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  const name = names.at(-1);
  if (name === undefined || name === '..') return { parent: names.join('/'), name: '.' };
  return { parent: names.slice(0, -1).join('/'), name };
}

function readBounded(fd: number, path: string, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0; ; ) {
    const chunk = Buffer.allocUnsafe(Math.min(65536, maxBytes + 1 - total));
    const length = readSync(fd, chunk);
    if (length === 0) return Buffer.concat(chunks);
    total += length;
    if (total > maxBytes) throw new CleatError('resource_exhausted', 'FILE_TOO_LARGE', `${path} is larger than ${maxBytes} bytes`);
    chunks.push(chunk.subarray(0, length));
  }
}
