import {
  type BigIntStats,
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { CleatError } from '@cleat/schemas';
import { getXattr, listXattrs, makeNode, type NodeRequest, setFileTimes, setXattr } from '@cleat/sdk/filesystem';
import { hostPath, joinPath } from './layer-path.ts';
import { type CopyJob, type CopyResult, mapId } from './unpack-job.ts';

const CAPABILITY_XATTR = 'security.capability';
const CAPABILITY_REVISION_2 = 0x02;
const CAPABILITY_REVISION_3 = 0x03;
/** After so many nodes the loop is let go once, so that the end of the parent process is noticed. */
const NODES_PER_TURN = 64;

/** Copies a tree. Errors: IMAGE_LAYER_ID_NOT_MAPPED. */
export async function copyTree(job: CopyJob): Promise<CopyResult> {
  const copy = new TreeCopy(job);
  await copy.run();
  return { contentBytes: copy.contentBytes };
}

class TreeCopy {
  contentBytes = 0;
  readonly #job: CopyJob;
  /** First path of each file that has several. */
  readonly #links = new Map<string, string>();
  readonly #directories: { readonly path: string; readonly stat: BigIntStats }[] = [];
  #nodes = 0;

  constructor(job: CopyJob) {
    this.#job = job;
  }

  async run(): Promise<void> {
    const pending = [''];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      const stat = lstatSync(this.#from(path), { bigint: true });
      this.#copyNode(path, stat);
      if (stat.isDirectory()) {
        const directory = path;
        pending.push(...readdirSync(this.#from(path), 'latin1').map((name) => joinPath(directory, name)));
      }
      this.#nodes += 1;
      if (this.#nodes % NODES_PER_TURN === 0) await setImmediate();
    }
    // Last, since each file made inside changes the time of its directory.
    for (const { path, stat } of this.#directories) setTimes(this.#to(path), stat);
  }

  #from(path: string): Buffer {
    return hostPath(this.#job.source, path);
  }

  #to(path: string): Buffer {
    return hostPath(this.#job.target, path);
  }

  #copyNode(path: string, stat: BigIntStats): void {
    const target = this.#to(path);
    if (stat.nlink > 1n && !stat.isDirectory()) {
      const key = `${stat.dev}:${stat.ino}`;
      const first = this.#links.get(key);
      if (first !== undefined) return linkSync(this.#to(first), target);
      this.#links.set(key, path);
    }
    this.#makeNode(path, stat, target);
    lchownSync(target, this.#mapped('uid', Number(stat.uid), path), this.#mapped('gid', Number(stat.gid), path));
    if (!stat.isSymbolicLink()) chmodSync(target, modeOf(stat));
    this.#copyXattrs(path, target);
    if (stat.isDirectory()) this.#directories.push({ path, stat });
    else setTimes(target, stat);
  }

  #makeNode(path: string, stat: BigIntStats, target: Buffer): void {
    if (stat.isDirectory()) mkdirSync(target, { recursive: path === '' });
    else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(this.#from(path), 'buffer'), target);
    else if (stat.isFile()) {
      copyFileSync(this.#from(path), target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      this.contentBytes += Number(stat.size);
    } else makeNode(target, { type: nodeType(stat), mode: modeOf(stat), ...deviceOf(stat.rdev) });
  }

  #copyXattrs(path: string, target: Buffer): void {
    const source = this.#from(path);
    for (const name of listXattrs(source)) {
      const value = getXattr(source, name);
      if (value !== undefined) setXattr(target, name, name === CAPABILITY_XATTR ? this.#capabilities(value) : value);
    }
  }

  /** Without the id of its user namespace's root the kernel gives a file's capabilities to nobody inside (capabilities(7)). */
  #capabilities(value: Buffer): Buffer {
    if (this.#job.mapping === undefined || value[3] !== CAPABILITY_REVISION_2) return value;
    const namespaced = Buffer.alloc(value.length + 4);
    value.copy(namespaced);
    namespaced[3] = CAPABILITY_REVISION_3;
    namespaced.writeUInt32LE(this.#mapped('uid', 0, ''), value.length);
    return namespaced;
  }

  #mapped(kind: 'uid' | 'gid', id: number, path: string): number {
    if (this.#job.mapping === undefined) return id;
    const mapped = mapId(kind === 'uid' ? this.#job.mapping.uids : this.#job.mapping.gids, id);
    if (mapped !== undefined) return mapped;
    throw new CleatError(
      'invalid_argument',
      'IMAGE_LAYER_ID_NOT_MAPPED',
      `${JSON.stringify(`/${path}`)} of the image belongs to the ${kind} ${id}, which the user namespace does not map`,
      { hint: 'Give the user namespace a larger range of subordinate ids (/etc/subuid, /etc/subgid).' },
    );
  }
}

function setTimes(path: Buffer, stat: BigIntStats): void {
  setFileTimes(path, { accessedNs: stat.atimeNs, modifiedNs: stat.mtimeNs });
}

function modeOf(stat: BigIntStats): number {
  return Number(stat.mode & 0o7777n);
}

function nodeType(stat: BigIntStats): NodeRequest['type'] {
  if (stat.isFIFO()) return 'fifo';
  if (stat.isSocket()) return 'socket';
  return stat.isBlockDevice() ? 'block' : 'char';
}

function deviceOf(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}
