import { release } from 'node:os';
import type { FastifyInstance } from 'fastify';
import type { ContainerCache } from '../container-cache.ts';
import { badRequest } from '../errors.ts';
import type { EventHub } from '../event-hub.ts';
import { Query } from '../query.ts';
import { sendJson, sendShape } from '../reply.ts';
import { scopeOf } from '../scope.ts';
import type { SystemFacts } from '../system-facts.ts';
import { modernised } from '../versions/adapters.ts';
import { NEWEST, OLDEST } from '../versions/version.ts';

export interface SystemParts {
  readonly cache: ContainerCache;
  readonly hub: EventHub;
  /** Of the gateway. */
  readonly version: string;
  readonly facts: SystemFacts;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', arm: 'arm', arm64: 'arm64', ppc64: 'ppc64le' };

/** As Go names it. */
export function goArchitecture(): string {
  return ARCHITECTURES[process.arch] ?? process.arch;
}

const DISK_TYPES: ReadonlySet<string> = new Set(['container', 'image', 'volume', 'build-cache']);

export function systemRoutes(parts: SystemParts): (app: FastifyInstance) => void {
  return (app) => {
    // HEAD has no body, but all of GET's headers.
    app.route({
      method: ['GET', 'HEAD'],
      url: '/_ping',
      handler: (request, reply) =>
        reply
          .code(200)
          .headers({
            'Builder-Version': '1',
            Swarm: 'inactive',
            'Cache-Control': 'no-cache, no-store, must-revalidate',
            Pragma: 'no-cache',
            'content-type': 'text/plain; charset=utf-8',
          })
          .send(request.method === 'HEAD' ? '' : 'OK'),
    });
    app.get('/version', async (_request, reply) => sendJson(reply, versionObject(parts.version)));
    app.get('/info', async (request, reply) => {
      const scope = scopeOf(request);
      const { infoObject } = await import('./system-info.ts');
      return sendShape(reply, 'info', scope.version, await infoObject(scope, parts));
    });
    app.get('/system/df', async (request, reply) => {
      const scope = scopeOf(request);
      const query = new Query(request);
      const types = query.all('type');
      const wrong = types.find((type) => !DISK_TYPES.has(type));
      if (wrong !== undefined) throw badRequest(`unknown object type: ${wrong}`);
      const isVerbose = modernised('disk-usage', scope.version, { verbose: query.boolean('verbose') })['verbose'] === true;
      const { diskUsage } = await import('./disk-usage.ts');
      return sendShape(reply, 'disk-usage', scope.version, await diskUsage(scope, parts.cache, { types, isVerbose }));
    });
  };
}

function versionObject(version: string): object {
  const common = {
    Version: version,
    ApiVersion: NEWEST,
    MinAPIVersion: OLDEST,
    Os: 'linux',
    Arch: goArchitecture(),
    KernelVersion: release(),
  };
  const details = {
    ApiVersion: NEWEST,
    MinAPIVersion: OLDEST,
    Arch: goArchitecture(),
    Os: 'linux',
    KernelVersion: release(),
    Experimental: 'false',
    GitCommit: '',
    GoVersion: '',
    BuildTime: '',
  };
  return {
    Platform: { Name: 'Cleat' },
    Components: [{ Name: 'Engine', Version: version, Details: details }],
    ...common,
    GitCommit: '',
    GoVersion: '',
    BuildTime: '',
    Experimental: false,
  };
}
