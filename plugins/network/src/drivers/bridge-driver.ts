import { createHash, randomBytes } from 'node:crypto';
import { CleatError } from '@cleat/schemas';
import type { FlowFilter, Link } from '@cleat/sdk/netlink';
import { addressBytes, Conntrack, isNetlinkErrno, macText, Rtnetlink, setLink } from '@cleat/sdk/netlink';
import type { AddressBook } from '../address-book.ts';
import type { BridgeSettings } from '../bridge-settings.ts';
import { parseBridgeSettings } from '../bridge-settings.ts';
import type { PublishedPort } from '../claim-options.ts';
import type { Firewall } from '../firewall.ts';
import { guardElements, networkElements, portElements } from '../firewall-rules.ts';
import { passForwardPolicies } from '../forward-policy.ts';
import {
  allowLoopbackRouting,
  enableIpv4Forwarding,
  enableIpv6Forwarding,
  isBridgeTrafficFiltered,
  isIpv4Forwarding,
} from '../host-settings.ts';
import type { InstanceNames } from '../instance-names.ts';
import type { AssignedAddress, Attachment, Endpoint, NetworkDefinition } from '../model.ts';
import type { PortBook, PortReservation } from '../ports/port-book.ts';
import type { Subnet } from '../subnet.ts';
import { openContainerLink } from './container-link.ts';
import { DoomedLinks } from './doomed-links.ts';
import type { AttachPlan, NetworkDriver } from './driver.ts';
import { closeBridge, openBridge, removeBridge } from './host-bridges.ts';

const LINK_NAME_ATTEMPTS = 16;

export interface BridgeDriverOptions {
  readonly names: InstanceNames;
  readonly addresses: AddressBook;
  readonly ports: PortBook;
  readonly firewall: Firewall;
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Pools of all networks but one. */
  readonly otherPools: (networkId: string) => readonly Subnet[];
  /** Host ends of the links of a network's attached endpoints. */
  readonly hostLinks: (networkId: string) => readonly string[];
  /** False for a network that was removed meanwhile. */
  readonly exists: (networkId: string) => boolean;
  /** Keeps a network that was given another subnet. */
  readonly changed: (network: NetworkDefinition) => void;
  /** Keeps which links of the host packets are not forwarded between. */
  readonly guarded: (uplinks: readonly string[]) => void;
  /** The number of the next interface of a container. */
  readonly interfaceNumber: (container: string, prefix: string) => number;
}

/** A bridge on the host, a veth pair to each container, NAT to the outside, published ports. */
export class BridgeDriver implements NetworkDriver {
  readonly name = 'bridge';
  readonly #options: BridgeDriverOptions;
  readonly #routes: Rtnetlink;
  readonly #conntrack: Conntrack;
  readonly #doomed: DoomedLinks;
  readonly #reservations = new Map<string, PortReservation>();
  readonly #opening = new Map<string, Promise<{ readonly network: NetworkDefinition; readonly link: Link }>>();
  readonly #settingsSeen = new Set<string>();

  constructor(options: BridgeDriverOptions) {
    this.#options = options;
    this.#routes = Rtnetlink.open();
    this.#conntrack = Conntrack.open();
    this.#doomed = new DoomedLinks(this.#routes, options.names.doomedGroup);
  }

  async open(network: NetworkDefinition): Promise<NetworkDefinition> {
    return (await this.#ensureOpen(network)).network;
  }

  async close(network: NetworkDefinition): Promise<void> {
    removeBridge(this.#routes, network);
    await this.#options.firewall.remove(networkElements(network, parseBridgeSettings(network.options)));
    this.#settingsSeen.delete(network.id);
  }

  async attach(plan: AttachPlan): Promise<Attachment> {
    const { network, link } = await this.#ensureOpen(plan.network);
    plan.signal.throwIfAborted();
    if (!this.#options.exists(network.id)) throw new CleatError('not_found', 'NETWORK_NOT_FOUND', `network ${network.name} not found`);
    this.#doomed.flushFrom(plan.namespace);
    const settings = parseBridgeSettings(network.options);
    let attachment = this.#assign(plan, network);
    plan.record(attachment);
    const reservation = await this.#options.ports.reserve(publishedPorts(plan.endpoint, network), settings.hostIp);
    this.#reservations.set(plan.endpoint.key, reservation);
    plan.signal.throwIfAborted();
    attachment = { ...attachment, ports: reservation.ports };
    plan.record(attachment);
    const interfaceName = this.#link(plan, settings, link, attachment);
    reservation.aim(targetOf(attachment));
    await this.#options.firewall.add(attachment.ports.flatMap((port) => portElements(port, targetOf(attachment))));
    plan.signal.throwIfAborted();
    return { ...attachment, interfaceName, isComplete: true };
  }

  async detach(endpoint: Endpoint, attachment: Attachment): Promise<void> {
    this.#doomed.add(attachment.hostLink, attachment.namespace);
    this.#reservations.get(endpoint.key)?.close();
    this.#reservations.delete(endpoint.key);
    const target = targetOf(attachment);
    await this.#options.firewall.remove(attachment.ports.flatMap((port) => portElements(port, target)));
    this.#forgetFlows(attachment);
    for (const address of [target.ipv4, target.ipv6]) {
      const isHeld = address === endpoint.options.ipv4 || address === endpoint.options.ipv6;
      if (address !== '' && !isHeld) this.#options.addresses.giveBack(endpoint.networkId, address);
    }
  }

  async resume(endpoint: Endpoint, attachment: Attachment): Promise<void> {
    if (this.#reservations.has(endpoint.key) || attachment.ports.length === 0) return;
    const reservation = await this.#options.ports.resume(attachment.ports);
    reservation.aim(targetOf(attachment));
    this.#reservations.set(endpoint.key, reservation);
    for (const { hostIp, hostPort, protocol } of reservation.lost) {
      this.#options.warn('another program has taken a published port', { container: endpoint.container, hostIp, hostPort, protocol });
    }
  }

  /** Removes host ends of links and bridges of this instance that belong to nothing that is kept. */
  sweep(keptLinks: ReadonlySet<string>, keptBridges: ReadonlySet<string>): void {
    const { linkPrefix, bridgePrefix } = this.#options.names;
    for (const link of this.#routes.links()) {
      if (link.name.startsWith(linkPrefix) && !keptLinks.has(link.name)) this.#doomed.add(link.name, '');
      if (link.name.startsWith(bridgePrefix) && !keptBridges.has(link.name)) closeBridge(this.#routes, link.name);
    }
    this.#doomed.flush();
  }

  hasLink(name: string): boolean {
    return this.#routes.link(name) !== undefined;
  }

  shutDown(): void {
    for (const reservation of this.#reservations.values()) reservation.close();
    this.#reservations.clear();
    this.#doomed.flush();
    this.#routes.close();
    this.#conntrack.close();
  }

  /** One at a time for a network; the bridge is looked for each time, since anybody may have removed it. */
  async #ensureOpen(network: NetworkDefinition): Promise<{ readonly network: NetworkDefinition; readonly link: Link }> {
    const link = this.#routes.link(network.bridge);
    if (link?.kind === 'bridge' && this.#settingsSeen.has(network.id)) return { network, link };
    const running = this.#opening.get(network.id);
    if (running !== undefined) return running;
    const opening = this.#openNow(network);
    this.#opening.set(network.id, opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(network.id);
    }
  }

  async #openNow(network: NetworkDefinition): Promise<{ readonly network: NetworkDefinition; readonly link: Link }> {
    const links = this.#options.hostLinks(network.id);
    const opened = openBridge(this.#routes, network, this.#options.otherPools(network.id), network.isPoolPicked && links.length === 0);
    // Somebody deleted the bridge under containers that run.
    if (opened.isNew) for (const name of links) this.#rejoin(name, opened.link);
    if (opened.network !== network) this.#options.changed(opened.network);
    const settings = parseBridgeSettings(opened.network.options);
    await this.#options.firewall.add(networkElements(opened.network, settings));
    allowLoopbackRouting(opened.network.bridge);
    await this.#enableForwarding();
    if (opened.network.ipv6) enableIpv6Forwarding();
    await passForwardPolicies(forwardMatch(opened.network.bridge, this.#options.names)).catch((error: unknown) => {
      this.#options.warn('another firewall on this host drops forwarded packets, and could not be told to let those of containers pass', {
        error,
      });
    });
    this.#settingsSeen.add(network.id);
    return { network: opened.network, link: opened.link };
  }

  /** A host that did not forward before is not to become a router between its own networks. */
  async #enableForwarding(): Promise<void> {
    if (isIpv4Forwarding()) return;
    const uplinks = this.#routes
      .links()
      .filter(isUplink)
      .map((link) => link.name);
    this.#options.guarded(uplinks);
    await this.#options.firewall.add(guardElements(uplinks));
    enableIpv4Forwarding();
  }

  #rejoin(hostLink: string, bridge: Link): void {
    const link = this.#routes.link(hostLink);
    if (link !== undefined) this.#routes.execute(setLink(link.index, { masterIndex: bridge.index, isUp: true }));
  }

  #assign(plan: AttachPlan, network: NetworkDefinition): Attachment {
    const { endpoint } = plan;
    const endpointId = createHash('sha256').update(`${endpoint.key}/${plan.bootId}/${plan.number}`).digest('hex');
    const ipv4 = network.ipv4 ? this.#options.addresses.assign(network.id, 4, endpoint.options.ipv4) : undefined;
    let ipv6: AssignedAddress | undefined;
    try {
      ipv6 = network.ipv6 ? this.#options.addresses.assign(network.id, 6, endpoint.options.ipv6) : undefined;
    } catch (error) {
      if (ipv4 !== undefined && endpoint.options.ipv4 === undefined) this.#options.addresses.giveBack(network.id, ipv4.address);
      throw error;
    }
    return {
      endpointId,
      number: plan.number,
      bootId: plan.bootId,
      namespace: plan.namespace,
      hostLink: this.#freeLinkName(endpointId),
      interfaceName: '',
      ipv4,
      ipv6,
      mac: endpoint.options.mac ?? macFor(ipv4),
      ports: [],
      isComplete: false,
    };
  }

  #freeLinkName(endpointId: string): string {
    for (let attempt = 0; attempt < LINK_NAME_ATTEMPTS; attempt += 1) {
      const name = this.#options.names.hostLink(endpointId, attempt);
      if (this.#routes.link(name) === undefined) return name;
    }
    throw new CleatError('internal', 'NETWORK_LINK_NAMES', 'no free name for the host end of a container’s link');
  }

  #link(plan: AttachPlan, settings: BridgeSettings, bridge: Link, attachment: Attachment): string {
    const { endpoint } = plan;
    return openContainerLink(this.#routes, {
      namespace: plan.namespace,
      bridge,
      hostLink: attachment.hostLink,
      interfacePrefix: settings.interfacePrefix,
      interfaceNumber: this.#options.interfaceNumber(endpoint.container, settings.interfacePrefix),
      mac: attachment.mac,
      ipv4: attachment.ipv4,
      ipv6: attachment.ipv6,
      linkLocal: endpoint.options.linkLocal,
      isIsolated: !settings.canTalkToEachOther,
      isHairpin: isBridgeTrafficFiltered(),
    });
  }

  /** Flows that are known already would go on being translated to where nobody is, or to the next owner of the address. */
  #forgetFlows(attachment: Attachment): void {
    const filters: FlowFilter[] = [attachment.ipv4, attachment.ipv6]
      .filter((assigned) => assigned !== undefined)
      .flatMap(({ address }) => [{ direction: 'reply', address } as const, { direction: 'original', address } as const]);
    try {
      this.#conntrack.forget(filters);
    } catch (error) {
      // Kernels before 5.8 cannot filter; there old flows end by their own timeouts.
      if (!isNetlinkErrno(error, 'EOPNOTSUPP', 'EINVAL')) throw error;
    }
  }
}

const UPLINK_KINDS: ReadonlySet<string> = new Set(['bond', 'team', 'vlan']);

/** A device of the host itself, not one that some software made to connect containers or machines. */
function isUplink(link: Link): boolean {
  return link.kind === undefined ? link.name !== 'lo' : UPLINK_KINDS.has(link.kind);
}

/** How iptables names the bridge: ours all at once, one that the user named by itself. */
export function forwardMatch(bridge: string, names: InstanceNames): string {
  return bridge.startsWith(names.bridgePrefix) ? `${names.bridgePrefix}+` : bridge;
}

function targetOf(attachment: Attachment): { readonly ipv4: string; readonly ipv6: string } {
  return { ipv4: attachment.ipv4?.address ?? '', ipv6: attachment.ipv6?.address ?? '' };
}

/** What the endpoint publishes: ports named by the user, and with publishAll every exposed one that is not among them. An internal network publishes none. */
function publishedPorts(endpoint: Endpoint, network: NetworkDefinition): readonly PublishedPort[] {
  if (network.internal) return [];
  const { publish, expose, publishAll } = endpoint.options;
  if (!publishAll) return publish;
  const isNamed = new Set(publish.map((port) => `${port.containerPort}/${port.protocol}`));
  const rest = expose.filter((exposed) => !isNamed.has(`${exposed.port}/${exposed.protocol}`));
  return [...publish, ...rest.map(({ port, protocol }) => ({ containerPort: port, protocol, hostIp: '', hostPort: 0, hostPortEnd: 0 }))];
}

/** Made from the address: who gets an address again also gets the neighbours' knowledge of it right. */
function macFor(ipv4: AssignedAddress | undefined): string {
  const tail = ipv4 === undefined ? randomBytes(4) : addressBytes(ipv4.address);
  return macText(Buffer.concat([Buffer.from([0x02, 0x42]), tail]));
}
