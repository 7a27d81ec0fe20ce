import { definePlugin, type PluginDefinition } from '@cleat/sdk';
import { handOver, peerUid, stopReading } from '@cleat/sdk/connections';
import { createGateway } from './gateway.ts';
import { listenOf } from './listen-config.ts';
import { manifest } from './manifest.ts';

export const gateway: PluginDefinition = definePlugin({
  manifest,
  setup: (context) => {
    const gateway = createGateway({ backend: context, host: { handOver, peerUid, stopReading } });
    return {
      // Only now: a client that connected before waits in the socket's queue.
      ready: async () => await gateway.listen(listenOf(context.config)),
      close: async () => await gateway.close(),
    };
  },
});
