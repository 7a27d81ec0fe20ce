import { definePlugin, type PluginContext, type PluginDefinition, type PluginHandlers } from '@cleat/sdk';
import { DriverLedger } from '@cleat/sdk/drivers';
import { manifest } from './manifest.ts';
import { openStorage } from './storage.ts';

async function setup(context: PluginContext): Promise<PluginHandlers> {
  const ledger = await DriverLedger.open({
    kind: 'volume',
    context,
    onLack: (driver, volume) => context.log.error('a driver has lost a volume', { driver, volume }),
  });
  const { provider, service, reconciliation, resume, close } = await openStorage({
    stateDir: context.stateDir,
    signal: context.signal,
    openJournal: (replay) => context.openJournal({ replay }),
    publish: (event, how) => context.publish(event, how),
    warn: (message, fields) => context.log.warn(message, fields),
    spawn: (name, task) => context.tasks.spawn(name, task),
    ledger,
    isDriver: (name) => context.drivers.pluginOf({ kind: 'volume', name }) !== undefined,
  });
  return {
    providers: {
      volume: {
        reserve: (request, call) => provider.reserve(request, call),
        release: (request, call) => provider.release(request, call),
        attach: (request, call) => provider.attach(request, call),
        detach: (request, call) => provider.detach(request, call),
        reconcile: (all, call) => reconciliation.run(all, call),
        list: (request) => provider.list(request),
      },
    },
    services: {
      volume: {
        create: (request, call) => service.create(request, call),
        inspect: (request) => service.inspect(request),
        list: (request, call) => service.list(request, call),
        remove: (request, call) => service.remove(request, call),
        prune: (request, call) => service.prune(request, call),
      },
    },
    ready: resume,
    close: async () => {
      ledger.close();
      await close();
    },
  };
}

/** Provider of the kind `volume`, and the service of that name. */
export const plugin: PluginDefinition = definePlugin({ manifest, setup });
