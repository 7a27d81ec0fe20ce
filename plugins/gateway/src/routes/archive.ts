import { posix } from 'node:path';
import { CleatError, type container } from '@cleat/schemas';
import type { SafeRoot } from '@cleat/sdk/filesystem';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { absolutePath, missing, pathStatHeader, statPath } from '../archive/path-stat.ts';
import { openView, withView } from '../archive/view.ts';
import { badRequest } from '../errors.ts';
import { pathPart, Query } from '../query.ts';
import { sendNothing } from '../reply.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { mountPointsOf } from '../wire/container-parts.ts';
import { findContainer } from './container-lookup.ts';

const STAT_HEADER = 'X-Docker-Container-Path-Stat';

/** docker cp, docker export. */
export function archiveRoutes(): (app: FastifyInstance) => void {
  return (app) => {
    app.head('/containers/:id/archive', async (request, reply) => {
      const { scope, info, path } = await archiveRequest(request);
      const header = await withView(scope, info.id, (root) => pathStatHeader(statPath(root, path, info.name)));
      return reply.code(200).header(STAT_HEADER, header).send();
    });
    app.get('/containers/:id/archive', async (request, reply) => await get(request, reply));
    app.put('/containers/:id/archive', async (request, reply) => await put(request, reply));
    app.get('/containers/:id/export', async (request, reply) => await exportRoot(request, reply));
  };
}

interface ArchiveRequest {
  readonly scope: Scope;
  readonly info: container.Info;
  readonly path: string;
}

async function archiveRequest(request: FastifyRequest): Promise<ArchiveRequest> {
  const scope = scopeOf(request);
  const path = new Query(request).string('path');
  if (path === '') throw badRequest('bad parameter: "path" is empty');
  return { scope, info: await findContainer(scope, pathPart(request, 'id')), path };
}

/** Mounts that are the user's: the rest (proc, sysfs, devices) is no content of the container. */
function userMounts(info: container.Info): ReadonlySet<string> {
  return new Set(mountPointsOf(info).map((mount) => mount.Destination));
}

async function get(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { scope, info, path } = await archiveRequest(request);
  const view = await openView(scope, info.id, 'all');
  try {
    const found = statPath(view.root, path, info.name);
    const absolute = absolutePath(path);
    const isDirectory = found.stat.isDirectory();
    const source = isDirectory ? view.root.resolve(absolute.replace(/\/\.$/, '') || '/') : absolute;
    const { packTree } = await import('@cleat/sdk/archive');
    const name = posix.basename(absolute);
    const archive = packTree({
      root: view.root,
      path: source,
      name: name === '' ? '/' : name,
      mounts: userMounts(info),
      signal: scope.signal,
    });
    archive.once('close', () => void view.close().catch(() => undefined));
    reply.code(200).headers({ [STAT_HEADER]: pathStatHeader(found), 'content-type': 'application/x-tar' });
    return reply.send(archive);
  } catch (error) {
    await view.close();
    throw error;
  }
}

async function exportRoot(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const info = await findContainer(scope, pathPart(request, 'id'));
  const { packTree } = await import('@cleat/sdk/archive');
  const view = await openView(scope, info.id, 'root');
  const archive = packTree({ root: view.root, path: '/', name: '', mounts: new Set(), signal: scope.signal });
  archive.once('close', () => void view.close().catch(() => undefined));
  return reply.code(200).header('content-type', 'application/octet-stream').send(archive);
}

/** What lies in a mount follows the mount, what does not the root. */
function refuseReadonly(info: container.Info, directory: string): void {
  const mount = mountPointsOf(info)
    .filter(({ Destination: place }) => directory === place || directory.startsWith(place === '/' ? '/' : `${place}/`))
    .toSorted((left, right) => right.Destination.length - left.Destination.length)[0];
  if (mount !== undefined && !mount.RW) throw new CleatError('permission_denied', 'VOLUME_READONLY', 'mounted volume is marked read-only');
  if (mount === undefined && info.spec.readonlyRootfs) {
    throw new CleatError('permission_denied', 'ROOT_READONLY', 'container rootfs is marked read-only');
  }
}

function targetDirectory(root: SafeRoot, path: string, info: container.Info): string {
  const directory = root.resolve(absolutePath(path).replace(/\/\.$/, '') || '/');
  try {
    if (!root.stat(directory).isDirectory()) throw badRequest('extraction point is not a directory');
  } catch (error) {
    throw missing(error, path, info.name);
  }
  refuseReadonly(info, directory);
  return directory;
}

async function put(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { scope, info, path } = await archiveRequest(request);
  const query = new Query(request);
  await withView(scope, info.id, async (root) => {
    const directory = targetDirectory(root, path, info);
    const { extractTree } = await import('@cleat/sdk/archive');
    const { decompressed } = await import('../archive/decompressed.ts');
    await extractTree(await decompressed(request.raw), {
      root,
      directory,
      keepTypes: query.boolean('noOverwriteDirNonDir'),
      owner: query.boolean('copyUIDGID') ? await ownerOf(root, info.spec.process.user) : undefined,
      signal: scope.signal,
    });
  });
  return sendNothing(reply, 200);
}

/** The container's user by number; undefined keeps the archive's owners, as Docker does for a container without one. */
async function ownerOf(root: SafeRoot, user: string): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (user === '') return undefined;
  const { userIds } = await import('../archive/user-ids.ts');
  return userIds(root, user);
}
