import { connect, type Socket } from 'node:net';
import { CleatError } from '@cleat/schemas';
import type { StreamTicket } from '../plugin.ts';

/** The socket is on this host: what takes longer than this is not there. */
const CONNECT_MS = 5_000;

/**
 * Opens the stream of a ticket. Half-open: `end()` says that nothing more will be sent, and what comes is still read.
 *
 * @throws CleatError `unavailable` STREAM_GONE: whoever offered it has ended, or the ticket is too old. A ticket that was
 * used already gives a stream that ends at once.
 */
export function openStream(ticket: StreamTicket, options: { readonly signal?: AbortSignal } = {}): Promise<Socket> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({ path: ticket.socket, allowHalfOpen: true });
    const timer = setTimeout(() => fail(new Error('it does not take connections')), CONNECT_MS);
    const leave = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', fail);
    };
    const fail = (cause: Error): void => {
      leave();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(new CleatError('unavailable', 'STREAM_GONE', `the stream at ${ticket.socket} cannot be opened: ${cause.message}`, { cause }));
    };
    const onAbort = (): void => {
      leave();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(signal?.reason);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      leave();
      socket.write(`${ticket.token}\n`);
      resolve(socket);
    });
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
