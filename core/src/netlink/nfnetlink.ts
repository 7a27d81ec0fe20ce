import type { BodyWriter, NetlinkMessage } from './message.ts';

export const NETLINK_NETFILTER = 12;

/** Address families as netfilter counts them. `inet` is a table for both IPv4 and IPv6. */
export const NFPROTO = { unspec: 0, inet: 1, ip: 2, ip6: 10 } as const;
export type NetfilterFamily = keyof typeof NFPROTO;

const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFNL_SUBSYS_NFTABLES = 10;

/** struct nfgenmsg. */
export function netfilterHeader(family: number, resource = 0): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt8(family, 0);
  header.writeUInt16BE(resource, 2);
  return header;
}

export function netfilterMessage(subsystem: number, operation: number, flags: number, body: BodyWriter, what: string): NetlinkMessage {
  return { type: (subsystem << 8) | operation, flags, body: body.finish(), what };
}

/** The two messages around a transaction of nftables. */
export const NFTABLES_BEGIN: NetlinkMessage = {
  type: NFNL_MSG_BATCH_BEGIN,
  flags: 0,
  body: netfilterHeader(0, NFNL_SUBSYS_NFTABLES),
  what: 'begin transaction',
};
export const NFTABLES_END: NetlinkMessage = { ...NFTABLES_BEGIN, type: NFNL_MSG_BATCH_END, what: 'end transaction' };
