import { CleatError } from '@cleat/schemas';
import type { NetlinkMessage, NetlinkReply } from './message.ts';
import { decodeDatagram, encodeDatagram, NLM_F_ACK, NLM_F_DUMP, NLM_F_MULTI, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP } from './message.ts';
import { netlinkError, readStatus } from './netlink-error.ts';
import type { NetlinkTransport } from './transport.ts';
import { openTransport } from './transport.ts';

const NLM_F_DUMP_INTR = 0x10;
/** A dump that the kernel says was disturbed is read again this often; then the last reading is taken. */
const DUMP_ATTEMPTS = 3;

/**
 * A netlink socket used in turns: a request is sent and its answer read before the call returns. The kernel answers within
 * the send, so nothing is waited for. The socket belongs for ever to the network namespace in which it was opened.
 */
export class NetlinkSocket {
  readonly #transport: NetlinkTransport;
  #sequence = 1;

  private constructor(transport: NetlinkTransport) {
    this.#transport = transport;
  }

  /** A socket of that protocol (NETLINK_ROUTE, NETLINK_NETFILTER) in the namespace of the calling thread. */
  static open(protocol: number): NetlinkSocket {
    return new NetlinkSocket(openTransport(protocol));
  }

  /** Sends the messages as one datagram; all are done, or the error is that of the first that failed (later ones are still tried). */
  execute(messages: readonly NetlinkMessage[]): void {
    if (messages.length === 0) return;
    const first = this.#take(messages.length);
    this.#transport.send(encodeDatagram(messages, first, NLM_F_ACK));
    this.#acknowledged(first, messages);
  }

  /** Sends one message whose answer is a single message and gives that answer. */
  request(message: NetlinkMessage): NetlinkReply {
    const sequence = this.#take(1);
    this.#transport.send(encodeDatagram([message], sequence, 0));
    for (;;) {
      for (const reply of this.#receive(message.what)) {
        if (reply.sequence !== sequence) continue;
        if (reply.type !== NLMSG_ERROR) return reply;
        const status = readStatus(reply);
        if (status.errno !== 0) throw netlinkError(message.what, status);
      }
    }
  }

  /** Asks for a list and gives all of it. */
  dump(message: NetlinkMessage): readonly NetlinkReply[] {
    for (let attempt = 1; ; attempt += 1) {
      const { replies, disturbed } = this.#dumpOnce(message);
      if (!disturbed || attempt === DUMP_ATTEMPTS) return replies;
    }
  }

  /**
   * Sends a transaction of nfnetlink: `begin` and `end` get no answer of their own, each message between them one; the kernel
   * does all of them or none. The error is that of the first message that was refused.
   */
  transact(begin: NetlinkMessage, messages: readonly NetlinkMessage[], end: NetlinkMessage): void {
    if (messages.length === 0) return;
    const first = this.#take(messages.length + 2);
    const parts = [
      encodeDatagram([begin], first, 0),
      encodeDatagram(messages, first + 1, NLM_F_ACK),
      encodeDatagram([end], first + 1 + messages.length, 0),
    ];
    this.#transport.send(Buffer.concat(parts));
    this.#acknowledged(first + 1, messages);
  }

  close(): void {
    this.#transport.close();
  }

  #dumpOnce(message: NetlinkMessage): { replies: NetlinkReply[]; disturbed: boolean } {
    const sequence = this.#take(1);
    this.#transport.send(encodeDatagram([message], sequence, NLM_F_DUMP));
    const replies: NetlinkReply[] = [];
    let disturbed = false;
    for (;;) {
      for (const reply of this.#receive(message.what)) {
        if (reply.sequence !== sequence) continue;
        if ((reply.flags & NLM_F_DUMP_INTR) !== 0) disturbed = true;
        if (reply.type === NLMSG_DONE) return { replies, disturbed };
        if (reply.type === NLMSG_ERROR) throw netlinkError(message.what, readStatus(reply));
        if (reply.type !== NLMSG_NOOP) replies.push(reply);
        if ((reply.flags & NLM_F_MULTI) === 0) return { replies, disturbed };
      }
    }
  }

  /** Reads one answer for each message, then throws the first refusal. */
  #acknowledged(first: number, messages: readonly NetlinkMessage[]): void {
    let refusal: CleatError | undefined;
    for (let seen = 0; seen < messages.length; ) {
      for (const reply of this.#receive(messages[0]?.what ?? 'netlink request')) {
        if (reply.type !== NLMSG_ERROR) continue;
        const status = readStatus(reply);
        // A transaction that fails as a whole is answered under the sequence of its begin.
        if (reply.sequence === first - 1 && status.errno !== 0) throw netlinkError('commit the transaction', status);
        const message = messages[reply.sequence - first];
        if (message === undefined) continue;
        seen += 1;
        if (status.errno !== 0) refusal ??= netlinkError(message.what, status);
      }
    }
    if (refusal !== undefined) throw refusal;
  }

  #receive(what: string): readonly NetlinkReply[] {
    const datagram = this.#transport.receive();
    if (datagram === undefined) {
      throw new CleatError('internal', 'NETLINK_NO_ANSWER', `cannot ${what}: the kernel did not answer`);
    }
    return decodeDatagram(datagram);
  }

  #take(count: number): number {
    // Kept well inside 32 bits so that the sequences of one datagram never wrap.
    if (this.#sequence + count > 0x7fffffff) this.#sequence = 1;
    const first = this.#sequence;
    this.#sequence += count;
    return first;
  }
}
