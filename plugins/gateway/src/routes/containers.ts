import type { FastifyInstance, FastifyReply } from 'fastify';
import { readJson } from '../body.ts';
import type { ContainerCache } from '../container-cache.ts';
import { badRequest } from '../errors.ts';
import { pathPart, Query } from '../query.ts';
import { sendJson, sendNothing, sendShape, sendText } from '../reply.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { containerInspect } from '../wire/container-inspect.ts';
import type { ContainerCreator } from './container-create.ts';
import { containerFilter, parseContainerFilters } from './container-filter.ts';
import { findContainer, onContainer } from './container-lookup.ts';
import { checkName } from './container-name.ts';
import { pruneContainers } from './container-prune.ts';
import { updateContainer } from './container-update.ts';

export interface ContainerParts {
  readonly cache: ContainerCache;
  readonly creator: ContainerCreator;
}

const START_MS = 120_000;
/** Old clients send "null" or "{}" with a start. */
const MAX_EMPTY_BODY = 7;
const REMOVE_MS = 60_000;
/** What a stop takes beyond the time that the process is given. */
const STOP_MARGIN_MS = 30_000;
/** A day: what "wait without end" comes to. */
const FOREVER_S = 86_400;

export function containerRoutes(parts: ContainerParts): (app: FastifyInstance) => void {
  return (app) => {
    readRoutes(app, parts);
    lifeRoutes(app);
    stopRoutes(app);
    changeRoutes(app, parts);
  };
}

function readRoutes(app: FastifyInstance, parts: ContainerParts): void {
  app.get('/containers/json', async (request, reply) => {
    const query = new Query(request);
    const scope = scopeOf(request);
    const filters = parseContainerFilters(query.optional('filters'));
    await parts.cache.refresh(scope.principal, scope.call);
    const limit = query.optionalInteger('limit') ?? -1;
    const isWanted = containerFilter(filters, parts.cache.summaries, { all: query.boolean('all') || limit > 0 });
    if (query.boolean('size')) {
      const { listWithSizes } = await import('./container-size.ts');
      return sendText(reply, await listWithSizes(scope, parts.cache, isWanted, limit));
    }
    return sendText(reply, parts.cache.listText(scope.version, isWanted, limit > 0 ? limit : Number.POSITIVE_INFINITY));
  });
  app.get('/containers/:id/json', async (request, reply) => {
    const scope = scopeOf(request);
    const info = await findContainer(scope, pathPart(request, 'id'));
    const inspect = containerInspect(info);
    if (!new Query(request).boolean('size')) return sendShape(reply, 'container.inspect', scope.version, inspect);
    const { sizesOf } = await import('./container-size.ts');
    return sendShape(reply, 'container.inspect', scope.version, { ...inspect, ...(await sizesOf(scope, info)) });
  });
  app.post('/containers/create', async (request, reply) => {
    const scope = scopeOf(request);
    const body = await readJson(request.raw, 'ContainerCreateRequest');
    const query = new Query(request);
    const created = await parts.creator.create(scope, body, { name: query.string('name'), platform: query.string('platform') });
    return sendJson(reply, created, 201);
  });
}

/** 304 for what is so already, as Docker has it for start and stop. */
function answerChange(reply: FastifyReply, isChanged: boolean): FastifyReply {
  return sendNothing(reply, isChanged ? 204 : 304);
}

/** Docker's t=-1 is "without end"; absent it is the container's own time, for which the kernel takes -1. */
async function stopTimes(scope: Scope, name: string, query: Query): Promise<{ readonly timeoutS: number; readonly timeoutMs: number }> {
  const asked = query.optionalInteger('t');
  const ownS = asked ?? (await findContainer(scope, name)).spec.stopTimeoutS;
  const seconds = ownS < 0 ? FOREVER_S : ownS;
  return { timeoutS: asked === undefined ? -1 : seconds, timeoutMs: seconds * 1000 + STOP_MARGIN_MS };
}

function lifeRoutes(app: FastifyInstance): void {
  app.post('/containers/:id/start', async (request, reply) => {
    const scope = scopeOf(request);
    if (Number(request.headers['content-length'] ?? 0) > MAX_EMPTY_BODY) {
      throw badRequest('starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24');
    }
    const result = await onContainer(pathPart(request, 'id'), (container) =>
      scope.callThrough('container', 'start', { container }, { timeoutMs: START_MS }),
    );
    return answerChange(reply, result.changed);
  });
  app.post('/containers/:id/stop', async (request, reply) => {
    const scope = scopeOf(request);
    const query = new Query(request);
    const name = pathPart(request, 'id');
    const { timeoutS, timeoutMs } = await stopTimes(scope, name, query);
    const result = await onContainer(name, (container) =>
      scope.callThrough('container', 'stop', { container, timeoutS, signal: query.string('signal') }, { timeoutMs }),
    );
    return answerChange(reply, result.changed);
  });
  app.post('/containers/:id/restart', async (request, reply) => {
    const scope = scopeOf(request);
    const query = new Query(request);
    const name = pathPart(request, 'id');
    const { timeoutS, timeoutMs } = await stopTimes(scope, name, query);
    await onContainer(name, (container) =>
      scope.callThrough(
        'container',
        'restart',
        { container, timeoutS, signal: query.string('signal') },
        { timeoutMs: timeoutMs + START_MS },
      ),
    );
    return sendNothing(reply);
  });
}

function stopRoutes(app: FastifyInstance): void {
  app.post('/containers/:id/kill', async (request, reply) => {
    const scope = scopeOf(request);
    const signal = new Query(request).string('signal') || 'SIGKILL';
    await onContainer(pathPart(request, 'id'), (container) => scope.callThrough('container', 'kill', { container, signal }));
    return sendNothing(reply);
  });
  for (const operation of ['pause', 'unpause'] as const) {
    app.post(`/containers/:id/${operation}`, async (request, reply) => {
      const scope = scopeOf(request);
      await onContainer(pathPart(request, 'id'), (container) => scope.callThrough('container', operation, { container }));
      return sendNothing(reply);
    });
  }
  app.delete('/containers/:id', async (request, reply) => {
    const scope = scopeOf(request);
    const query = new Query(request);
    if (query.boolean('link')) throw badRequest('links are not removed by themselves: remove the container that has the link');
    await onContainer(pathPart(request, 'id'), (container) =>
      scope.callThrough(
        'container',
        'remove',
        { container, force: query.boolean('force'), purge: query.boolean('v') },
        { timeoutMs: REMOVE_MS },
      ),
    );
    return sendNothing(reply);
  });
}

function changeRoutes(app: FastifyInstance, parts: ContainerParts): void {
  app.post('/containers/:id/rename', async (request, reply) => {
    const scope = scopeOf(request);
    const name = new Query(request).string('name').replace(/^\//, '');
    if (name === '') throw badRequest('Neither old nor new names may be empty');
    checkName(name);
    const old = pathPart(request, 'id');
    try {
      await onContainer(old, (container) => scope.callThrough('container', 'rename', { container, name }));
    } catch (error) {
      throw await parts.creator.nameConflict(scope, error, name);
    }
    return sendNothing(reply);
  });
  app.post('/containers/:id/update', async (request, reply) => {
    const scope = scopeOf(request);
    const body = await readJson(request.raw, 'UpdateConfig');
    const warnings = await updateContainer(scope, pathPart(request, 'id'), body, parts.creator.facts);
    return sendJson(reply, { Warnings: warnings });
  });
  app.post('/containers/:id/resize', async (request, reply) => {
    const scope = scopeOf(request);
    const { rows, columns } = sizeQuery(new Query(request));
    await onContainer(pathPart(request, 'id'), (container) => scope.call('container', 'resize', { container, rows, columns }));
    return sendNothing(reply, 200);
  });
  app.post('/containers/prune', async (request, reply) => {
    const scope = scopeOf(request);
    return sendJson(reply, await pruneContainers(scope, new Query(request).optional('filters'), parts.cache));
  });
}

/** h and w of a resize, for containers and for execs. */
export function sizeQuery(query: Query): { readonly rows: number; readonly columns: number } {
  const rows = query.optionalInteger('h');
  const columns = query.optionalInteger('w');
  if (rows === undefined || columns === undefined) throw badRequest('invalid resize: h and w are needed');
  if (rows < 0 || columns < 0 || rows > 65_535 || columns > 65_535) throw badRequest('invalid resize: h and w are from 0 to 65535');
  return { rows, columns };
}
