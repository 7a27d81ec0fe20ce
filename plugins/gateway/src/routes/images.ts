import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { image } from '@cleat/schemas';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { badRequest, HttpError, unsupported } from '../errors.ts';
import { filterRecord, parseFilters } from '../filters.ts';
import { openTicket } from '../hijack.ts';
import { pathPart, Query } from '../query.ts';
import { sendJson, sendNothing, sendShape } from '../reply.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { adapted } from '../versions/adapters.ts';
import { historyItem, imageInspect, imageSummary, removeItem } from '../wire/image.ts';
import { findImage, noSuchImage } from './container-create.ts';
import { progressLines } from './image-progress.ts';

const LIST_FILTERS = ['before', 'dangling', 'label', 'label!', 'reference', 'since', 'until'] as const;
const PRUNE_FILTERS = ['dangling', 'label', 'label!', 'until'] as const;
const NO_REGISTRY = 'images cannot be pulled from a registry: load or import them ("docker load", "docker import")';

export function imageRoutes(): (app: FastifyInstance) => void {
  return (app) => {
    app.get('/images/json', async (request, reply) => await list(request, reply));
    app.post('/images/create', async (request, reply) => await create(request, reply));
    app.post('/images/load', async (request, reply) => await load(request, reply));
    app.post('/images/prune', async (request, reply) => {
      const filters = filterRecord(parseFilters(new Query(request).optional('filters'), PRUNE_FILTERS));
      const answer = await scopeOf(request).callThrough('image', 'prune', { filters }, { timeoutMs: 120_000 });
      return sendJson(reply, {
        ImagesDeleted: answer.items.length > 0 ? answer.items.map(removeItem) : null,
        SpaceReclaimed: answer.spaceBytes,
      });
    });
    app.get('/images/get', async (request, reply) => {
      const names = new Query(request).all('names').flatMap((name) => name.split(','));
      return await save(request, reply, names);
    });
    app.get('/images/search', () => {
      throw unsupported('searching a registry is not supported');
    });
    // A name holds slashes: what is asked of it is the last part of the path.
    app.get('/images/*', async (request, reply) => await getOfImage(request, reply));
    app.post('/images/*', async (request, reply) => await postOfImage(request, reply));
    app.delete('/images/*', async (request, reply) => await remove(request, reply));
  };
}

async function list(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const query = new Query(request);
  const filters = filterRecord(parseFilters(query.optional('filters'), LIST_FILTERS));
  const legacy = query.string('filter');
  const { images } = await scope.call('image', 'list', {
    all: query.boolean('all'),
    filters: legacy === '' ? filters : { ...filters, reference: [...(filters['reference'] ?? []), legacy] },
    sharedSize: query.boolean('shared-size'),
  });
  return sendJson(
    reply,
    images.map((one) => adapted('image.summary', scope.version, imageSummary(one))),
  );
}

/** "library/busybox/json" -> the name and what is asked of it. */
function splitName(request: FastifyRequest): readonly [name: string, action: string] {
  const path = pathPart(request, '*');
  const slash = path.lastIndexOf('/');
  return slash < 0 ? [path, ''] : [path.slice(0, slash), path.slice(slash + 1)];
}

async function getOfImage(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const [name, action] = splitName(request);
  switch (action) {
    case 'json':
      return sendShape(reply, 'image.inspect', scope.version, imageInspect(await findImage(scope, name)));
    case 'history': {
      const { entries } = await onImage(name, () => scope.call('image', 'history', { image: name }));
      return sendJson(reply, entries.map(historyItem));
    }
    case 'get':
      return await save(request, reply, [name]);
    case 'attestations':
      throw unsupported('attestations of images are not supported');
    default:
      throw new HttpError(404, 'page not found');
  }
}

async function postOfImage(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const [name, action] = splitName(request);
  if (action === 'push') throw unsupported('images cannot be pushed to a registry: save them ("docker save")');
  if (action !== 'tag') throw new HttpError(404, 'page not found');
  const query = new Query(request);
  const repo = query.string('repo');
  const tag = query.string('tag');
  if (repo === '') throw badRequest('invalid reference format: repo is empty');
  await onImage(name, () => scopeOf(request).callThrough('image', 'tag', { image: name, target: tag === '' ? repo : `${repo}:${tag}` }));
  return sendNothing(reply, 201);
}

async function onImage<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw noSuchImage(error, name);
  }
}

async function remove(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const query = new Query(request);
  const name = pathPart(request, '*');
  if (query.all('platforms').length > 0) throw unsupported('removing single platforms of an image is not supported');
  const { items } = await onImage(name, () =>
    scope.callThrough(
      'image',
      'remove',
      { image: name, force: query.boolean('force'), noPrune: query.boolean('noprune') },
      { timeoutMs: 120_000 },
    ),
  );
  return sendJson(reply, items.map(removeItem));
}

async function save(request: FastifyRequest, reply: FastifyReply, names: readonly string[]): Promise<FastifyReply> {
  const scope = scopeOf(request);
  if (names.length === 0) throw badRequest('no image was named');
  if (new Query(request).all('platform').length > 0) throw unsupported('saving single platforms of an image is not supported');
  // The first that is not there, before a byte has gone out.
  await Promise.all(names.map(async (name) => await findImage(scope, name)));
  const stream = await openTicket(await scope.call('image', 'save', { images: names }));
  reply.raw.once('close', () => stream.destroy());
  return reply.code(200).header('content-type', 'application/x-tar').send(stream);
}

/** A client that sends nothing for so long is given up. */
const UPLOAD_IDLE_MS = 5 * 60_000;

/** Sends a request's body to a plugin's stream. */
async function upload(request: FastifyRequest, stream: Socket): Promise<void> {
  const { socket } = request.raw;
  const giveUp = (): void => void request.raw.destroy(new HttpError(408, 'the request body did not arrive in time'));
  socket.setTimeout(UPLOAD_IDLE_MS, giveUp);
  try {
    await pipeline(request.raw, stream);
  } finally {
    socket.setTimeout(0);
    socket.off('timeout', giveUp);
  }
}

async function sendProgress(
  reply: FastifyReply,
  request: FastifyRequest,
  ticket: image.StreamTicket,
  isLoad: boolean,
): Promise<FastifyReply> {
  const stream = await openTicket(ticket);
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) stream.destroy();
  });
  const lines = progressLines(stream, upload(request, stream), isLoad);
  const first = await lines.next();
  // An archive that is refused at once is an error of the request, not of the stream.
  if (first.done !== true && first.value.type === 'error') throw badRequest(first.value.message);
  const { Readable } = await import('node:stream');
  async function* texts(): AsyncGenerator<string> {
    if (first.done !== true) yield first.value.text;
    for await (const line of lines) yield line.text;
  }
  return reply
    .code(200)
    .header('content-type', 'application/json')
    .send(Readable.from(texts(), { objectMode: true }));
}

async function load(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const query = new Query(request);
  if (query.all('platform').length > 0) throw unsupported('loading single platforms of an image is not supported');
  const ticket = await scopeOf(request).call('image', 'load', { quiet: query.boolean('quiet', true) });
  return await sendProgress(reply, request, ticket, true);
}

function targetOf(query: Query): string {
  const repo = query.string('repo');
  const tag = query.string('tag');
  return repo === '' || tag === '' ? repo : `${repo}:${tag}`;
}

/** POST /images/create: fromSrc is an import, fromImage a pull. */
async function create(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const query = new Query(request);
  const source = query.string('fromSrc');
  if (query.string('fromImage') !== '') throw unsupported(NO_REGISTRY);
  if (source === '') throw badRequest('either fromSrc or fromImage is needed');
  if (source !== '-') throw unsupported(`importing from ${source} is not supported: fetch it and send its content with fromSrc=-`);
  const ticket = await scope.call('image', 'import', {
    target: targetOf(query),
    changes: query.all('changes'),
    message: query.string('message'),
    platform: query.string('platform'),
  });
  return await sendProgress(reply, request, ticket, false);
}

/** All images in the newest shape, for the disk usage. */
export async function allImages(scope: Scope): Promise<readonly image.Summary[]> {
  return (await scope.call('image', 'list', { all: false, sharedSize: true })).images;
}
