import type { PluginDefinition } from '@cleat/sdk';
import { definePlugin } from '@cleat/sdk';
import { DriverLedger } from '@cleat/sdk/drivers';
import { manifest } from './manifest.ts';
import { openNetworkEngine } from './network-engine.ts';
import { parseConfig } from './plugin-config.ts';

/** Networks and endpoints are small, and only their latest state is of interest. */
const MIB = 1024 * 1024;

/** Provider of the kind `network`, and the service of that name. */
export const networkPlugin: PluginDefinition = definePlugin({
  manifest,
  setup: async (context) => {
    const ledger = await DriverLedger.open({ kind: 'network', context });
    const engine = await openNetworkEngine({
      instanceId: context.instanceId,
      config: parseConfig(context.config),
      openJournal: (replay) => context.openJournal({ replay, segmentBytes: MIB, retainBytes: MIB, reserveBytes: MIB / 16 }),
      warn: (message, fields) => context.log.warn(message, fields),
      publish: (event, options) => context.publish(event, options),
      plugins: { ledger, isDriver: (name) => context.drivers.pluginOf({ kind: 'network', name }) !== undefined },
    });
    const { provider, service, reconciliation } = engine;
    return {
      providers: {
        network: {
          reserve: (request) => provider.reserve(request),
          release: (request) => provider.release(request.reference),
          attach: (request, call) => provider.attach(request, call),
          detach: (request) => provider.detach(request.reference),
          update: (request) => provider.update(request),
          reconcile: (all) => reconciliation.run(all),
          list: (request) => Promise.resolve(service.listDriven(request)),
        },
      },
      services: {
        network: {
          create: (request) => service.create(request),
          inspect: (request) => Promise.resolve(service.inspect(request)),
          list: (request) => Promise.resolve(service.list(request)),
          remove: async (request) => {
            await service.remove(request);
            return {};
          },
          prune: (request) => service.prune(request),
        },
      },
      // What a killed process had done and not told.
      ready: () => service.tell(),
      close: async () => {
        ledger.close();
        await engine.close();
      },
    };
  },
});
