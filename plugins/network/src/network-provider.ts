import type { provider, providerTypes } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';
import type { CallContext } from '@cleat/sdk';
import type { AddressBook } from './address-book.ts';
import { isInNetwork } from './address-book.ts';
import type { ClaimOptions } from './claim-options.ts';
import { parseClaimOptions } from './claim-options.ts';
import type { NetworkDriver } from './drivers/driver.ts';
import { containerResolver, hostsLines, statusText } from './endpoint-answer.ts';
import type { Attachment, DriverName, Endpoint, NetworkDefinition } from './model.ts';
import { dnsNames, driverOf, endpointKey } from './model.ts';
import { findNetwork } from './network-lookup.ts';
import type { NetworkStore } from './network-store.ts';
import type { Sandboxes } from './sandboxes.ts';

export interface ProviderParts {
  readonly store: NetworkStore;
  readonly addresses: AddressBook;
  readonly sandboxes: Sandboxes;
  readonly drivers: Readonly<Record<DriverName, NetworkDriver>>;
}

/** What is left of the kernel's call. */
export type AttachCall = Pick<CallContext, 'signal' | 'deadline'>;

/** The claims of the kind `network`: an endpoint each. */
export class NetworkProvider {
  readonly #parts: ProviderParts;

  constructor(parts: ProviderParts) {
    this.#parts = parts;
  }

  /** Pins the network by its id and holds the addresses that the user named; all else is given at attach. */
  async reserve(request: provider.ReserveRequest): Promise<provider.ReserveResponseInput> {
    const { store } = this.#parts;
    const key = endpointKey(request.reference.container, request.reference.claim);
    await this.#drop(key);
    const options = parseClaimOptions(request.options);
    const network = findNetwork(store.networks(), options.network);
    checkFits(options, network);
    const endpoint: Endpoint = {
      key,
      container: request.reference.container,
      claim: request.reference.claim,
      containerName: request.container.name,
      hostname: request.container.hostname,
      networkId: network.id,
      options,
      attachment: undefined,
    };
    this.#hold(endpoint);
    store.putEndpoint(endpoint);
    await store.sync();
    const warnings =
      network.internal && options.publish.length > 0 ? [`the network ${network.name} is internal: its ports are not published`] : [];
    return { status: statusText(endpoint, network), warnings };
  }

  async attach(request: provider.AttachRequest, call: AttachCall): Promise<provider.AttachResponseInput> {
    const { store } = this.#parts;
    const { reference } = request;
    const reserved = this.#known(reference);
    const network = store.network(reserved.networkId);
    if (network === undefined) throw new CleatError('not_found', 'NETWORK_NOT_FOUND', `network ${reserved.networkId} not found`);
    const earlier = reserved.attachment;
    if (earlier?.isComplete === true && earlier.number === reference.number && earlier.bootId === reference.bootId) {
      return this.#answer(reserved, network);
    }
    await this.#takeDown(reserved);
    if (isInNamespace(network) && request.networkNamespace === '') {
      throw new CleatError(
        'invalid_argument',
        'NETWORK_NO_NAMESPACE',
        `container ${request.container.name} has no network namespace of its own to connect to ${network.name}`,
      );
    }
    const { name: containerName, hostname } = request.container;
    return this.#attachNow({ ...reserved, attachment: undefined, containerName, hostname }, network, request, call);
  }

  async #attachNow(
    endpoint: Endpoint,
    network: NetworkDefinition,
    request: provider.AttachRequest,
    { signal, deadline }: AttachCall,
  ): Promise<provider.AttachResponseInput> {
    const { store, drivers, sandboxes } = this.#parts;
    const { bootId, number } = request.reference;
    const record = (attachment: Attachment): void => store.putEndpoint({ ...endpoint, attachment });
    try {
      const namespace = request.networkNamespace;
      const plan = { endpoint, network, number, bootId, namespace, request, signal, deadline, record };
      const attachment = await drivers[network.driver].attach(plan);
      const attached = { ...endpoint, attachment };
      // The driver may have given the network another subnet.
      const current = store.network(network.id) ?? network;
      if (network.driver === 'bridge') await sandboxes.join(attached, attachment, current, true);
      store.putEndpoint(attached);
      return await this.#answer(attached, current);
    } catch (error) {
      const begun = store.endpoint(endpoint.key);
      if (begun !== undefined) await this.#takeDown(begun);
      throw named(error, endpoint, begun?.attachment?.endpointId ?? '');
    }
  }

  async detach(reference: providerTypes.Reference): Promise<provider.DetachResponseInput> {
    const endpoint = this.#parts.store.endpoint(endpointKey(reference.container, reference.claim));
    if (endpoint?.attachment === undefined) return {};
    const wasComplete = endpoint.attachment.isComplete;
    await this.#takeDown(endpoint);
    const network = this.#parts.store.network(endpoint.networkId);
    return network === undefined || !wasComplete ? {} : { events: [event('network.disconnected', endpoint, network)] };
  }

  async release(reference: providerTypes.Reference): Promise<provider.ReleaseResponseInput> {
    await this.#drop(endpointKey(reference.container, reference.claim));
    await this.#parts.store.sync();
    return {};
  }

  /** A new name is known to the other containers before the client is answered. */
  update(request: provider.UpdateRequest): Promise<provider.UpdateResponseInput> {
    const { store, sandboxes } = this.#parts;
    const { reference } = request;
    const endpoint = this.#known(reference);
    const network = store.network(endpoint.networkId);
    if (network === undefined) throw new CleatError('not_found', 'NETWORK_NOT_FOUND', `network ${endpoint.networkId} not found`);
    if (request.options !== null && JSON.stringify(parseClaimOptions(request.options)) !== JSON.stringify(endpoint.options)) {
      throw new CleatError(
        'unimplemented',
        'NETWORK_ENDPOINT_FIXED',
        'an endpoint keeps its options; disconnect the container and connect it again',
      );
    }
    const renamed = { ...endpoint, containerName: request.containerName ?? endpoint.containerName };
    store.putEndpoint(renamed);
    sandboxes.renamed(renamed);
    return Promise.resolve({ status: statusText(renamed, network) });
  }

  /** Holds again, in a provider that has lost it, what the kernel says it holds. */
  rebuild(held: provider.Held): Endpoint | undefined {
    const { store } = this.#parts;
    const options = parseClaimOptions(held.options);
    const status = parseStatus(held.status);
    const network = store.network(status.networkId ?? '');
    if (network === undefined) return undefined;
    const { container, claim } = held.reference;
    const attachment = held.attached ? attachmentFrom(status, held) : undefined;
    const endpoint: Endpoint = {
      key: endpointKey(container, claim),
      container,
      claim,
      containerName: held.container.name,
      hostname: held.container.hostname,
      networkId: network.id,
      options,
      attachment,
    };
    store.putEndpoint(endpoint);
    this.#parts.addresses.open(network, store.endpointsOf(network.id));
    return endpoint;
  }

  #known(reference: providerTypes.Reference): Endpoint {
    const endpoint = this.#parts.store.endpoint(endpointKey(reference.container, reference.claim));
    if (endpoint !== undefined) return endpoint;
    throw new CleatError(
      'not_found',
      'NETWORK_CLAIM_UNKNOWN',
      `the network plugin holds no claim ${reference.claim} of container ${reference.container}`,
    );
  }

  /** Ends the attachment and forgets the endpoint. */
  async #drop(key: string): Promise<void> {
    const { store, addresses } = this.#parts;
    const endpoint = store.endpoint(key);
    if (endpoint === undefined) return;
    await this.#takeDown(endpoint);
    for (const address of [endpoint.options.ipv4, endpoint.options.ipv6]) {
      if (address !== undefined) addresses.giveBack(endpoint.networkId, address);
    }
    store.removeEndpoint(key);
  }

  async #takeDown(endpoint: Endpoint): Promise<void> {
    const { store, sandboxes, drivers } = this.#parts;
    const { attachment } = endpoint;
    if (attachment === undefined) return;
    // First the sockets in the container's namespace: they would keep it alive.
    sandboxes.leave(endpoint);
    const driver = store.network(endpoint.networkId)?.driver ?? 'bridge';
    await drivers[driver].detach(endpoint, attachment);
    store.putEndpoint({ ...endpoint, attachment: undefined });
  }

  #hold(endpoint: Endpoint): void {
    const { addresses } = this.#parts;
    const held: string[] = [];
    try {
      for (const address of [endpoint.options.ipv4, endpoint.options.ipv6]) {
        if (address === undefined) continue;
        addresses.claim(endpoint.networkId, address);
        held.push(address);
      }
    } catch (error) {
      for (const address of held) addresses.giveBack(endpoint.networkId, address);
      throw error;
    }
  }

  async #answer(endpoint: Endpoint, network: NetworkDefinition): Promise<provider.AttachResponseInput> {
    const { sandboxes } = this.#parts;
    // The host's network has the host's own files, which the kernel gives.
    const dns = isInNamespace(network) ? await containerResolver(endpoint, sandboxes.usesNameServer(endpoint.container)) : null;
    return {
      status: statusText(endpoint, network),
      contribution: { hosts: [...hostsLines(endpoint), ...this.#linkLines(endpoint, network)], dns },
      events: [event('network.connected', endpoint, network)],
    };
  }

  /** On the default bridge, which has no name server, links are lines of /etc/hosts. */
  #linkLines(endpoint: Endpoint, network: NetworkDefinition): readonly string[] {
    if (!network.isPredefined || network.driver !== 'bridge') return [];
    return endpoint.options.links.map((link) => {
      const other = this.#parts.store.endpointsOf(network.id).find((candidate) => candidate.container === link.container);
      const address = other?.attachment?.ipv4?.address ?? other?.attachment?.ipv6?.address;
      if (other === undefined || address === undefined) {
        throw new CleatError(
          'conflict',
          'NETWORK_LINK_NOT_RUNNING',
          `Cannot link to a non running container: ${other?.containerName ?? link.container} AS ${link.alias}`,
        );
      }
      return `${address}\t${[...new Set([link.alias, ...dnsNames(other)])].join(' ')}`;
    });
  }
}

/** True for networks that put something into the container's own network namespace. */
function isInNamespace(network: NetworkDefinition): boolean {
  return network.driver === 'bridge' || network.driver === 'plugin';
}

/** A network that this plugin gives no addresses of. Docker lets the host's pass with ports, which mean nothing there. */
function checkPlain(options: ClaimOptions, network: NetworkDefinition): void {
  const { ipv4, ipv6, mac, aliases, links, linkLocal, publish } = options;
  const isPlugin = network.driver === 'plugin';
  const lists = [aliases, links, linkLocal, ...(isPlugin ? [publish] : [])];
  if ([ipv4, ipv6, mac].every((text) => text === undefined) && lists.every((list) => list.length === 0)) return;
  throw new CleatError(
    'invalid_argument',
    'NETWORK_OPTIONS_INVALID',
    isPlugin
      ? `the driver ${driverOf(network)} of the network ${network.name} takes no addresses, aliases, links or published ports`
      : `the ${network.name} network has no addresses, aliases or links`,
  );
}

/** What a claim may ask of a network, in the words that Docker's clients know. */
function checkFits(options: ClaimOptions, network: NetworkDefinition): void {
  const addresses = [options.ipv4, options.ipv6].filter((address) => address !== undefined);
  if (network.driver !== 'bridge') {
    checkPlain(options, network);
    return;
  }
  if (network.isPredefined && addresses.length > 0) {
    throw new CleatError(
      'invalid_argument',
      'NETWORK_ADDRESS_UNSUPPORTED',
      'user specified IP address is supported on user defined networks only',
    );
  }
  if (network.isPredefined && options.aliases.length > 0) {
    throw new CleatError(
      'invalid_argument',
      'NETWORK_ALIAS_UNSUPPORTED',
      'network-scoped alias is supported only for containers in user defined networks',
    );
  }
  if (addresses.some((address) => !isInNetwork(network, address) || (network.isPoolPicked && !address.includes(':')))) {
    throw network.isPoolPicked
      ? new CleatError(
          'invalid_argument',
          'NETWORK_ADDRESS_UNSUPPORTED',
          'user specified IP address is supported only when connecting to networks with user configured subnets',
        )
      : new CleatError(
          'invalid_argument',
          'NETWORK_ADDRESS_OUTSIDE',
          `invalid address ${addresses.join(', ')}: It does not belong to any of this network's subnets`,
        );
  }
}

function event(type: string, endpoint: Endpoint, network: NetworkDefinition): providerTypes.EventInput {
  return { type, subject: network.id, properties: { container: endpoint.container, name: network.name, type: driverOf(network) } };
}

/** Errors about ports and addresses say which container they stopped, as Docker's do. */
function named(error: unknown, endpoint: Endpoint, endpointId: string): unknown {
  if (!(error instanceof CleatError) || !error.code.startsWith('NETWORK_PORT')) return error;
  const subject = `driver failed programming external connectivity on endpoint ${endpoint.containerName} (${endpointId})`;
  return new CleatError(error.class, error.code, `${subject}: ${error.message}`, { hint: error.hint, cause: error });
}

interface Status {
  readonly networkId?: string;
  readonly endpointId?: string;
  readonly ipv4?: string;
  readonly ipv4PrefixLength?: number;
  readonly gateway?: string;
  readonly ipv6?: string;
  readonly ipv6PrefixLength?: number;
  readonly ipv6Gateway?: string;
  readonly mac?: string;
  readonly interface?: string;
  readonly hostLink?: string;
  readonly ports?: Attachment['ports'];
}

/** The kernel gives back, unread, what `statusText` made. */
function parseStatus(text: string): Status {
  if (text === '') return {};
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? value : {};
}

function attachmentFrom(status: Status, held: provider.Held): Attachment | undefined {
  if (status.endpointId === undefined) return undefined;
  const assigned = (address: string | undefined, prefixLength = 0, gateway = ''): Attachment['ipv4'] =>
    address === undefined ? undefined : { address, prefixLength, gateway };
  return {
    endpointId: status.endpointId,
    number: held.reference.number,
    bootId: held.reference.bootId,
    namespace: held.networkNamespace,
    hostLink: status.hostLink ?? '',
    interfaceName: status.interface ?? '',
    ipv4: assigned(status.ipv4, status.ipv4PrefixLength, status.gateway),
    ipv6: assigned(status.ipv6, status.ipv6PrefixLength, status.ipv6Gateway),
    mac: status.mac ?? '',
    ports: status.ports ?? [],
    isComplete: true,
  };
}
