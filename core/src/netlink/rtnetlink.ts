import type { Link } from './link.ts';
import { getLink, RTM_NEWLINK, readLink } from './link.ts';
import type { NetlinkMessage } from './message.ts';
import { isNetlinkErrno } from './netlink-error.ts';
import { NetlinkSocket } from './netlink-socket.ts';
import type { InterfaceAddress, Neighbour, Route } from './route.ts';
import {
  getAddresses,
  getNeighbours,
  getRoutes,
  RTM_NEWADDR,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
  readAddress,
  readNeighbour,
  readRoute,
} from './route.ts';

const NETLINK_ROUTE = 0;

/** Links, addresses, routes and neighbours of the network namespace in which it was opened. Every call is synchronous. */
export class Rtnetlink {
  readonly #socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  static open(): Rtnetlink {
    return new Rtnetlink(NetlinkSocket.open(NETLINK_ROUTE));
  }

  /** Does all messages in one datagram; when some fail the error is that of the first, and the others are done. */
  execute(...messages: readonly NetlinkMessage[]): void {
    this.#socket.execute(messages);
  }

  links(): readonly Link[] {
    return this.#socket
      .dump(getLink())
      .filter((reply) => reply.type === RTM_NEWLINK)
      .map(readLink);
  }

  link(name: string): Link | undefined {
    try {
      return readLink(this.#socket.request(getLink(name)));
    } catch (error) {
      if (isNetlinkErrno(error, 'ENODEV')) return undefined;
      throw error;
    }
  }

  addresses(): readonly InterfaceAddress[] {
    const replies = this.#socket.dump(getAddresses()).filter((reply) => reply.type === RTM_NEWADDR);
    return replies.map(readAddress).filter((entry) => entry !== undefined);
  }

  /** Routes of all tables that lead somewhere (not the local and broadcast ones). */
  routes(): readonly Route[] {
    const replies = this.#socket.dump(getRoutes()).filter((reply) => reply.type === RTM_NEWROUTE);
    return replies.map(readRoute).filter((route) => route !== undefined);
  }

  neighbours(table: Neighbour['table']): readonly Neighbour[] {
    const replies = this.#socket.dump(getNeighbours(table)).filter((reply) => reply.type === RTM_NEWNEIGH);
    return replies.map(readNeighbour).filter((entry) => entry !== undefined);
  }

  close(): void {
    this.#socket.close();
  }
}
