import { addressBytes, macBytes, macText } from './address.ts';
import type { NetlinkMessage, NetlinkReply } from './message.ts';
import { attributeString, attributes, attributeU32, BodyWriter, NLM_F_CREATE, NLM_F_EXCL } from './message.ts';

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
/** What bridges listen to for their ports. */
const RTM_SETLINK = 19;

const AF_BRIDGE = 7;
export const IFF_UP = 0x1;

const IFLA = { address: 1, ifname: 3, mtu: 4, link: 5, master: 10, protinfo: 12, linkinfo: 18, netNsFd: 28, group: 27 } as const;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFLA_MACVLAN_MODE = 1;
const IFLA_BRPORT_STATE = 1;
const IFLA_BRPORT_HAIRPIN = 4;
const IFLA_BRPORT_ISOLATED = 33;
const IFLA_BR_STP_STATE = 5;
const IFLA_VXLAN = { id: 1, local: 4, learning: 7, proxy: 11, port: 15, local6: 17 } as const;
const MACVLAN_MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;

export type LinkKind =
  | { readonly kind: 'bridge' }
  | { readonly kind: 'dummy' }
  | { readonly kind: 'veth'; readonly peer: VethPeer }
  | { readonly kind: 'macvlan'; readonly parentIndex: number; readonly mode: keyof typeof MACVLAN_MODES }
  | { readonly kind: 'vxlan'; readonly id: number; readonly port: number; readonly local: string };

/** The other end of a veth pair, put into the namespace behind `netnsFd` as it is made. It starts down: the kernel refuses a peer that is up. */
export interface VethPeer {
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  readonly netnsFd?: number;
}

export interface LinkSpec {
  readonly name: string;
  readonly type: LinkKind;
  readonly mac?: string;
  readonly mtu?: number;
  readonly masterIndex?: number;
  /** Links of one group are deleted together by one message. */
  readonly group?: number;
  readonly isUp?: boolean;
  /** The link itself is made in the namespace behind this descriptor. */
  readonly netnsFd?: number;
}

/** Makes a link; a name that is taken is `NETLINK_EEXIST`. */
export function addLink(spec: LinkSpec): NetlinkMessage {
  const body = new BodyWriter().raw(linkHeader({ isUp: spec.isUp ?? false })).string(IFLA.ifname, spec.name);
  if (spec.mac !== undefined) body.bytes(IFLA.address, macBytes(spec.mac));
  if (spec.mtu !== undefined) body.u32(IFLA.mtu, spec.mtu);
  if (spec.masterIndex !== undefined) body.u32(IFLA.master, spec.masterIndex);
  if (spec.group !== undefined) body.u32(IFLA.group, spec.group);
  if (spec.netnsFd !== undefined) body.u32(IFLA.netNsFd, spec.netnsFd);
  if (spec.type.kind === 'macvlan') body.u32(IFLA.link, spec.type.parentIndex);
  body.nest(IFLA.linkinfo, (info) => writeKind(info, spec.type));
  return { type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, body: body.finish(), what: `add ${spec.type.kind} link ${spec.name}` };
}

function writeKind(info: BodyWriter, type: LinkKind): void {
  info.string(IFLA_INFO_KIND, type.kind);
  switch (type.kind) {
    case 'bridge':
      // Spanning tree would hold back a port's first packets for its forward delay.
      info.nest(IFLA_INFO_DATA, (data) => data.u32(IFLA_BR_STP_STATE, 0));
      return;
    case 'dummy':
      return;
    case 'veth':
      info.nest(IFLA_INFO_DATA, (data) => data.nest(VETH_INFO_PEER, (peer) => writePeer(peer, type.peer)));
      return;
    case 'macvlan':
      info.nest(IFLA_INFO_DATA, (data) => data.u32(IFLA_MACVLAN_MODE, MACVLAN_MODES[type.mode]));
      return;
    case 'vxlan':
      info.nest(IFLA_INFO_DATA, (data) => {
        const local = addressBytes(type.local);
        data.u32(IFLA_VXLAN.id, type.id).u16be(IFLA_VXLAN.port, type.port);
        data.bytes(local.length === 4 ? IFLA_VXLAN.local : IFLA_VXLAN.local6, local);
        data.u8(IFLA_VXLAN.learning, 0).u8(IFLA_VXLAN.proxy, 1);
      });
      return;
  }
}

function writePeer(body: BodyWriter, peer: VethPeer): void {
  body.raw(linkHeader({})).string(IFLA.ifname, peer.name);
  if (peer.mac !== undefined) body.bytes(IFLA.address, macBytes(peer.mac));
  if (peer.mtu !== undefined) body.u32(IFLA.mtu, peer.mtu);
  if (peer.netnsFd !== undefined) body.u32(IFLA.netNsFd, peer.netnsFd);
}

export interface LinkChange {
  readonly isUp?: boolean;
  /** 0 takes the link out of its bridge. */
  readonly masterIndex?: number;
  readonly group?: number;
  readonly mac?: string;
  readonly mtu?: number;
  readonly name?: string;
  readonly netnsFd?: number;
}

/** Changes an existing link. Most drivers refuse a new name while the link is up. */
export function setLink(index: number, change: LinkChange): NetlinkMessage {
  const body = new BodyWriter().raw(linkHeader(change.isUp === undefined ? { index } : { index, isUp: change.isUp }));
  if (change.name !== undefined) body.string(IFLA.ifname, change.name);
  if (change.mac !== undefined) body.bytes(IFLA.address, macBytes(change.mac));
  if (change.mtu !== undefined) body.u32(IFLA.mtu, change.mtu);
  if (change.masterIndex !== undefined) body.u32(IFLA.master, change.masterIndex);
  if (change.group !== undefined) body.u32(IFLA.group, change.group);
  if (change.netnsFd !== undefined) body.u32(IFLA.netNsFd, change.netnsFd);
  return { type: RTM_NEWLINK, flags: 0, body: body.finish(), what: `set link ${index}` };
}

export interface BridgePortChange {
  /** Ports that are isolated reach only those that are not. */
  readonly isIsolated?: boolean;
  /** Sends a frame back out of the port that it came from. */
  readonly isHairpin?: boolean;
  /** Stops all forwarding through the port, at once. */
  readonly isDisabled?: boolean;
}

/** Changes what a bridge does with a port of its. */
export function setBridgePort(index: number, change: BridgePortChange): NetlinkMessage {
  const body = new BodyWriter().raw(linkHeader({ index, family: AF_BRIDGE }));
  body.nest(IFLA.protinfo, (port) => {
    if (change.isDisabled !== undefined) port.u8(IFLA_BRPORT_STATE, change.isDisabled ? 0 : 3);
    if (change.isHairpin !== undefined) port.u8(IFLA_BRPORT_HAIRPIN, change.isHairpin ? 1 : 0);
    if (change.isIsolated !== undefined) port.u8(IFLA_BRPORT_ISOLATED, change.isIsolated ? 1 : 0);
  });
  return { type: RTM_SETLINK, flags: 0, body: body.finish(), what: `set bridge port ${index}` };
}

/** Deletes a link. It waits in the kernel for a grace period (some 20 ms). */
export function deleteLink(index: number): NetlinkMessage {
  return { type: RTM_DELLINK, flags: 0, body: linkHeader({ index }), what: `delete link ${index}` };
}

/** Deletes every link of a group in one grace period; no such link is `NETLINK_ENODEV`. */
export function deleteLinkGroup(group: number): NetlinkMessage {
  const body = new BodyWriter().raw(linkHeader({})).u32(IFLA.group, group).finish();
  return { type: RTM_DELLINK, flags: 0, body, what: `delete link group ${group}` };
}

/** Asks for one link by name, or for all of them in a dump. */
export function getLink(name?: string): NetlinkMessage {
  const body = new BodyWriter().raw(linkHeader({}));
  if (name !== undefined) body.string(IFLA.ifname, name);
  return { type: RTM_GETLINK, flags: 0, body: body.finish(), what: name === undefined ? 'list links' : `find link ${name}` };
}

export interface Link {
  readonly index: number;
  readonly name: string;
  /** `bridge`, `veth`, ...; absent for a physical device and for loopback. */
  readonly kind: string | undefined;
  readonly isUp: boolean;
  readonly mac: string | undefined;
  readonly mtu: number;
  readonly masterIndex: number | undefined;
  /** Of a veth the index of its peer, of a macvlan that of its parent, in that link's own namespace. */
  readonly linkIndex: number | undefined;
  readonly group: number;
}

export function readLink(reply: NetlinkReply): Link {
  const { body } = reply;
  const found = attributes(body.subarray(16));
  const info = found.get(IFLA.linkinfo);
  const mac = found.get(IFLA.address);
  return {
    index: body.readInt32LE(4),
    name: attributeString(found.get(IFLA.ifname)) ?? '',
    kind: info === undefined ? undefined : attributeString(attributes(info).get(IFLA_INFO_KIND)),
    isUp: (body.readUInt32LE(8) & IFF_UP) !== 0,
    mac: mac === undefined || mac.length !== 6 ? undefined : macText(mac),
    mtu: attributeU32(found.get(IFLA.mtu)) ?? 0,
    masterIndex: attributeU32(found.get(IFLA.master)),
    linkIndex: attributeU32(found.get(IFLA.link)),
    group: attributeU32(found.get(IFLA.group)) ?? 0,
  };
}

interface LinkHeader {
  readonly family?: number;
  readonly index?: number;
  readonly isUp?: boolean;
}

/** struct ifinfomsg. */
function linkHeader(fields: LinkHeader): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt8(fields.family ?? 0, 0);
  header.writeInt32LE(fields.index ?? 0, 4);
  if (fields.isUp !== undefined) {
    header.writeUInt32LE(fields.isUp ? IFF_UP : 0, 8);
    header.writeUInt32LE(IFF_UP, 12);
  }
  return header;
}
