import { randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { CleatError } from '@cleat/schemas';
import type { StreamTicket } from '../plugin.ts';

/** A ticket that nobody uses ends after this long. */
const TICKET_MS = 60_000;
/** A client shows its token at once or is no client. */
const TOKEN_MS = 5_000;
/** Longer than any token. */
const TOKEN_MOST = 128;
/** sun_path of sockaddr_un, with its end. */
const PATH_MOST = 107;
const PREFIX = 'streams-';

type StreamHandler = (connection: Socket) => void | Promise<void>;

interface Offer {
  readonly handler: StreamHandler;
  readonly timer: NodeJS.Timeout;
}

export interface TokenServerOptions {
  readonly directory: string;
  /** Tells this process's socket from an older one's. */
  readonly instance: string;
  readonly onError: (error: unknown) => void;
}

/** One unix socket on which clients get the stream that their token stands for, each token once. Opened with the first offer. */
export class TokenServer {
  readonly #options: TokenServerOptions;
  readonly #offers = new Map<string, Offer>();
  readonly #connections = new Set<Socket>();
  #server: Promise<Server> | undefined;

  constructor(options: TokenServerOptions) {
    this.#options = options;
  }

  get path(): string {
    return join(this.#options.directory, `${PREFIX}${this.#options.instance}.sock`);
  }

  /** Sockets of former processes, which nobody answers any more. */
  removeStale(): void {
    let names: readonly string[] = [];
    try {
      names = readdirSync(this.#options.directory);
    } catch {
      // No directory yet: nothing in it.
    }
    for (const name of names) {
      if (name.startsWith(PREFIX) && name.endsWith('.sock')) rmSync(join(this.#options.directory, name), { force: true });
    }
  }

  /** A place for one client, for a minute. Throws `internal` STREAM_PATH when the directory's path is too long for a socket. */
  async offer(handler: StreamHandler): Promise<StreamTicket> {
    this.#server ??= this.#listen();
    await this.#server;
    const token = randomBytes(24).toString('hex');
    const timer = setTimeout(() => this.#offers.delete(token), TICKET_MS);
    timer.unref();
    this.#offers.set(token, { handler, timer });
    return { socket: this.path, token };
  }

  async close(): Promise<void> {
    for (const { timer } of this.#offers.values()) clearTimeout(timer);
    this.#offers.clear();
    for (const connection of this.#connections) connection.destroy();
    const server = await this.#server?.catch(() => undefined);
    this.#server = undefined;
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #listen(): Promise<Server> {
    const { path } = this;
    if (Buffer.byteLength(path) > PATH_MOST) {
      return Promise.reject(
        new CleatError('internal', 'STREAM_PATH', `${path} is too long for a unix socket`, { hint: 'Use a shorter --run-dir.' }),
      );
    }
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true }, (socket) => this.#onConnection(socket));
      server.once('error', reject);
      rmSync(path, { force: true });
      server.listen(path, () => {
        // Nobody but root may even try a token.
        chmodSync(path, 0o600);
        server.unref();
        server.off('error', reject);
        server.on('error', this.#options.onError);
        resolve(server);
      });
    });
  }

  #onConnection(socket: Socket): void {
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    // What a client does wrong is told by its end; without a listener it would end the process.
    socket.on('error', () => socket.destroy());
    const late = setTimeout(() => socket.destroy(), TOKEN_MS);
    let text = Buffer.alloc(0);
    // Read by hand: a stream that has flowed and was paused would not flow again by itself for the handler's listener.
    const onReadable = (): void => {
      for (let chunk = readChunk(socket); chunk !== undefined; chunk = readChunk(socket)) text = Buffer.concat([text, chunk]);
      const end = text.indexOf(10);
      if (end < 0 && text.length <= TOKEN_MOST) return;
      clearTimeout(late);
      socket.off('readable', onReadable);
      const handler = end < 0 ? undefined : this.#take(text.subarray(0, end));
      if (handler === undefined) {
        socket.destroy();
        return;
      }
      if (end + 1 < text.length) socket.unshift(text.subarray(end + 1));
      void this.#hand(socket, handler);
    };
    socket.on('readable', onReadable);
    socket.once('close', () => clearTimeout(late));
  }

  async #hand(socket: Socket, handler: StreamHandler): Promise<void> {
    try {
      await handler(socket);
    } catch (error) {
      this.#options.onError(error);
      socket.destroy();
    }
  }

  /** Finds a token in a time that says nothing about it. */
  #take(shown: Buffer): StreamHandler | undefined {
    for (const [token, { handler, timer }] of this.#offers) {
      const expected = Buffer.from(token);
      if (expected.length !== shown.length || !timingSafeEqual(expected, shown)) continue;
      clearTimeout(timer);
      this.#offers.delete(token);
      return handler;
    }
    return undefined;
  }
}

function readChunk(socket: Socket): Buffer | undefined {
  const chunk: unknown = socket.read();
  return Buffer.isBuffer(chunk) ? chunk : undefined;
}
