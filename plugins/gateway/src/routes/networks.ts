import { CleatError, type container, type network } from '@cleat/schemas';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readJson } from '../body.ts';
import { badRequest, reworded } from '../errors.ts';
import { filterRecord, parseFilters } from '../filters.ts';
import { pathPart, Query } from '../query.ts';
import { sendJson, sendNothing, sendShape } from '../reply.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { adapted, modernised } from '../versions/adapters.ts';
import { type Endpoint, endpointsOf } from '../wire/container-parts.ts';
import { Fields } from '../wire/fields.ts';
import { networkInspect, networkRequest, networkSummary } from '../wire/network.ts';
import { endpointRequest, linksOf } from '../wire/network-request.ts';
import { findContainer } from './container-lookup.ts';

const FILTERS = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'] as const;
const PRUNE_FILTERS = ['label', 'label!', 'until'] as const;

export function networkRoutes(): (app: FastifyInstance) => void {
  return (app) => {
    app.get('/networks', async (request, reply) => {
      const scope = scopeOf(request);
      const filters = filterRecord(parseFilters(new Query(request).optional('filters'), FILTERS));
      const { networks } = await scope.call('network', 'list', { filters });
      return sendJson(
        reply,
        networks.map((one) => adapted('network', scope.version, { ...networkSummary(one), Containers: {} })),
      );
    });
    app.get('/networks/:id', async (request, reply) => {
      const scope = scopeOf(request);
      return sendShape(reply, 'network', scope.version, networkInspect(await findNetwork(scope, pathPart(request, 'id'))));
    });
    app.post('/networks/create', async (request, reply) => await create(request, reply));
    app.delete('/networks/:id', async (request, reply) => {
      const name = pathPart(request, 'id');
      await onNetwork(name, () => scopeOf(request).callThrough('network', 'remove', { network: name }));
      return sendNothing(reply);
    });
    app.post('/networks/prune', async (request, reply) => {
      const filters = filterRecord(parseFilters(new Query(request).optional('filters'), PRUNE_FILTERS));
      const { removed } = await scopeOf(request).callThrough('network', 'prune', { filters });
      return sendJson(reply, { NetworksDeleted: removed.length > 0 ? removed : null });
    });
    app.post('/networks/:id/connect', async (request, reply) => await connect(request, reply));
    app.post('/networks/:id/disconnect', async (request, reply) => await disconnect(request, reply));
  };
}

async function onNetwork<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw reworded(error, 'not_found', `network ${name} not found`);
  }
}

async function findNetwork(scope: Scope, name: string): Promise<network.Info> {
  return await onNetwork(name, () => scope.call('network', 'inspect', { network: name }));
}

async function create(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const body = await readJson(request.raw, 'NetworkCreateRequest');
  const wanted = networkRequest(new Fields(modernised('network.create', scope.version, body.raw), 'NetworkCreateRequest'));
  try {
    const { id, warnings } = await scope.callThrough('network', 'create', wanted);
    return sendJson(reply, { Id: id, Warning: warnings.join('\n') }, 201);
  } catch (error) {
    throw reworded(error, 'already_exists', `network with name ${wanted.name} already exists`);
  }
}

/** The endpoint of a container on a network, by the network's id. */
function endpointOn(info: container.Info, wanted: network.Info): Endpoint | undefined {
  return endpointsOf(info).find(
    (endpoint) => endpoint.networkId === wanted.id || (endpoint.networkId === '' && endpoint.name === wanted.name),
  );
}

/** A claim name that the container does not have yet. */
function freeClaimName(info: container.Info): string {
  const taken = new Set(info.claims.map((state) => state.claim.name));
  for (let number = 1; ; number += 1) {
    const name = `network-${number}`;
    if (!taken.has(name)) return name;
  }
}

function refuseMode(info: container.Info): void {
  const mode = info.spec.namespaces.network;
  if (mode === 'host') {
    throw new CleatError(
      'permission_denied',
      'NETWORK_MODE_HOST',
      'cannot connect container to the network: container shares the network of the host',
    );
  }
  if (mode.startsWith('container:')) {
    throw new CleatError(
      'permission_denied',
      'NETWORK_MODE_CONTAINER',
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  }
}

async function connect(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const raw = await readJson(request.raw, 'NetworkConnectRequest');
  const body = new Fields(modernised('network.connect', scope.version, raw.raw), 'NetworkConnectRequest');
  if (body.string('Container') === '') throw badRequest('invalid container name: it is empty');
  const wanted = await findNetwork(scope, pathPart(request, 'id'));
  const info = await findContainer(scope, body.string('Container'));
  refuseMode(info);
  const settings = body.optionalObject('EndpointConfig');
  const links = await linksOf(settings?.strings('Links') ?? [], (name) => findContainer(scope, name));
  const options = { ...endpointRequest(wanted.name, settings), ...(links.length > 0 ? { links } : {}) };
  const known = endpointOn(info, wanted);
  if (known !== undefined) {
    if (info.state.pid !== 0) throw alreadyConnected(info, wanted);
    // Of a container that does not run the settings can be given anew.
    await scope.callThrough('claim', 'update', { container: info.id, claim: known.claim, options: JSON.stringify(options) });
    return sendNothing(reply, 200);
  }
  await scope.callThrough('claim', 'add', {
    container: info.id,
    claim: { name: freeClaimName(info), kind: 'network', options: JSON.stringify(options) },
  });
  return sendNothing(reply, 200);
}

function alreadyConnected(info: container.Info, wanted: network.Info): CleatError {
  return new CleatError('permission_denied', 'ENDPOINT_EXISTS', `endpoint with name ${info.name} already exists in network ${wanted.name}`);
}

/** The endpoint that a disconnect means, also when the network has been removed behind a stopped container. */
async function endpointToRemove(scope: Scope, name: string, info: container.Info): Promise<Endpoint> {
  const byName = endpointsOf(info).find((endpoint) => endpoint.networkId === name || endpoint.name === name);
  if (byName !== undefined) return byName;
  const wanted = await findNetwork(scope, name);
  const endpoint = endpointOn(info, wanted);
  if (endpoint !== undefined) return endpoint;
  throw new CleatError('permission_denied', 'ENDPOINT_MISSING', `container ${info.id} is not connected to network ${wanted.name}`);
}

async function disconnect(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const scope = scopeOf(request);
  const body = await readJson(request.raw, 'NetworkDisconnectRequest');
  const info = await findContainer(scope, body.string('Container'));
  const endpoint = await endpointToRemove(scope, pathPart(request, 'id'), info);
  await scope.callThrough('claim', 'remove', { container: info.id, claim: endpoint.claim, force: body.boolean('Force') });
  return sendNothing(reply, 200);
}
