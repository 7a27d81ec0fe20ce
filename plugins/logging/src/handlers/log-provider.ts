import type { provider } from '@cleat/schemas';
import type { ProviderHandlers } from '@cleat/sdk';
import type { LogDrivers } from '../log-drivers.ts';

/**
 * The claims of the kind `log`: how the kernel keeps a container's output. All that follows from a claim follows from its options, which
 * the kernel remembers, so there is nothing to hold here: a plugin that was killed, or lost its directory, goes on as if nothing had been.
 */
export class LogProvider implements ProviderHandlers {
  readonly #drivers: LogDrivers;

  constructor(drivers: LogDrivers) {
    this.#drivers = drivers;
  }

  reserve(request: provider.ReserveRequest): Promise<provider.ReserveResponseInput> {
    return Promise.resolve().then(() => {
      const { driver, options } = this.#drivers.choose(request.options);
      // The options with the node's defaults: they stay what they are when the node's change.
      const status = JSON.stringify({ driver: driver.name, options });
      return { status, contribution: { log: driver.policy(options) } };
    });
  }

  release(): Promise<provider.ReleaseResponseInput> {
    return Promise.resolve({});
  }

  reconcile(): Promise<provider.ReconcileResponseInput> {
    return Promise.resolve({});
  }
}
