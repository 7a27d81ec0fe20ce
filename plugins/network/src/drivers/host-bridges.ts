import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import type { Link, Rtnetlink } from '@cleat/sdk/netlink';
import { addAddress, addLink, deleteLink, familyOf, isNetlinkErrno, setLink } from '@cleat/sdk/netlink';
import { completePool } from '../address-pool.ts';
import { parseBridgeSettings } from '../bridge-settings.ts';
import { pickSubnet } from '../default-pools.ts';
import { parse as parseResolvConf } from '../dns/resolv-conf.ts';
import { refuseRouterAdvertisements, setIpv6 } from '../host-settings.ts';
import type { NetworkDefinition } from '../model.ts';
import type { Subnet } from '../subnet.ts';
import { overlaps, parseSubnet } from '../subnet.ts';

const PICK_ATTEMPTS = 16;
const MAIN_TABLE = 254;

/** Subnets that the host reaches by its main routing table, and its name servers; those of one link left out. */
export function occupiedSubnets(routes: Rtnetlink, exceptLink: number | undefined): readonly Subnet[] {
  const occupied: Subnet[] = [];
  for (const route of routes.routes()) {
    // A default route leads everywhere and so occupies nothing.
    if (route.prefixLength === 0 || route.destination === undefined || route.table !== MAIN_TABLE || route.linkIndex === exceptLink)
      continue;
    occupied.push(parseSubnet(`${route.destination}/${route.prefixLength}`));
  }
  for (const server of hostNameServers()) occupied.push(parseSubnet(`${server}/${familyOf(server) === 4 ? 32 : 128}`));
  return occupied;
}

function hostNameServers(): readonly string[] {
  try {
    return parseResolvConf(readFileSync('/etc/resolv.conf', 'utf8')).servers;
  } catch {
    // A host without the file has no name servers to keep free.
    return [];
  }
}

/** A network with its bridge, or a new one when the bridge is not there yet. */
export interface OpenedBridge {
  readonly network: NetworkDefinition;
  readonly link: Link;
  readonly isNew: boolean;
}

/**
 * Makes the bridge of a network with its addresses. With `mayPick` its subnet is picked anew while another user of the
 * host (another instance, say) turns out to have the same: both look after they have added theirs, so at least one sees it.
 */
export function openBridge(routes: Rtnetlink, network: NetworkDefinition, otherPools: readonly Subnet[], mayPick: boolean): OpenedBridge {
  const existing = routes.link(network.bridge);
  if (existing !== undefined) {
    if (existing.kind !== 'bridge') {
      throw new CleatError('conflict', 'NETWORK_BRIDGE_NAME', `the host has a link ${network.bridge} that is not a bridge`);
    }
    if (!isOwn(existing, network)) checkForeign(routes, network, existing);
    return { network, link: existing, isNew: false };
  }
  let candidate = network;
  for (let attempt = 1; ; attempt += 1) {
    if (mayPick) candidate = pickedAgain(candidate, [...occupiedSubnets(routes, undefined), ...otherPools]);
    const link = makeBridge(routes, candidate);
    if (!mayPick || attempt === PICK_ATTEMPTS || !isContested(routes, candidate, link.index)) {
      return { network: candidate, link, isNew: true };
    }
    routes.execute(deleteLink(link.index));
  }
}

/** A bridge that was made here has the address that its network gives it. */
function isOwn(link: Link, network: NetworkDefinition): boolean {
  return link.mac === bridgeMac(network.id);
}

/** A bridge of somebody else (`com.docker.network.bridge.name`) is used as it is: containers need the gateway on it. */
function checkForeign(routes: Rtnetlink, network: NetworkDefinition, link: Link): void {
  const there = routes.addresses().filter(({ linkIndex }) => linkIndex === link.index);
  for (const { gateway, subnet } of network.pools) {
    const { prefixLength } = parseSubnet(subnet);
    if (gateway === '' || there.some((one) => one.address === gateway && one.prefixLength === prefixLength)) continue;
    throw new CleatError(
      'conflict',
      'NETWORK_BRIDGE_NAME',
      `the bridge ${link.name} of this host does not have the gateway ${gateway}/${prefixLength} of the network ${network.name}`,
      { hint: 'Give the subnet and the gateway that the bridge has (--subnet, --gateway), or another name.' },
    );
  }
}

/** The same network, with another subnet if its own is occupied. */
export function pickedAgain(network: NetworkDefinition, occupied: readonly Subnet[]): NetworkDefinition {
  const index = network.pools.findIndex((pool) => familyOf(pool.subnet.split('/')[0] ?? '') === 4);
  const current = network.pools[index];
  if (current !== undefined && !occupied.some((subnet) => overlaps(subnet, parseSubnet(current.subnet)))) return network;
  const pool = completePool({ subnet: pickSubnet(occupied), range: '', gateway: '', auxiliary: {} });
  return { ...network, pools: [pool, ...network.pools.filter((_, other) => other !== index)] };
}

function isContested(routes: Rtnetlink, network: NetworkDefinition, ownLink: number): boolean {
  const own = network.pools.map((pool) => parseSubnet(pool.subnet));
  return occupiedSubnets(routes, ownLink).some((subnet) => own.some((pool) => overlaps(pool, subnet)));
}

function makeBridge(routes: Rtnetlink, network: NetworkDefinition): Link {
  const { mtu } = parseBridgeSettings(network.options);
  // Named explicitly: a bridge without takes over the lowest address of its ports, and changes it as they come and go.
  const mac = bridgeMac(network.id);
  routes.execute(addLink({ name: network.bridge, type: { kind: 'bridge' }, mac, ...(mtu === undefined ? {} : { mtu }) }));
  const link = routes.link(network.bridge);
  if (link === undefined)
    throw new CleatError('internal', 'NETWORK_BRIDGE_LOST', `the bridge ${network.bridge} vanished while it was made`);
  try {
    setIpv6(network.bridge, network.ipv6);
    refuseRouterAdvertisements(network.bridge);
    const addresses = network.pools.filter((pool) => pool.gateway !== '');
    routes.execute(
      ...addresses.map((pool) =>
        addAddress({ linkIndex: link.index, address: pool.gateway, prefixLength: parseSubnet(pool.subnet).prefixLength }),
      ),
    );
    routes.execute(setLink(link.index, { isUp: true }));
  } catch (error) {
    routes.execute(deleteLink(link.index));
    throw error;
  }
  return link;
}

/** Deletes the bridge of a network; one that is gone already is fine, and one of somebody else stays. */
export function removeBridge(routes: Rtnetlink, network: NetworkDefinition): void {
  const link = routes.link(network.bridge);
  if (link !== undefined && isOwn(link, network)) closeBridge(routes, network.bridge);
}

/** Deletes a bridge; one that is gone already is fine. */
export function closeBridge(routes: Rtnetlink, name: string): void {
  const link = routes.link(name);
  if (link === undefined || link.kind !== 'bridge') return;
  try {
    routes.execute(deleteLink(link.index));
  } catch (error) {
    if (!isNetlinkErrno(error, 'ENODEV')) throw error;
  }
}

function bridgeMac(networkId: string): string {
  const digest = createHash('sha256').update(networkId).digest('hex');
  return `02:42:${digest.slice(0, 2)}:${digest.slice(2, 4)}:${digest.slice(4, 6)}:${digest.slice(6, 8)}`;
}
