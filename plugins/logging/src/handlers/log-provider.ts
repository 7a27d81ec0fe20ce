import type { provider, providerTypes } from '@cleat/schemas';
import { type CallContext, Deadline, type ProviderHandlers, type ReconcileAll } from '@cleat/sdk';
import type { DriverLedger } from '@cleat/sdk/drivers';
import { parseDelivery } from '../drivers/delivery.ts';
import type { LogDrivers } from '../log-drivers.ts';

/** What is used of the ledger: a log driver's object is a container. */
export type LogLedger = Pick<DriverLedger, 'reserve' | 'release' | 'find' | 'objects'>;

/** For a driver that does not say how the log is to be kept: as in Docker, a container waits rather than loses. */
const DEFAULT_POLICY: Required<providerTypes.LogPolicyInput> = {
  segmentBytes: 1024 * 1024,
  spoolBytes: 20 * 1024 * 1024,
  mode: 'blocking',
};

const EACH_MS = 5_000;

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
    const { mode, bufferBytes, rest } = parseDelivery(options);
    // Of an attempt whose answer this plugin did not live to give: the driver answers anew.
    if (this.#ledger.find(container) !== undefined) await this.#ledger.release(container, { purge: true }, call);
    const asked = { driver: choice.name, object: container, options: JSON.stringify(rest), container: request.container };
    const { contribution } = await this.#ledger.reserve(asked, call);
    const log = contribution?.log ?? DEFAULT_POLICY;
    // What the user says of waiting wins over what the driver would do.
    const kept = { ...log, mode: mode ?? log.mode, spoolBytes: bufferBytes ?? log.spoolBytes };
    return { status: status(choice.name), contribution: { log: kept } };
  }

  /** Goes forward whatever the driver says: a container must not stay because of its log. */
  async release(request: provider.ReleaseRequest, call: Call): Promise<provider.ReleaseResponseInput> {
    await this.#ledger.release(request.reference.container, { purge: request.purge, force: true }, call);
    return {};
  }

  async reconcile(all: ReconcileAll, call: Call): Promise<provider.ReconcileResponseInput> {
    const held = new Set(all.held.map(({ reference }) => reference.container));
    for (const { object } of this.#ledger.objects) {
      if (held.has(object)) continue;
      // A driver that does not answer is owed it, and holds up the others no longer than this.
      const deadline = call.deadline.earlierOf(Deadline.after(EACH_MS));
      await this.#ledger.release(object, { purge: true, force: true }, { ...call, deadline });
    }
    // A ledger that was lost: the driver may have its cursor still, but is not known to hold the container.
    const lacks = all.held.filter((item) => this.#isForeign(item) && this.#ledger.find(item.reference.container) === undefined);
    return { lacks: lacks.map(({ reference }) => reference) };
  }

  #isForeign({ status }: provider.Held): boolean {
    const value: unknown = status === '' ? {} : JSON.parse(status);
    if (typeof value !== 'object' || value === null || !('driver' in value)) return false;
    return !this.#drivers.isOwn(String(value.driver));
  }
}
