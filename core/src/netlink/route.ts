import type { IpFamily } from './address.ts';
import { addressBytes, addressText, familyOf, macBytes, macText } from './address.ts';
import type { NetlinkMessage, NetlinkReply } from './message.ts';
import { attributes, attributeU32, BodyWriter, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from './message.ts';

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;

const AF_INET = 2;
const AF_INET6 = 10;
const AF_BRIDGE = 7;
const IFA = { address: 1, local: 2, broadcast: 4, flags: 8 } as const;
const IFA_F_NODAD = 0x2;
const RTA = { dst: 1, oif: 4, gateway: 5, priority: 6, prefsrc: 7, table: 15 } as const;
const NDA = { dst: 1, lladdr: 2 } as const;
const NUD_PERMANENT = 0x80;
const NTF_SELF = 0x2;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;

function familyNumber(family: IpFamily): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** An address with the length of its network's prefix, on a link. */
export interface InterfaceAddress {
  readonly linkIndex: number;
  readonly address: string;
  readonly prefixLength: number;
}

/** Puts an address on a link. IPv6 addresses skip duplicate detection: who gives them out knows they are free, and waiting for it takes a second. */
export function addAddress(entry: InterfaceAddress): NetlinkMessage {
  const bytes = addressBytes(entry.address);
  const body = new BodyWriter().raw(addressHeader(entry)).bytes(IFA.local, bytes).bytes(IFA.address, bytes);
  if (bytes.length === 4) {
    if (entry.prefixLength < 31) body.bytes(IFA.broadcast, broadcastOf(bytes, entry.prefixLength));
  } else {
    body.u32(IFA.flags, IFA_F_NODAD);
  }
  return {
    type: RTM_NEWADDR,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: body.finish(),
    what: `add address ${entry.address}/${entry.prefixLength}`,
  };
}

export function deleteAddress(entry: InterfaceAddress): NetlinkMessage {
  const bytes = addressBytes(entry.address);
  const body = new BodyWriter().raw(addressHeader(entry)).bytes(IFA.local, bytes).bytes(IFA.address, bytes).finish();
  return { type: RTM_DELADDR, flags: 0, body, what: `delete address ${entry.address}/${entry.prefixLength}` };
}

export function getAddresses(): NetlinkMessage {
  return { type: RTM_GETADDR, flags: 0, body: Buffer.alloc(8), what: 'list addresses' };
}

export function readAddress(reply: NetlinkReply): InterfaceAddress | undefined {
  const found = attributes(reply.body.subarray(8));
  const bytes = found.get(IFA.local) ?? found.get(IFA.address);
  if (bytes === undefined) return undefined;
  return { linkIndex: reply.body.readUInt32LE(4), address: addressText(bytes), prefixLength: reply.body.readUInt8(1) };
}

/** struct ifaddrmsg. */
function addressHeader(entry: InterfaceAddress): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(familyNumber(familyOf(entry.address)), 0);
  header.writeUInt8(entry.prefixLength, 1);
  header.writeUInt32LE(entry.linkIndex, 4);
  return header;
}

function broadcastOf(address: Buffer, prefixLength: number): Buffer {
  const broadcast = Buffer.alloc(4);
  const hostMask = prefixLength === 0 ? 0xffffffff : 2 ** (32 - prefixLength) - 1;
  broadcast.writeUInt32BE((address.readUInt32BE(0) | hostMask) >>> 0, 0);
  return broadcast;
}

export interface Route {
  readonly family: IpFamily;
  /** `172.17.0.0`; absent for the default route. */
  readonly destination?: string | undefined;
  readonly prefixLength: number;
  readonly gateway?: string | undefined;
  readonly linkIndex?: number | undefined;
  readonly source?: string | undefined;
  readonly metric?: number | undefined;
  readonly table?: number | undefined;
}

/** Adds a route to the main table; one to the same destination with the same metric is `NETLINK_EEXIST`. */
export function addRoute(route: Route): NetlinkMessage {
  return { type: RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_EXCL, body: routeBody(route), what: `add route ${routeText(route)}` };
}

export function replaceRoute(route: Route): NetlinkMessage {
  return { type: RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_REPLACE, body: routeBody(route), what: `set route ${routeText(route)}` };
}

export function deleteRoute(route: Route): NetlinkMessage {
  return { type: RTM_DELROUTE, flags: 0, body: routeBody(route), what: `delete route ${routeText(route)}` };
}

export function getRoutes(): NetlinkMessage {
  return { type: RTM_GETROUTE, flags: 0, body: Buffer.alloc(12), what: 'list routes' };
}

/** A route of the answer to `getRoutes`; absent when it is not one that sends packets to others (local, broadcast, multicast). */
export function readRoute(reply: NetlinkReply): Route | undefined {
  const { body } = reply;
  const family = body.readUInt8(0);
  if (body.readUInt8(7) !== RTN_UNICAST || (family !== AF_INET && family !== AF_INET6)) return undefined;
  const found = attributes(body.subarray(12));
  const text = (type: number): string | undefined => {
    const bytes = found.get(type);
    return bytes === undefined ? undefined : addressText(bytes);
  };
  return {
    family: family === AF_INET ? 4 : 6,
    destination: text(RTA.dst),
    prefixLength: body.readUInt8(1),
    gateway: text(RTA.gateway),
    linkIndex: attributeU32(found.get(RTA.oif)),
    source: text(RTA.prefsrc),
    metric: attributeU32(found.get(RTA.priority)),
    table: attributeU32(found.get(RTA.table)) ?? body.readUInt8(4),
  };
}

/** struct rtmsg and what follows it. */
function routeBody(route: Route): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(familyNumber(route.family), 0);
  header.writeUInt8(route.prefixLength, 1);
  header.writeUInt8(RT_TABLE_MAIN, 4);
  header.writeUInt8(RTPROT_BOOT, 5);
  header.writeUInt8(route.gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, 6);
  header.writeUInt8(RTN_UNICAST, 7);
  const body = new BodyWriter().raw(header);
  if (route.destination !== undefined) body.bytes(RTA.dst, addressBytes(route.destination));
  if (route.gateway !== undefined) body.bytes(RTA.gateway, addressBytes(route.gateway));
  if (route.linkIndex !== undefined) body.u32(RTA.oif, route.linkIndex);
  if (route.source !== undefined) body.bytes(RTA.prefsrc, addressBytes(route.source));
  if (route.metric !== undefined) body.u32(RTA.priority, route.metric);
  if (route.table !== undefined) body.u32(RTA.table, route.table);
  return body.finish();
}

function routeText(route: Route): string {
  const destination = route.destination === undefined ? 'default' : `${route.destination}/${route.prefixLength}`;
  return route.gateway === undefined ? destination : `${destination} via ${route.gateway}`;
}

/** What a link knows of a neighbour: an entry of the ARP/ND table, or of a bridge's or VXLAN's forwarding database. */
export type Neighbour =
  | { readonly table: 'neighbour'; readonly linkIndex: number; readonly address: string; readonly mac: string }
  | { readonly table: 'forwarding'; readonly linkIndex: number; readonly mac: string; readonly remote: string };

/** Sets a permanent entry, also over one that is there. */
export function addNeighbour(entry: Neighbour): NetlinkMessage {
  return {
    type: RTM_NEWNEIGH,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    body: neighbourBody(entry),
    what: `add ${entry.table} entry ${entry.mac}`,
  };
}

export function deleteNeighbour(entry: Neighbour): NetlinkMessage {
  return { type: RTM_DELNEIGH, flags: 0, body: neighbourBody(entry), what: `delete ${entry.table} entry ${entry.mac}` };
}

/** Asks for one of the two tables. */
export function getNeighbours(table: Neighbour['table']): NetlinkMessage {
  const header = Buffer.alloc(12);
  header.writeUInt8(table === 'forwarding' ? AF_BRIDGE : 0, 0);
  return { type: RTM_GETNEIGH, flags: 0, body: header, what: `list ${table} entries` };
}

export function readNeighbour(reply: NetlinkReply): Neighbour | undefined {
  const found = attributes(reply.body.subarray(12));
  const address = found.get(NDA.dst);
  const mac = found.get(NDA.lladdr);
  if (address === undefined || mac === undefined || mac.length !== 6) return undefined;
  const linkIndex = reply.body.readInt32LE(4);
  return reply.body.readUInt8(0) === AF_BRIDGE
    ? { table: 'forwarding', linkIndex, mac: macText(mac), remote: addressText(address) }
    : { table: 'neighbour', linkIndex, mac: macText(mac), address: addressText(address) };
}

/** struct ndmsg and what follows it. */
function neighbourBody(entry: Neighbour): Buffer {
  const header = Buffer.alloc(12);
  const target = entry.table === 'neighbour' ? entry.address : entry.remote;
  header.writeUInt8(entry.table === 'neighbour' ? familyNumber(familyOf(target)) : AF_BRIDGE, 0);
  header.writeInt32LE(entry.linkIndex, 4);
  header.writeUInt16LE(NUD_PERMANENT, 8);
  header.writeUInt8(entry.table === 'neighbour' ? 0 : NTF_SELF, 10);
  return new BodyWriter().raw(header).bytes(NDA.dst, addressBytes(target)).bytes(NDA.lladdr, macBytes(entry.mac)).finish();
}
