import { CleatError } from '@cleat/schemas';
import {
  AF_NETLINK,
  closeDescriptor,
  MSG_TRUNC,
  rawSocket,
  recv,
  SO_RCVBUF,
  SOCK_RAW,
  SOL_NETLINK,
  SOL_SOCKET,
  send,
  setReceiveTimeout,
  setSocketOption,
} from '../syscalls/sockets.ts';

const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
/** The kernel answers within the send; the limit only keeps a kernel that does not from holding the process for ever. */
const ANSWER_LIMIT_MS = 5000;
/** Answers to one large transaction wait in the socket's buffer until they are read. */
const RECEIVE_BUFFER_BYTES = 1 << 20;
const DATAGRAM_BYTES = 1 << 16;

/** One netlink descriptor: whole datagrams out and in. */
export interface NetlinkTransport {
  send(datagram: Buffer): void;
  /** The next datagram; undefined when none came in time. */
  receive(): Buffer | undefined;
  close(): void;
}

let scratch: Buffer | undefined;

export function openTransport(protocol: number): NetlinkTransport {
  const fd = rawSocket(AF_NETLINK, SOCK_RAW, protocol);
  try {
    setSocketOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
    setSocketOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
    setSocketOption(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
    setReceiveTimeout(fd, ANSWER_LIMIT_MS);
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
  let isOpen = true;
  return {
    send: (datagram) => void send(fd, datagram, 0),
    receive: () => receiveDatagram(fd),
    close: () => {
      if (isOpen) closeDescriptor(fd);
      isOpen = false;
    },
  };
}

function receiveDatagram(fd: number): Buffer | undefined {
  scratch ??= Buffer.allocUnsafeSlow(DATAGRAM_BYTES);
  const length = recv(fd, scratch, MSG_TRUNC);
  if (length === undefined) return undefined;
  if (length > scratch.length) {
    throw new CleatError('internal', 'NETLINK_ANSWER_TOO_LONG', `an answer of ${length} bytes does not fit ${scratch.length}`);
  }
  return Buffer.from(scratch.subarray(0, length));
}
