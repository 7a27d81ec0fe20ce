import type { Forwarder } from './dns/forwarder.ts';
import { NameIndex } from './dns/name-index.ts';
import type { NameServer, NameSource } from './dns/name-server.ts';
import { hostDns } from './dns/resolv-conf.ts';
import type { NameView } from './dns/resolver.ts';
import { clearDefaultGateway, setDefaultGateway } from './drivers/container-link.ts';
import type { Attachment, Endpoint, NetworkDefinition } from './model.ts';
import { hasNameServer } from './model.ts';
import type { NetworkStore } from './network-store.ts';

/** An endpoint that is attached, with its network. */
interface Member {
  readonly endpoint: Endpoint;
  readonly attachment: Attachment;
  readonly network: NetworkDefinition;
}

/** One container's network namespace. */
interface Sandbox {
  readonly members: Map<string, Member>;
  /** Key of the endpoint that the default route leads through. */
  gatewayKey: string | undefined;
  nameServer: NameServer | undefined;
}

/** What all endpoints of one container share: the default route and the name server. */
export class Sandboxes {
  readonly #store: NetworkStore;
  readonly #index = new NameIndex();
  readonly #sandboxes = new Map<string, Sandbox>();
  /** Loaded with the first container that has a name server. */
  #dns: Promise<{ readonly server: typeof NameServer; readonly forwarder: Forwarder }> | undefined;

  constructor(store: NetworkStore) {
    this.#store = store;
  }

  /** Joins an endpoint; `isNew` says that its namespace does not know it yet. */
  async join(endpoint: Endpoint, attachment: Attachment, network: NetworkDefinition, isNew: boolean): Promise<void> {
    const sandbox = this.#sandboxes.get(endpoint.container) ?? { members: new Map(), gatewayKey: undefined, nameServer: undefined };
    this.#sandboxes.set(endpoint.container, sandbox);
    sandbox.members.set(endpoint.key, { endpoint, attachment, network });
    if (hasNameServer(network)) this.#index.set(endpoint);
    const chosen = chooseGateway(sandbox);
    if (isNew && chosen !== undefined && chosen.endpoint.key !== sandbox.gatewayKey) routeThrough(chosen, sandbox.gatewayKey === undefined);
    sandbox.gatewayKey = chosen?.endpoint.key;
    if (sandbox.nameServer === undefined && hasNameServer(network))
      await this.#openNameServer(sandbox, endpoint.container, attachment.namespace);
  }

  /** Takes an endpoint out; when others stay, the default route moves to one of them. */
  leave(endpoint: Endpoint): void {
    const sandbox = this.#sandboxes.get(endpoint.container);
    this.#index.delete(endpoint.key);
    const member = sandbox?.members.get(endpoint.key);
    if (sandbox === undefined || member === undefined) return;
    sandbox.members.delete(endpoint.key);
    // Until the last one leaves: resolv.conf may still name the server for the networks that are left.
    if (sandbox.members.size === 0) sandbox.nameServer?.close();
    if (sandbox.members.size === 0) this.#sandboxes.delete(endpoint.container);
    else if (sandbox.gatewayKey === endpoint.key) moveGateway(sandbox, member);
  }

  /** A container has another name. */
  renamed(endpoint: Endpoint): void {
    const member = this.#sandboxes.get(endpoint.container)?.members.get(endpoint.key);
    if (member === undefined) return;
    this.#sandboxes.get(endpoint.container)?.members.set(endpoint.key, { ...member, endpoint });
    if (hasNameServer(member.network)) this.#index.set(endpoint);
  }

  has(endpoint: Endpoint): boolean {
    return this.#sandboxes.get(endpoint.container)?.members.has(endpoint.key) === true;
  }

  /** One more than the highest number among the container's interfaces of that prefix. */
  interfaceNumber(container: string, prefix: string): number {
    const members = [...(this.#sandboxes.get(container)?.members.values() ?? [])];
    const taken = new Set(members.map(({ attachment }) => attachment.interfaceName));
    let number = 0;
    while (taken.has(`${prefix}${number}`)) number += 1;
    return number;
  }

  /** True when the container resolves names by the embedded server: it has an endpoint, attached or to come, on a network with one. */
  usesNameServer(container: string): boolean {
    return this.#store.endpointsOfContainer(container).some((endpoint) => {
      const network = this.#store.network(endpoint.networkId);
      return network !== undefined && hasNameServer(network);
    });
  }

  closeAll(): void {
    for (const sandbox of this.#sandboxes.values()) sandbox.nameServer?.close();
    this.#sandboxes.clear();
  }

  async #openNameServer(sandbox: Sandbox, container: string, namespace: string): Promise<void> {
    this.#dns ??= loadDns();
    const { server, forwarder } = await this.#dns;
    // Left, or opened by another endpoint, while the module was loaded.
    if (sandbox.nameServer !== undefined || this.#sandboxes.get(container) !== sandbox) return;
    sandbox.nameServer = server.open(namespace, this.#source(sandbox), forwarder);
  }

  #source(sandbox: Sandbox): NameSource {
    return {
      view: () => this.#view([...sandbox.members.values()]),
      upstreams: async () => {
        for (const { endpoint } of sandbox.members.values()) {
          const { servers } = endpoint.options.dns;
          if (servers.length > 0) return { servers, areHosts: false };
        }
        return { servers: (await hostDns()).servers, areHosts: true };
      },
    };
  }

  #view(members: readonly Member[]): NameView {
    return {
      addresses: (name, family) => this.#addresses(members, name, family),
      nameOf: (address) => {
        for (const { network } of members) {
          const owner = this.#index.findAddress(network.id, address);
          if (owner !== undefined) return `${owner.containerName}.${network.name}`;
        }
        return undefined;
      },
      keepsSingleLabels: members.some(({ endpoint }) => endpoint.options.dns.options.some((option) => /^ndots:[1-9]/.test(option))),
    };
  }

  #addresses(members: readonly Member[], name: string, family: 4 | 6): readonly string[] | undefined {
    const found = members.flatMap((member) => this.#find(member, name));
    if (found.length === 0) return undefined;
    const addresses = found.map(({ attachment }) => (family === 4 ? attachment?.ipv4?.address : attachment?.ipv6?.address));
    return [...new Set(addresses.filter((address) => address !== undefined))];
  }

  /** A name means a link of the container first, then a container of the network; `name.network` a container of that one. */
  #find({ endpoint, network }: Member, name: string): readonly Endpoint[] {
    const links = endpoint.options.links.filter((link) => link.alias.toLowerCase() === name);
    if (links.length > 0) return links.flatMap((link) => this.#index.find(network.id, link.container.slice(0, 12)));
    const suffix = `.${network.name.toLowerCase()}`;
    const bare = this.#index.find(network.id, name);
    return bare.length > 0 || !name.endsWith(suffix) ? bare : this.#index.find(network.id, name.slice(0, -suffix.length));
  }
}

async function loadDns(): Promise<{ readonly server: typeof NameServer; readonly forwarder: Forwarder }> {
  const [{ NameServer: server }, { Forwarder: forwarder }] = await Promise.all([
    import('./dns/name-server.ts'),
    import('./dns/forwarder.ts'),
  ]);
  return { server, forwarder: new forwarder() };
}

/** The highest priority wins, then who came first. Internal networks lead nowhere. */
function chooseGateway(sandbox: Sandbox): Member | undefined {
  let chosen: Member | undefined;
  for (const member of sandbox.members.values()) {
    if (member.network.internal || gatewayOf(member) === undefined) continue;
    if (chosen === undefined || member.endpoint.options.gatewayPriority > chosen.endpoint.options.gatewayPriority) chosen = member;
  }
  return chosen;
}

function gatewayOf({ attachment }: Member): string | undefined {
  return attachment.ipv4?.gateway ?? attachment.ipv6?.gateway;
}

function routeThrough({ attachment }: Member, isFirst: boolean): void {
  setDefaultGateway(
    attachment.namespace,
    { interfaceName: attachment.interfaceName, ipv4: attachment.ipv4?.gateway ?? '', ipv6: attachment.ipv6?.gateway ?? '' },
    isFirst,
  );
}

function moveGateway(sandbox: Sandbox, left: Member): void {
  const chosen = chooseGateway(sandbox);
  sandbox.gatewayKey = chosen?.endpoint.key;
  try {
    if (chosen === undefined) clearDefaultGateway(left.attachment.namespace);
    else routeThrough(chosen, false);
  } catch {
    // The namespace ended while its endpoints leave one after another: there is nothing to route any more.
  }
}
