import { definePlugin, type PluginContext, type PluginDefinition, type PluginHandlers } from '@cleat/sdk';
import { DriverLedger } from '@cleat/sdk/drivers';
import { LogProvider } from './handlers/log-provider.ts';
import { LogService } from './handlers/log-service.ts';
import { LogDrivers, textsOf } from './log-drivers.ts';
import { manifest } from './manifest.ts';
import { LogWatches } from './reader/log-watches.ts';

const DEFAULT_DRIVER = 'json-file';

async function setup(context: PluginContext): Promise<PluginHandlers> {
  const ledger = await DriverLedger.open({ kind: 'log', context });
  const { driver, options } = context.config;
  const drivers = new LogDrivers(
    {
      driver: typeof driver === 'string' ? driver : DEFAULT_DRIVER,
      options: typeof options === 'object' && options !== null ? textsOf(options) : {},
    },
    () => context.drivers.names('log'),
  );
  const watches = new LogWatches({
    subscribe: (types, signal) => context.subscribe({ types, signal }),
    warn: (message, fields) => context.log.warn(message, fields),
  });
  const { call, signal } = context;
  const service = new LogService({ call, offerStream: (handler) => context.offerStream(handler), drivers, watches, signal });
  return {
    providers: { log: new LogProvider(drivers, ledger) },
    close: () => ledger.close(),
    services: { log: { read: (request, asked) => service.read(request, asked), drivers: () => service.drivers() } },
  };
}

/** Provider of the kind `log`, and the service of that name. */
export const plugin: PluginDefinition = definePlugin({ manifest, setup });
