import type { Socket } from 'node:net';
import type { HandOver } from '@cleat/sdk/connections';
import type { Backend } from './backend.ts';
import { ContainerCache } from './container-cache.ts';
import { EventHub } from './event-hub.ts';
import { Hijacker } from './hijack.ts';
import { manifest } from './manifest.ts';
import { absentRoutes } from './routes/absent.ts';
import { archiveRoutes } from './routes/archive.ts';
import { changesRoutes } from './routes/changes.ts';
import { ContainerCreator } from './routes/container-create.ts';
import { containerStreamRoutes } from './routes/container-streams.ts';
import { containerRoutes } from './routes/containers.ts';
import { eventRoutes } from './routes/events.ts';
import { execRoutes } from './routes/exec.ts';
import { imageRoutes } from './routes/images.ts';
import { networkRoutes } from './routes/networks.ts';
import { statsRoutes } from './routes/stats.ts';
import { systemRoutes } from './routes/system.ts';
import { topRoutes } from './routes/top.ts';
import { volumeRoutes } from './routes/volumes.ts';
import { ApiServer, type Listen } from './server.ts';
import { systemFacts } from './system-facts.ts';

/** What needs system calls, so that tests can do without. */
export interface HostDoors {
  readonly peerUid: (socket: Socket) => number | undefined;
  readonly handOver?: (request: HandOver) => Promise<void>;
  readonly stopReading?: (socket: Socket) => void;
}

export interface GatewayOptions {
  readonly backend: Backend;
  readonly host: HostDoors;
}

export interface Gateway {
  listen(where: readonly Listen[]): Promise<void>;
  close(): Promise<void>;
  /** Of the listeners, in their order. */
  readonly addresses: ApiServer['addresses'];
}

/** Puts the parts of the gateway together. */
export function createGateway({ backend, host }: GatewayOptions): Gateway {
  const facts = systemFacts();
  const cache = new ContainerCache();
  const hub = new EventHub(backend);
  const { handOver, stopReading } = host;
  const hijacker = new Hijacker({
    handOver,
    stopReading,
    onError: (error) => backend.log.warn('a stream could not be passed on', { error }),
  });
  const { version } = manifest;
  const server = new ApiServer({
    backend,
    version,
    peerUid: host.peerUid,
    routes: [
      systemRoutes({ cache, hub, version, facts }),
      eventRoutes({ backend, hub }),
      containerRoutes({ cache, creator: new ContainerCreator(facts) }),
      containerStreamRoutes({ hijacker }),
      archiveRoutes(),
      changesRoutes(),
      statsRoutes(facts),
      topRoutes(facts),
      execRoutes({ hijacker, capabilities: facts.capabilities }),
      imageRoutes(),
      networkRoutes(),
      volumeRoutes(),
      absentRoutes(),
    ],
  });
  return {
    listen: async (where) => {
      await server.ready();
      for (const one of where) await server.listen(one);
    },
    close: async () => {
      hub.close();
      cache.close();
      await server.close();
    },
    get addresses() {
      return server.addresses;
    },
  };
}
