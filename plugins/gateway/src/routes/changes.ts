import type { Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { container } from '@cleat/schemas';
import { SafeRoot } from '@cleat/sdk/filesystem';
import type { FastifyInstance } from 'fastify';
import { unsupported } from '../errors.ts';
import { pathPart } from '../query.ts';
import { sendJson } from '../reply.ts';
import { scopeOf } from '../scope.ts';
import { claimsOf } from '../wire/container-parts.ts';
import { objectAt, parseObject, stringAt } from '../wire/json.ts';
import { findContainer } from './container-lookup.ts';

/** Docker's numbers. */
const KINDS = { modified: 0, added: 1, deleted: 2 } as const;

interface Change {
  readonly Path: string;
  readonly Kind: number;
}

export function changesRoutes(): (app: FastifyInstance) => void {
  return (app) => {
    app.get('/containers/:id/changes', async (request, reply) => {
      const scope = scopeOf(request);
      const info = await findContainer(scope, pathPart(request, 'id'));
      const changes = await changesOf(info, scope.signal);
      return sendJson(reply, changes.length > 0 ? changes : null);
    });
  };
}

/** What an overlay's writable layer says of the layers below it. */
async function changesOf(info: container.Info, signal: AbortSignal): Promise<readonly Change[]> {
  const data = objectAt(parseObject(claimsOf(info, 'root')[0]?.status ?? ''), 'data');
  const upper = stringAt(data, 'UpperDir');
  if (upper === '') throw unsupported(`the changes of container ${info.name} cannot be told: its root file system is not an overlay`);
  const lower = stringAt(data, 'LowerDir')
    .split(':')
    .filter((path) => path !== '');
  const roots = lower.map((path) => new SafeRoot(path));
  try {
    const changes: Change[] = [];
    await walk({ upper, roots, signal, changes }, '');
    return changes.toSorted((left, right) => (left.Path < right.Path ? -1 : 1));
  } finally {
    for (const root of roots) root.close();
  }
}

interface Walk {
  readonly upper: string;
  readonly roots: readonly SafeRoot[];
  readonly signal: AbortSignal;
  readonly changes: Change[];
}

/** Made in the writable layer as places to mount on, by the runtime: no change of the container's. */
const MOUNT_PLACES: ReadonlySet<string> = new Set([
  '/.dockerenv',
  '/dev',
  '/dev/console',
  '/dev/pts',
  '/dev/shm',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/mtab',
  '/etc/resolv.conf',
  '/proc',
  '/sys',
]);

/** True when there is a change in the directory. */
async function walk(options: Walk, directory: string): Promise<boolean> {
  const before = options.changes.length;
  for await (const entry of await opendir(join(options.upper, directory))) {
    options.signal.throwIfAborted();
    await look(options, `${directory}/${entry.name}`);
  }
  return options.changes.length > before;
}

async function look(options: Walk, path: string): Promise<void> {
  const stat = await lstat(join(options.upper, path));
  // A character device 0/0 hides what is below (overlayfs's whiteout).
  const isWhiteout = stat.isCharacterDevice() && stat.rdev === 0;
  const old = options.roots.map((root) => lstatIn(root, path)).find((found) => found !== undefined);
  const hasChanges = stat.isDirectory() && (await walk(options, path));
  if (MOUNT_PLACES.has(path) && !hasChanges && (stat.isDirectory() || stat.size === 0)) return;
  // A directory is copied up for each change below it: it has changed itself only when its own attributes have.
  if (old !== undefined && stat.isDirectory() && !hasChanges && isAlike(old, stat)) return;
  options.changes.push({ Path: path, Kind: isWhiteout ? KINDS.deleted : old === undefined ? KINDS.added : KINDS.modified });
}

function isAlike(left: Stats, right: Stats): boolean {
  return left.mode === right.mode && left.uid === right.uid && left.gid === right.gid;
}

function lstatIn(root: SafeRoot, path: string): Stats | undefined {
  try {
    const stat = root.lstat(path);
    return stat.isCharacterDevice() && stat.rdev === 0 ? undefined : stat;
  } catch {
    // Not in this layer.
    return undefined;
  }
}
