import { CleatError, type provider } from '@cleat/schemas';
import type { CallContext, ProviderHandlers, ReconcileAll } from '@cleat/sdk';
import type { DriverLedger } from '@cleat/sdk/drivers';
import type { LogDrivers } from '../log-drivers.ts';

/** What is used of the ledger: a log driver's object is a container. */
export type LogLedger = Pick<DriverLedger, 'reserve' | 'release' | 'find' | 'objects'>;

type Call = Pick<CallContext, 'deadline' | 'signal'>;

/**
 * The claims of the kind `log`: how the kernel keeps a container's output. All that follows from a claim of a driver of this plugin
 * follows from its options, which the kernel remembers, so there is nothing to hold for it: a plugin that was killed, or lost its
 * directory, goes on as if nothing had been. What a driver of another plugin was asked for is in the ledger.
 */
export class LogProvider implements ProviderHandlers {
  readonly #drivers: LogDrivers;
  readonly #ledger: LogLedger;

  constructor(drivers: LogDrivers, ledger: LogLedger) {
    this.#drivers = drivers;
    this.#ledger = ledger;
  }

  async reserve(request: provider.ReserveRequest, call: Call): Promise<provider.ReserveResponseInput> {
    const choice = this.#drivers.choose(request.options);
    const { options } = choice;
    // The options with the node's defaults: they stay what they are when the node's change.
    const status = (driver: string): string => JSON.stringify({ driver, options });
    if (choice.type === 'own') {
      return { status: status(choice.driver.name), contribution: { log: choice.driver.policy(options) } };
    }
    const { container } = request.reference;
    // Of an attempt whose answer this plugin did not live to give: the driver answers anew.
    if (this.#ledger.find(container) !== undefined) await this.#ledger.release(container, { purge: true }, call);
    const asked = { driver: choice.name, object: container, options: JSON.stringify(options) };
    const { contribution } = await this.#ledger.reserve(asked, call);
    const log = contribution?.log;
    if (log !== null && log !== undefined) return { status: status(choice.name), contribution: { log } };
    await this.#ledger.release(container, { purge: true, force: true }, call);
    throw new CleatError(
      'internal',
      'LOG_DRIVER_ANSWER',
      `the logging driver ${choice.name} did not say how the log of a container is to be kept`,
    );
  }

  /** Goes forward whatever the driver says: a container must not stay because of its log. */
  async release(request: provider.ReleaseRequest, call: Call): Promise<provider.ReleaseResponseInput> {
    await this.#ledger.release(request.reference.container, { purge: request.purge, force: true }, call);
    return {};
  }

  async reconcile(all: ReconcileAll, call: Call): Promise<provider.ReconcileResponseInput> {
    const held = new Set(all.held.map(({ reference }) => reference.container));
    for (const { object } of this.#ledger.objects) {
      if (!held.has(object)) await this.#ledger.release(object, { purge: true, force: true }, call);
    }
    return {};
  }
}
