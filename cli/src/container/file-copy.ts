import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { CleatError, isCleatError } from '@cleat/schemas';
import { extractTree, packTree } from '@cleat/sdk/archive';
import type { SafeRoot } from '@cleat/sdk/filesystem';

/** One end of a copy. */
export interface Place {
  readonly root: SafeRoot;
  /** From the root on. With a slash or dot at the end: what a link leads to, and has to be a directory. */
  readonly path: string;
  readonly mounts: Pick<ReadonlySet<string>, 'has'>;
  /** In messages. */
  readonly label: string;
}

export interface CopyOptions {
  /** Of all that is made; undefined keeps that of the source. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Copy what a link at the source leads to. */
  readonly isFollowing: boolean;
  readonly signal: AbortSignal;
}

interface Source {
  readonly path: string;
  readonly name: string;
  readonly isDirectory: boolean;
  /** `dir/.`: not the directory, but what is in it. */
  readonly isContent: boolean;
}

/** Copies a file or a tree as `docker cp` does: into a directory that is there, or under the new name. */
export async function copyFiles(from: Place, to: Place, options: CopyOptions): Promise<void> {
  const source = sourceAt(from, options.isFollowing);
  const { directory, name } = targetAt(to, source);
  const archive = packTree({ root: from.root, path: source.path, name, mounts: from.mounts, signal: options.signal });
  await unpack(archive, { ...to, path: directory }, options);
}

/** The tar of a file or tree. */
export function archiveOf(from: Place, options: Pick<CopyOptions, 'isFollowing' | 'signal'>): Readable {
  const { path, name, isContent } = sourceAt(from, options.isFollowing);
  return packTree({ root: from.root, path, name: isContent ? '.' : name, mounts: from.mounts, signal: options.signal });
}

/** Unpacks a tar into a directory that is there. */
export async function unpack(archive: Readable, to: Place, options: CopyOptions): Promise<void> {
  const directory = to.root.resolve(bare(to.path));
  if (kindOf(to.root, directory) !== 'directory') throw notDirectory(to.label);
  const { owner, signal } = options;
  await extractTree(archive, { root: to.root, directory, keepTypes: true, owner, signal }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EROFS') throw error;
    throw new CleatError('permission_denied', 'COPY_READONLY', `the file system at ${to.label} is read-only`);
  });
}

function sourceAt(from: Place, isFollowing: boolean): Source {
  const { root, path, label } = from;
  const wantsDirectory = /(^|\/)\.?$/.test(path);
  const plain = bare(path);
  const resolved = isFollowing || wantsDirectory ? root.resolve(plain) : plain;
  const kind = kindOf(root, resolved, false);
  if (kind === 'nothing') throw new CleatError('not_found', 'COPY_SOURCE_MISSING', `there is no ${label}`);
  if (wantsDirectory && kind !== 'directory') throw notDirectory(label);
  const name = posix.basename(plain);
  const isContent = kind === 'directory' && (/(^|\/)\.$/.test(path) || name === '');
  return { path: resolved, name, isDirectory: kind === 'directory', isContent };
}

/** Where it goes, and under which name; no name: the content alone. */
function targetAt(to: Place, source: Source): { readonly directory: string; readonly name: string } {
  const { root, path, label } = to;
  const target = root.resolve(bare(path));
  const kind = kindOf(root, target);
  if (kind === 'directory') return { directory: target, name: source.isContent ? '' : source.name };
  const wantsDirectory = /(^|\/)\.?$/.test(path);
  if (kind === 'file' && (source.isDirectory || wantsDirectory)) throw notDirectory(label);
  if (kind === 'nothing' && wantsDirectory && !source.isDirectory)
    throw new CleatError('not_found', 'COPY_TARGET_MISSING', `there is no directory ${label}`);
  const directory = posix.dirname(target);
  if (kindOf(root, directory) !== 'directory')
    throw new CleatError('not_found', 'COPY_TARGET_MISSING', `there is no directory for ${label}`);
  return { directory, name: posix.basename(target) };
}

function kindOf(root: SafeRoot, path: string, isFollowing = true): 'directory' | 'file' | 'nothing' {
  try {
    const stat = isFollowing ? root.stat(path) : root.lstat(path);
    return stat.isDirectory() ? 'directory' : 'file';
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return 'nothing';
    throw error;
  }
}

function errnoOf(error: unknown): string {
  return isCleatError(error) ? (error.details['errno'] ?? '') : '';
}

function notDirectory(label: string): CleatError {
  return new CleatError('invalid_argument', 'COPY_NOT_A_DIRECTORY', `${label} is not a directory`);
}

/** Without the slash or dot at the end. */
function bare(path: string): string {
  return posix.normalize(`/${path}`).replace(/(?<=.)\/\.?$/, '') || '/';
}
