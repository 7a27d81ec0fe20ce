import type { network as contract, provider, providerTypes } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';
import type { Telling } from '@cleat/sdk';
import type { AddressBook } from './address-book.ts';
import type { NetworkDriver } from './drivers/driver.ts';
import type { DriverName, Endpoint, NetworkDefinition } from './model.ts';
import { driverOf } from './model.ts';
import { filterNetworks, findNetwork, prunable } from './network-lookup.ts';
import type { NewNetworkContext } from './network-request.ts';
import { newNetwork } from './network-request.ts';
import type { NetworkStore } from './network-store.ts';

const MOST_LISTED = 10;

export interface ServiceParts {
  readonly store: NetworkStore;
  readonly addresses: AddressBook;
  readonly drivers: Readonly<Record<DriverName, NetworkDriver>>;
  readonly newNetworkContext: () => NewNetworkContext;
  readonly publish: Telling['publish'];
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** The operations of the contract `network`. */
export class NetworkService {
  readonly #parts: ServiceParts;
  readonly #opening = new Set<string>();

  constructor(parts: ServiceParts) {
    this.#parts = parts;
  }

  async create(request: contract.CreateRequest): Promise<contract.CreateResponseInput> {
    const { store, addresses, drivers } = this.#parts;
    const network = newNetwork(request, this.#parts.newNetworkContext());
    // Its name and pools are taken from here on; nothing between this check and this write waits.
    store.putNetwork(network, networkEvent('network.created', network));
    addresses.open(network, []);
    this.#opening.add(network.id);
    try {
      await drivers[network.driver].open(network);
      await store.sync();
    } catch (error) {
      await drivers[network.driver].close(network);
      addresses.close(network.id);
      store.removeNetwork(network.id);
      throw error;
    } finally {
      this.#opening.delete(network.id);
    }
    await this.tell();
    return { id: network.id };
  }

  inspect(request: contract.NameRequest): contract.InfoInput {
    return this.#info(findNetwork(this.#parts.store.networks(), request.network));
  }

  list(request: contract.ListRequest): contract.ListResponseInput {
    const networks = filterNetworks(this.#parts.store.networks(), request.filters, (network) => this.#isUsed(network));
    return { networks: networks.map((network) => this.#info(network)) };
  }

  /** The networks of a driver, for whoever is about to take it away. */
  listDriven({ driver }: provider.ListRequest): provider.ListResponseInput {
    const held = this.#parts.store.networks().filter((network) => driverOf(network) === driver);
    return { count: held.length, names: held.slice(0, MOST_LISTED).map(({ name }) => name) };
  }

  async remove(request: contract.NameRequest): Promise<void> {
    const network = findNetwork(this.#parts.store.networks(), request.network);
    if (network.isPredefined) {
      throw new CleatError('permission_denied', 'NETWORK_PREDEFINED', `${network.name} is a pre-defined network and cannot be removed`);
    }
    if (this.#opening.has(network.id)) {
      throw new CleatError('conflict', 'NETWORK_BUSY', `network ${network.name} is being created`, { retryable: true });
    }
    const active = this.#activeEndpoints(network);
    if (active.length > 0) {
      throw new CleatError(
        'conflict',
        'NETWORK_IN_USE',
        `error while removing network: network ${network.name} id ${network.id} has active endpoints`,
        { hint: `Disconnect or stop ${active.map((endpoint) => endpoint.containerName).join(', ')} first.` },
      );
    }
    await this.#remove(network);
  }

  async prune(request: contract.PruneRequest): Promise<contract.PruneResponseInput> {
    const now = Date.now();
    const unused = this.#parts.store
      .networks()
      .filter((network) => !network.isPredefined && !this.#isUsed(network) && !this.#opening.has(network.id));
    const removed: string[] = [];
    for (const network of unused.filter((candidate) => prunable(candidate, request.filters, now))) {
      await this.#remove(network);
      removed.push(network.name);
    }
    return { removed };
  }

  async #remove(network: NetworkDefinition): Promise<void> {
    const { store, addresses, drivers } = this.#parts;
    // The bridge goes before the record of it: a crash between leaves a network that makes its bridge again.
    await store.whileRetired(network.id, async () => {
      await drivers[network.driver].close(network);
      store.removeNetwork(network.id, networkEvent('network.removed', network));
      addresses.close(network.id);
      await store.sync();
    });
    await this.tell();
  }

  /** Publishes what has happened and was not told yet, in order. A failure is told of and made up for by the next call. */
  tell(): Promise<void> {
    const { store, publish, warn } = this.#parts;
    return store.tell({
      publish,
      onFailure: (error) => warn('an event of a network could not be published yet', { error }),
      // One that is being made may still turn out not to be.
      isHeldBack: ({ subject }) => this.#opening.has(subject),
    });
  }

  /** By attached endpoints alone, as in Docker: a stopped container does not keep its network. */
  #activeEndpoints(network: NetworkDefinition): readonly Endpoint[] {
    return this.#parts.store.endpointsOf(network.id).filter((endpoint) => endpoint.attachment !== undefined);
  }

  #isUsed(network: NetworkDefinition): boolean {
    return this.#parts.store.endpointsOf(network.id).length > 0;
  }

  #info(network: NetworkDefinition): contract.InfoInput {
    return {
      id: network.id,
      name: network.name,
      driver: driverOf(network),
      scope: 'local',
      createdAt: BigInt(network.createdAt),
      internal: network.internal,
      attachable: network.attachable,
      ipv4: network.ipv4,
      ipv6: network.ipv6,
      ipamDriver: 'default',
      ipamOptions: network.ipamOptions,
      pools: network.pools,
      options: network.options,
      labels: network.labels,
      predefined: network.isPredefined,
      endpoints: this.#activeEndpoints(network).map((endpoint) => endpointInfo(endpoint)),
    };
  }
}

function endpointInfo(endpoint: Endpoint): contract.EndpointInput {
  const { attachment } = endpoint;
  const cidr = (assigned: NonNullable<Endpoint['attachment']>['ipv4']): string =>
    assigned === undefined ? '' : `${assigned.address}/${assigned.prefixLength}`;
  return {
    id: attachment?.endpointId ?? '',
    container: endpoint.container,
    name: endpoint.containerName,
    mac: attachment?.mac ?? '',
    ipv4: cidr(attachment?.ipv4),
    ipv6: cidr(attachment?.ipv6),
  };
}

function networkEvent(type: string, network: NetworkDefinition): providerTypes.EventInput {
  return { type, subject: network.id, labels: network.labels, properties: { name: network.name, type: network.driver } };
}
