import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CleatError } from '@cleat/schemas';
import type { HandOver } from '@cleat/sdk/connections';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** How the bytes look to the client: Docker's frames, as they are, or an HTTP body in chunks. */
export type Framing = 'docker' | 'raw' | 'chunked';

/** The place of one client at the process that holds the stream. */
export interface Ticket {
  readonly socket: string;
  readonly token: string;
}

export interface PassOn {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Lines of the response head, without the empty one. */
  readonly head: readonly string[];
  readonly ticket: Ticket;
  readonly framing: Framing;
  /** Sent to the client before its connection is passed on: the log so far. */
  readonly first?: Readable | undefined;
}

const CONNECT_MS = 5_000;
/** The stream's number in Docker's frames. */
const STDOUT = 1;

/** The response head of a stream: an upgrade for those who ask for one, else the older answer of the same meaning. */
export function streamHead(request: FastifyRequest, mediaType: string): readonly string[] {
  if (request.headers.upgrade === undefined) return ['HTTP/1.1 200 OK', `Content-Type: ${mediaType}`];
  return ['HTTP/1.1 101 UPGRADED', `Content-Type: ${mediaType}`, 'Connection: Upgrade', `Upgrade: ${request.headers.upgrade}`];
}

/**
 * Takes a client's connection from the HTTP server. Node has no public call for a request that is not an upgrade by its own rules
 * (docker exec sends a body, old clients send no Upgrade at all): the parser loses its listeners, and with them the descriptor.
 */
function detach(socket: Socket): void {
  for (const event of ['data', 'end', 'drain', 'timeout'] as const) socket.removeAllListeners(event);
  // The first listener for data makes Node's parser let go of the handle. Before the pause: else the handle would stay stopped.
  const ignore = (): void => undefined;
  socket.on('data', ignore);
  socket.off('data', ignore);
  socket.pause();
  socket.on('error', () => socket.destroy());
  socket.setTimeout(0);
}

/** What has been read of the client and nobody has taken yet. */
function unread(socket: Socket): Buffer {
  const parts: Buffer[] = [];
  for (;;) {
    const part: unknown = socket.read();
    if (!Buffer.isBuffer(part)) return Buffer.concat(parts);
    parts.push(part);
  }
}

function writeHead(socket: Socket, head: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(`${head.join('\r\n')}\r\n\r\n`, (error) => (error ? reject(error) : resolve()));
  });
}

/** Hands clients to the process that holds a container's streams, or stands between where a descriptor cannot go. */
export class Hijacker {
  readonly #handOver: ((request: HandOver) => Promise<void>) | undefined;
  readonly #stopReading: ((socket: Socket) => void) | undefined;
  readonly #onError: (error: unknown) => void;

  constructor(options: {
    readonly handOver?: ((request: HandOver) => Promise<void>) | undefined;
    readonly stopReading?: ((socket: Socket) => void) | undefined;
    readonly onError: (error: unknown) => void;
  }) {
    this.#handOver = options.handOver;
    this.#stopReading = options.stopReading;
    this.#onError = options.onError;
  }

  /** Resolves when the client is no longer this program's business. Errors after the head has gone out end the connection. */
  async passOn(options: PassOn): Promise<void> {
    const { socket } = options.request.raw;
    options.reply.hijack();
    detach(socket);
    try {
      await writeHead(socket, options.head);
      if (options.first !== undefined) await pipeline(options.first, socket, { end: false });
      if (this.#handOver === undefined || 'encrypted' in socket) await this.#relay(options, socket);
      else await this.#give(options, socket, this.#handOver);
    } catch (error) {
      socket.destroy();
      this.#onError(error);
    }
  }

  /** Instead of a stream: a process that could not be run tells why where its output would be, as clients of Docker expect. */
  async tell(options: Pick<PassOn, 'request' | 'reply' | 'head' | 'framing'>, text: string): Promise<void> {
    const { socket } = options.request.raw;
    options.reply.hijack();
    detach(socket);
    const payload = Buffer.from(`${text}\r\n`);
    const header = Buffer.from([STDOUT, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(payload.length, 4);
    await writeHead(socket, options.head);
    socket.end(options.framing === 'docker' ? Buffer.concat([header, payload]) : payload);
  }

  async #give({ ticket, framing }: PassOn, socket: Socket, handOver: (request: HandOver) => Promise<void>): Promise<void> {
    if (socket.destroyed) return;
    this.#stopReading?.(socket);
    const head = unread(socket);
    const line = JSON.stringify({ token: ticket.token, framing, ...(head.length > 0 ? { head: head.toString('base64') } : {}) });
    await handOver({ path: ticket.socket, line, client: socket });
    // Closes this process's copy of the descriptor; the connection lives on in the other.
    socket.destroy();
  }

  async #relay({ ticket, framing }: PassOn, socket: Socket): Promise<void> {
    const stream = await connectTo(ticket.socket);
    stream.write(`${JSON.stringify({ token: ticket.token, framing })}\n`);
    // Either side may close its half and go on with the other; one that is gone takes the other along.
    socket.pipe(stream);
    stream.pipe(socket);
    stream.once('close', () => (stream.errored === null ? socket.destroySoon() : socket.destroy()));
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    stream.destroy();
  }
}

/** Connects to a unix socket of another plugin, within a time. */
export function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true });
    const timer = setTimeout(
      () => socket.destroy(new CleatError('deadline_exceeded', 'STREAM_SLOW', `${path} does not take the connection`)),
      CONNECT_MS,
    );
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(new CleatError('unavailable', 'STREAM_GONE', `the stream at ${path} cannot be reached: ${error.message}`, { cause: error }));
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}

/** Opens a ticket of a plugin's stream: connect, token, line feed. */
export async function openTicket(ticket: Ticket): Promise<Socket> {
  const socket = await connectTo(ticket.socket);
  socket.write(`${ticket.token}\n`);
  return socket;
}
