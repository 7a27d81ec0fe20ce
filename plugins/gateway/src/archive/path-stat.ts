import type { Stats } from 'node:fs';
import { posix } from 'node:path';
import { CleatError, isCleatError } from '@cleat/schemas';
import type { SafeRoot } from '@cleat/sdk/filesystem';
import { rfc3339 } from '../wire/time.ts';

/** Bits of Go's file mode, which Docker sends. */
const GO_TYPE: readonly (readonly [test: (stat: Stats) => boolean, bits: number])[] = [
  [(stat) => stat.isDirectory(), 2 ** 31],
  [(stat) => stat.isSymbolicLink(), 2 ** 27],
  [(stat) => stat.isBlockDevice(), 2 ** 26],
  [(stat) => stat.isCharacterDevice(), 2 ** 26 + 2 ** 21],
  [(stat) => stat.isFIFO(), 2 ** 25],
  [(stat) => stat.isSocket(), 2 ** 24],
];

function goMode(stat: Stats): number {
  const type = GO_TYPE.find(([test]) => test(stat))?.[1] ?? 0;
  const setuid = (stat.mode & 0o4000) === 0 ? 0 : 2 ** 23;
  const setgid = (stat.mode & 0o2000) === 0 ? 0 : 2 ** 22;
  const sticky = (stat.mode & 0o1000) === 0 ? 0 : 2 ** 20;
  return type + setuid + setgid + sticky + (stat.mode & 0o777);
}

/** From the root, without `..`; a slash or dot at the end stays, since it asks for what a link leads to. */
export function absolutePath(path: string): string {
  const clean = posix.normalize(posix.join('/', path));
  if (path.endsWith('/.') || path === '.') return clean.endsWith('/') ? `${clean}.` : `${clean}/.`;
  return clean;
}

function asksBehindLinks(path: string): boolean {
  return path.endsWith('/') || path.endsWith('/.');
}

function bare(path: string): string {
  return path.replace(/\/\.?$/, '') || '/';
}

export interface PathStat {
  readonly stat: Stats;
  /** Where a link leads, in the container. */
  readonly linkTarget: string;
  readonly name: string;
}

/** The entry itself, unless the path asks for what is behind it. */
export function statPath(root: SafeRoot, path: string, container: string): PathStat {
  const absolute = absolutePath(path);
  try {
    const isDirectoryAsked = asksBehindLinks(absolute);
    const stat = isDirectoryAsked ? root.stat(bare(absolute)) : root.lstat(absolute);
    // "file/" is nothing.
    if (isDirectoryAsked && !stat.isDirectory()) throw notThere(path, container);
    return { stat, linkTarget: stat.isSymbolicLink() ? root.resolve(absolute) : '', name: posix.basename(absolute) || '/' };
  } catch (error) {
    throw missing(error, path, container);
  }
}

/** Docker's words for a path that is not there. */
export function missing(error: unknown, path: string, container: string): unknown {
  const name = isCleatError(error) ? error.details['errno'] : undefined;
  return name === 'ENOENT' || name === 'ENOTDIR' ? notThere(path, container) : error;
}

function notThere(path: string, container: string): CleatError {
  return new CleatError('not_found', 'PATH_NOT_FOUND', `Could not find the file ${path} in container ${container}`);
}

/** The header X-Docker-Container-Path-Stat. */
export function pathStatHeader({ stat, name, linkTarget }: PathStat): string {
  const mtime = rfc3339(BigInt(Math.floor(stat.mtimeMs * 1000)) * 1000n);
  return Buffer.from(JSON.stringify({ name, size: stat.size, mode: goMode(stat), mtime, linkTarget })).toString('base64');
}
