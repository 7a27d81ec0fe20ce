// What a plugin that serves clients needs beyond node:net: who they are, and passing one on to the process that holds its stream.
import type { Socket } from 'node:net';
import {
  AF_UNIX,
  closeDescriptor,
  connectUnix,
  descriptorOf,
  peerCredentials,
  rawSocket,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  send,
  sendFds,
} from '@cleat/core/syscalls';
import { CleatError } from '@cleat/schemas';

/** Long enough for a process that is busy; the buffer of a unix socket takes a hand-over at once. */
const HAND_OVER_MS = 5_000;

/** The uid of the process at the other end of a unix socket when it connected; undefined for any other connection. */
export function peerUid(socket: Socket): number | undefined {
  // TCP has a remote address; a unix client has none.
  if (socket.remoteAddress !== undefined) return undefined;
  return peerCredentials(descriptorOf(socket)).uid;
}

export interface HandOver {
  /** Unix socket of the process that takes the client. */
  readonly path: string;
  /** Sent with the descriptor; a line feed is added. */
  readonly line: string;
  /** Its descriptor is copied; the caller destroys the socket afterwards and must have stopped reading before. */
  readonly client: Socket;
}

/**
 * Gives a client's connection to another process of this node (SCM_RIGHTS), which then talks to the client itself.
 *
 * @throws CleatError of the failing system call: the client is still the caller's.
 */
export async function handOver(request: HandOver): Promise<void> {
  const fd = rawSocket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  try {
    connectUnix(fd, request.path);
    const data = Buffer.from(`${request.line}\n`);
    const deadline = performance.now() + HAND_OVER_MS;
    let sent = sendFds(fd, data, [descriptorOf(request.client)]) ?? 0;
    while (sent < data.length) {
      if (performance.now() > deadline) {
        throw new CleatError('deadline_exceeded', 'HAND_OVER_SLOW', `${request.path} does not take the connection`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
      sent += sent === 0 ? (sendFds(fd, data, [descriptorOf(request.client)]) ?? 0) : (send(fd, data.subarray(sent)) ?? 0);
    }
  } finally {
    closeDescriptor(fd);
  }
}

/**
 * Stops reading from a connection at once. `pause` alone lets Node read on into its own buffer, and what has been read there is lost
 * to the process that gets the descriptor.
 */
export function stopReading(socket: Socket): void {
  socket.pause();
  const handle: unknown = Reflect.get(socket, '_handle');
  const stop: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'readStop') : undefined;
  if (typeof stop === 'function') Reflect.apply(stop, handle, []);
}
