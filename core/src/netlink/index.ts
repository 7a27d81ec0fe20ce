export type { IpFamily } from './address.ts';
export { addressBytes, addressText, familyOf, macBytes, macText } from './address.ts';
export type { FlowFilter } from './conntrack.ts';
export { Conntrack } from './conntrack.ts';
export type { BridgePortChange, Link, LinkChange, LinkKind, LinkSpec, VethPeer } from './link.ts';
export { addLink, deleteLink, deleteLinkGroup, setBridgePort, setLink } from './link.ts';
export type { NetlinkMessage } from './message.ts';
export { isNetlinkErrno } from './netlink-error.ts';
export type { NetfilterFamily } from './nfnetlink.ts';
export { NFPROTO } from './nfnetlink.ts';
export type { BaseChain, ElementValue, SetElement, TableName } from './nftables.ts';
export {
  addBaseChain,
  addElements,
  addNewTable,
  addRule,
  addTable,
  deleteElements,
  deleteTable,
  Nftables,
} from './nftables.ts';
export type { Expression } from './nftables-expression.ts';
export { expectEqual, loadPayload, loadProtocol, redirectTo } from './nftables-expression.ts';
export type { AddressRange, KeyPart } from './nftables-key.ts';
export { key, keyBytes, protocolNumber, subnetRange } from './nftables-key.ts';
export type { InterfaceAddress, Neighbour, Route } from './route.ts';
export {
  addAddress,
  addNeighbour,
  addRoute,
  deleteAddress,
  deleteNeighbour,
  deleteRoute,
  replaceRoute,
} from './route.ts';
export { Rtnetlink } from './rtnetlink.ts';
