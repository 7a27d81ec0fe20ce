import { constants } from 'node:fs';
import { readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { errnoOf, fromNodeError } from './errno.ts';
import { O_PATH, openat2, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV } from './openat2.ts';
import { closeDescriptor } from './sockets.ts';

/** Deeper directories are moved up and done later: a hostile tree must not use up all descriptors. */
const DEPTH_LIMIT = 64;
const UNLINKS_AT_ONCE = 16;
/** A directory that is written to while it is emptied is read again this often. */
const PASSES = 16;

/** A directory that is being emptied. Entries are bytes: names in a container need not be UTF-8. */
interface Level {
  readonly fd: number;
  readonly name: Uint8Array;
  readonly path: string;
  pending: Uint8Array[];
  passes: number;
  /** Something in it cannot go because it is a mount point. */
  isHeld: boolean;
}

export interface TreeRemoval {
  /** Mount points that were found in the tree, and left with the directories that lead to them. */
  readonly mountPoints: readonly string[];
}

function entryPath(fd: number, name: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);
}

function shown(name: Uint8Array): string {
  return Buffer.from(name).toString();
}

/** One removal in progress. Everything happens below open directories, so a link or a rename inside can't lead it elsewhere. */
class TreeRemover {
  readonly #levels: Level[] = [];
  readonly #mountPoints: string[] = [];
  readonly #signal: AbortSignal | undefined;
  #moved = 0;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  async remove(parent: number, name: Uint8Array, path: string): Promise<TreeRemoval> {
    try {
      if (!(await this.#enter(parent, name, path))) return { mountPoints: this.#mountPoints };
      for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
        this.#signal?.throwIfAborted();
        const next = level.pending.pop();
        if (next === undefined) await this.#leave(level, parent);
        else if (this.#levels.length < DEPTH_LIMIT || !(await this.#moveUp(level, next))) {
          await this.#enter(level.fd, next, `${level.path}/${shown(next)}`);
        }
      }
      return { mountPoints: this.#mountPoints };
    } finally {
      for (const level of this.#levels) closeDescriptor(level.fd);
    }
  }

  /** Goes into a directory and unlinks its files; unlinks what is none. False when there was nothing to go into. */
  async #enter(parent: number, name: Uint8Array, path: string): Promise<boolean> {
    let fd: number;
    try {
      fd = openat2({
        root: parent,
        path: name,
        flags: O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW,
        resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
      });
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EXDEV') this.#hold(path);
      else if (errno === 'ENOTDIR' || errno === 'ELOOP') await this.#unlink(parent, name, path);
      else if (errno !== 'ENOENT') throw error;
      return false;
    }
    const level: Level = { fd, name, path, pending: [], passes: 0, isHeld: false };
    this.#levels.push(level);
    await this.#read(level);
    return true;
  }

  async #read(level: Level): Promise<void> {
    level.passes += 1;
    const entries = await settled(level.path, readdir(`/proc/self/fd/${level.fd}`, { withFileTypes: true, encoding: 'buffer' }));
    const files = entries.filter((entry) => !entry.isDirectory());
    for (let index = 0; index < files.length; index += UNLINKS_AT_ONCE) {
      this.#signal?.throwIfAborted();
      const batch = files.slice(index, index + UNLINKS_AT_ONCE);
      await Promise.all(batch.map((entry) => this.#unlinkOrDefer(level, entry.name)));
    }
    for (const entry of entries) if (entry.isDirectory()) level.pending.push(entry.name);
  }

  /** A file system that does not say the type in its listing shows a directory as neither. */
  async #unlinkOrDefer(level: Level, name: Uint8Array): Promise<void> {
    try {
      await this.#unlink(level.fd, name, `${level.path}/${shown(name)}`);
    } catch (error) {
      if (errnoOf(error) !== 'EISDIR') throw error;
      level.pending.push(name);
    }
  }

  async #unlink(parent: number, name: Uint8Array, path: string): Promise<void> {
    const errno = await failureOf(path, unlink(entryPath(parent, name)), ['EBUSY', 'ENOENT']);
    if (errno === 'EBUSY') this.#hold(path);
  }

  /** Removes the directory itself, now that it is empty. */
  async #leave(level: Level, top: number): Promise<void> {
    const parent = this.#levels.at(-2);
    const isRemoved = !level.isHeld && (await this.#removeDirectory(level, parent?.fd ?? top));
    if (!isRemoved && !level.isHeld) {
      await this.#read(level);
      return;
    }
    if (level.isHeld && parent !== undefined) parent.isHeld = true;
    this.#levels.pop();
    closeDescriptor(level.fd);
  }

  async #removeDirectory(level: Level, parent: number): Promise<boolean> {
    const patience = level.passes < PASSES ? ['ENOTEMPTY', 'EEXIST'] : [];
    const errno = await failureOf(level.path, rmdir(entryPath(parent, level.name)), ['EBUSY', 'ENOENT', ...patience]);
    if (errno === 'EBUSY') this.#hold(level.path);
    return errno === undefined || errno === 'ENOENT';
  }

  /** Moves a directory that lies too deep to the top of the tree. False when it has to be done where it is. */
  async #moveUp(level: Level, name: Uint8Array): Promise<boolean> {
    const top = this.#levels[0];
    if (top === undefined) return false;
    for (;;) {
      this.#moved += 1;
      const target = Buffer.from(`.removing-${process.pid}-${this.#moved}`);
      const taken = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'];
      const path = `${level.path}/${shown(name)}`;
      // An overlay refuses to rename a directory of its lower layers (EXDEV).
      const errno = await failureOf(path, rename(entryPath(level.fd, name), entryPath(top.fd, target)), [
        ...taken,
        'EXDEV',
        'EBUSY',
        'ENOENT',
      ]);
      if (errno === undefined) top.pending.push(target);
      if (errno === undefined || errno === 'ENOENT') return true;
      if (!taken.includes(errno)) return false;
    }
  }

  #hold(path: string): void {
    this.#mountPoints.push(path);
    const level = this.#levels.at(-1);
    if (level !== undefined) level.isHeld = true;
  }
}

async function settled<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw fromNodeError(error, path);
  }
}

/** The errno of a failure that is among `expected`, undefined for success; any other failure is thrown. */
async function failureOf(path: string, work: Promise<unknown>, expected: readonly string[]): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== undefined && expected.includes(errno)) return errno;
    throw fromNodeError(error, path);
  }
}

/** Removes the entry `name` of the open directory `parent` with all below it, never following a link or entering another mount. */
export async function removeTreeAt(parent: number, name: string, path: string, signal?: AbortSignal): Promise<TreeRemoval> {
  return new TreeRemover(signal).remove(parent, Buffer.from(name), path);
}
