import type { volume } from '@cleat/schemas';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readOptionalJson } from '../body.ts';
import { badRequest, reworded, unsupported } from '../errors.ts';
import { booleanFilter, filterRecord, parseFilters } from '../filters.ts';
import { pathPart, Query } from '../query.ts';
import { sendJson, sendNothing } from '../reply.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { modernised } from '../versions/adapters.ts';
import { Fields } from '../wire/fields.ts';
import { stringsAt } from '../wire/json.ts';
import { volumeObject } from '../wire/volume.ts';

const FILTERS = ['dangling', 'driver', 'label', 'name'] as const;
const PRUNE_FILTERS = ['all', 'label', 'label!'] as const;
const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export function volumeRoutes(): (app: FastifyInstance) => void {
  return (app) => {
    app.get('/volumes', async (request, reply) => {
      const scope = scopeOf(request);
      const filters = filterRecord(parseFilters(new Query(request).optional('filters'), FILTERS));
      const { volumes, warnings } = await scope.call('volume', 'list', { filters });
      return sendJson(reply, { Volumes: volumes.map((one) => volumeObject(one)), Warnings: warnings.length > 0 ? warnings : null });
    });
    app.get('/volumes/:name', async (request, reply) => {
      const name = pathPart(request, 'name');
      return sendJson(reply, volumeObject(await onVolume(name, () => scopeOf(request).call('volume', 'inspect', { name }))));
    });
    app.post('/volumes/create', async (request, reply) => await create(request, reply));
    app.put('/volumes/:name', () => {
      throw unsupported('cluster volumes are not supported');
    });
    app.delete('/volumes/:name', async (request, reply) => {
      const name = pathPart(request, 'name');
      const force = new Query(request).boolean('force');
      await onVolume(name, () => scopeOf(request).callThrough('volume', 'remove', { name, force }));
      return sendNothing(reply);
    });
    app.post('/volumes/prune', async (request, reply) => await prune(request, reply));
  };
}

async function onVolume<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw reworded(error, 'not_found', `get ${name}: no such volume`);
  }
}

async function create(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const body = (await readOptionalJson(request.raw, 'VolumeCreateOptions')) ?? new Fields({}, 'VolumeCreateOptions');
  const name = body.string('Name');
  if (body.has('ClusterVolumeSpec')) throw unsupported('cluster volumes are not supported');
  if (name !== '' && !VOLUME_NAME.test(name)) {
    throw badRequest(
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
  const info = await scopeOf(request).callThrough('volume', 'create', {
    name,
    driver: body.string('Driver') || 'local',
    options: body.stringMap('DriverOpts'),
    labels: body.stringMap('Labels'),
  });
  return sendJson(reply, volumeObject(info), 201);
}

async function prune(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const asked = filterRecord(parseFilters(new Query(request).optional('filters'), PRUNE_FILTERS));
  const modern = modernised('volume.prune', scope.version, asked);
  const filters = new Map(Object.keys(modern).map((name) => [name, stringsAt(modern, name)] as const));
  const isAll = booleanFilter(filters, 'all') ?? false;
  filters.delete('all');
  const { removed, spaceBytes } = await scope.callThrough(
    'volume',
    'prune',
    { filters: filterRecord(filters), all: isAll },
    { timeoutMs: 120_000 },
  );
  return sendJson(reply, { VolumesDeleted: removed.length > 0 ? removed : null, SpaceReclaimed: spaceBytes });
}

/** All volumes with their sizes, for the disk usage. */
export async function allVolumes(scope: Scope): Promise<readonly volume.Info[]> {
  return (await scope.call('volume', 'list', { sizes: true }, { timeoutMs: 120_000 })).volumes;
}
