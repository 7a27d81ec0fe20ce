import type { FastifyInstance } from 'fastify';
import { HttpError, unsupported } from '../errors.ts';
import { sendJson } from '../reply.ts';
import { scopeOf } from '../scope.ts';

const NOT_A_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
const NOT_IN_A_SWARM = 'This node is not part of a swarm';

/** What belongs to a swarm is answered as by a Docker that is in none. */
const SWARM_PATHS = ['/nodes', '/services', '/tasks', '/secrets', '/configs'] as const;

/** Parts of the API that are not there, each with a sentence that says so. */
const ABSENT: readonly (readonly [method: 'GET' | 'POST' | 'DELETE', path: string, what: string])[] = [
  ['POST', '/build', 'building images is not supported: build elsewhere and load the image'],
  ['POST', '/build/prune', 'building images is not supported, so there is no build cache'],
  ['POST', '/build/cancel', 'building images is not supported'],
  ['POST', '/session', 'sessions of a builder are not supported: building images is not'],
  ['POST', '/grpc', 'the control connection of a builder is not supported: building images is not'],
  ['POST', '/commit', 'making images from containers is not supported'],
  ['POST', '/auth', 'logging in to a registry is not supported: images are loaded or imported'],
  ['GET', '/distribution/*', 'asking a registry about an image is not supported'],
  ['POST', '/swarm/init', 'making a swarm is not supported'],
  ['POST', '/swarm/join', 'joining a swarm is not supported'],
  ['POST', '/plugins/pull', 'plugins are not pulled from a registry: install them with "cleat plugin install"'],
  ['POST', '/plugins/create', 'plugins are not made here: install them with "cleat plugin install"'],
  ['GET', '/plugins/privileges', 'plugins are not pulled from a registry: install them with "cleat plugin install"'],
];

export function absentRoutes(): (app: FastifyInstance) => void {
  return (app) => {
    for (const [method, url, what] of ABSENT) {
      app.route({
        method,
        url,
        handler: () => {
          throw unsupported(what);
        },
      });
    }
    for (const path of SWARM_PATHS) {
      const handler = (): never => {
        throw new HttpError(503, NOT_A_MANAGER);
      };
      app.route({ method: ['GET', 'POST'], url: path, handler });
      app.route({ method: ['GET', 'POST', 'DELETE'], url: `${path}/*`, handler });
    }
    app.get('/swarm', () => {
      throw new HttpError(503, NOT_A_MANAGER);
    });
    app.get('/swarm/unlockkey', () => {
      throw new HttpError(503, NOT_A_MANAGER);
    });
    for (const action of ['leave', 'update', 'unlock']) {
      app.post(`/swarm/${action}`, () => {
        throw new HttpError(503, NOT_IN_A_SWARM);
      });
    }
    pluginRoutes(app);
  };
}

/** Docker's managed plugins: none, since Cleat's own are another thing (`cleat plugin ls`). */
function pluginRoutes(app: FastifyInstance): void {
  app.get('/plugins', async (request, reply) => {
    scopeOf(request).signal.throwIfAborted();
    return sendJson(reply, []);
  });
  const notFound = (request: { readonly params: unknown }): never => {
    const name: unknown = typeof request.params === 'object' && request.params !== null ? Reflect.get(request.params, '*') : '';
    const bare = String(name).replace(/\/(json|enable|disable|upgrade|push|set)$/, '');
    throw new HttpError(404, `plugin "${bare}" not found`);
  };
  app.route({ method: ['GET', 'POST', 'DELETE'], url: '/plugins/*', handler: notFound });
}
