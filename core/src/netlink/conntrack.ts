import { addressBytes } from './address.ts';
import type { NetlinkMessage } from './message.ts';
import { BodyWriter } from './message.ts';
import { isNetlinkErrno } from './netlink-error.ts';
import { NetlinkSocket } from './netlink-socket.ts';
import { NETLINK_NETFILTER, NFPROTO, netfilterHeader, netfilterMessage } from './nfnetlink.ts';
import { protocolNumber } from './nftables-key.ts';

const SUBSYSTEM = 1;
const IPCTNL_MSG_CT_DELETE = 2;
const CTA = { tupleOriginal: 1, tupleReply: 2, filter: 25 } as const;
const CTA_TUPLE = { ip: 1, protocol: 2 } as const;
const CTA_IP_SOURCE = { v4: 1, v6: 3 } as const;
const CTA_PROTO = { number: 1, sourcePort: 2 } as const;
const CTA_FILTER = { original: 1, reply: 2 } as const;
const FILTER_IP_SOURCE = 1 << 0;
const FILTER_PROTOCOL = 1 << 3;
const FILTER_SOURCE_PORT = 1 << 4;

/** Which flows: those that `address` began (`original`), or those whose answers come from it (`reply`: all that NAT sent there). */
export interface FlowFilter {
  readonly direction: 'original' | 'reply';
  readonly address: string;
  /** Only flows of this protocol and port at `address`. */
  readonly service?: { readonly protocol: string; readonly port: number };
}

/** Connection tracking of the network namespace in which it was opened. */
export class Conntrack {
  readonly #socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  static open(): Conntrack {
    return new Conntrack(NetlinkSocket.open(NETLINK_NETFILTER));
  }

  /** Forgets the flows that a filter names, so that their next packet is judged and translated anew. The kernel (5.8 or newer) does the walk. */
  forget(filters: readonly FlowFilter[]): void {
    for (const filter of filters) {
      try {
        this.#socket.execute([deleteFlows(filter)]);
      } catch (error) {
        if (!isNetlinkErrno(error, 'ENOENT')) throw error;
      }
    }
  }

  close(): void {
    this.#socket.close();
  }
}

function deleteFlows(filter: FlowFilter): NetlinkMessage {
  const bytes = addressBytes(filter.address);
  const isV4 = bytes.length === 4;
  const body = new BodyWriter().raw(netfilterHeader(isV4 ? NFPROTO.ip : NFPROTO.ip6));
  body.nest(filter.direction === 'original' ? CTA.tupleOriginal : CTA.tupleReply, (tuple) => {
    tuple.nest(CTA_TUPLE.ip, (ip) => void ip.bytes(isV4 ? CTA_IP_SOURCE.v4 : CTA_IP_SOURCE.v6, bytes));
    const { service } = filter;
    if (service !== undefined) {
      tuple.nest(
        CTA_TUPLE.protocol,
        (protocol) => void protocol.u8(CTA_PROTO.number, protocolNumber(service.protocol)).u16be(CTA_PROTO.sourcePort, service.port),
      );
    }
  });
  const flags = filter.service === undefined ? FILTER_IP_SOURCE : FILTER_IP_SOURCE | FILTER_PROTOCOL | FILTER_SOURCE_PORT;
  body.nest(CTA.filter, (inner) => {
    // Both words must be there: without the second the kernel compares with every field of the tuple.
    inner
      .u32(CTA_FILTER.original, filter.direction === 'original' ? flags : 0)
      .u32(CTA_FILTER.reply, filter.direction === 'reply' ? flags : 0);
  });
  return netfilterMessage(SUBSYSTEM, IPCTNL_MSG_CT_DELETE, 0, body, `forget flows of ${filter.address}`);
}
