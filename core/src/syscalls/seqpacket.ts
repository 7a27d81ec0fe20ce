import { Socket } from 'node:net';
import { errnoOf } from './errno.ts';
import { bind, checked } from './libc.ts';
import { connectUnix } from './socket-addresses.ts';
import { AF_UNIX, closeDescriptor, rawSocket, recv, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_SEQPACKET, SOCK_STREAM } from './sockets.ts';

const dupCall = bind<[number, number, number]>('int dup3(int from, int to, int flags)');

/** Enough for any packet of a monitor (8193 bytes) with room for later ones. */
const PACKET_LIMIT = 65536;

/**
 * A connection to a SOCK_SEQPACKET socket, read through an ordinary net.Socket: each 'data' event is one packet, as long as nobody
 * pauses it and calls read().
 *
 * On hang-up libuv takes a short read (any packet) for the end and leaves what is queued behind it, so at 'end', 'error' or 'close'
 * call `drain` for the packets that are still there. A write is one packet only if the one before has called back.
 */
export class SeqpacketConnection {
  readonly socket: Socket;
  readonly #fd: number;
  #isOpen = true;

  constructor(socket: Socket, fd: number) {
    this.socket = socket;
    this.#fd = fd;
    socket.once('close', () => {
      // After the other listeners of 'close', which may still want to drain.
      process.nextTick(() => {
        this.#isOpen = false;
        closeDescriptor(fd);
      });
    });
  }

  /** The packets that libuv has left in the socket, in order; empty when there are none or the connection is closed. */
  drain(): Buffer[] {
    const packets: Buffer[] = [];
    const buffer = Buffer.allocUnsafeSlow(PACKET_LIMIT);
    for (;;) {
      const length = this.#isOpen ? receive(this.#fd, buffer) : 0;
      if (length === 0) return packets;
      packets.push(Buffer.from(buffer.subarray(0, length)));
    }
  }
}

/** 0 when there is nothing more. */
function receive(fd: number, buffer: Buffer): number {
  for (;;) {
    try {
      return recv(fd, buffer) ?? 0;
    } catch (error) {
      // A peer that closed with our data unread resets the connection: reported once, ahead of what it has sent.
      if (errnoOf(error) !== 'ECONNRESET') throw error;
    }
  }
}

/** Connects to the SOCK_SEQPACKET socket at `path`. Never waits: a full backlog is EAGAIN. */
export function connectSeqpacket(path: string): SeqpacketConnection {
  const fd = rawSocket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK);
  try {
    connectUnix(fd, path);
    return new SeqpacketConnection(adopt(fd), fd);
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

/**
 * net.Socket refuses a SEQPACKET descriptor, so it is given a stream socket, which is replaced under the same number before the
 * loop has looked at it. Our own descriptor stays open beside it: an error closes libuv's before anybody could drain.
 */
function adopt(fd: number): Socket {
  const placeholder = rawSocket(AF_UNIX, SOCK_STREAM);
  const socket = new Socket({ fd: placeholder, allowHalfOpen: true });
  try {
    checked(dupCall(fd, placeholder, SOCK_CLOEXEC), 'dup3', `to descriptor ${placeholder}`);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}
