import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { isCleatError } from '@cleat/schemas';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import type { Backend } from './backend.ts';
import { errorAnswer } from './errors.ts';
import { sendText } from './reply.ts';
import { openScope } from './scope.ts';
import { checkVersion, NEWEST, splitVersion, type VersionedUrl } from './versions/version.ts';

/** As Go's server: registry credentials come in headers. */
const MAX_HEADER_BYTES = 1024 * 1024;
/** Idle connections are dropped late: a client that has just sent a request must not lose the race. */
const KEEP_ALIVE_MS = 15 * 60_000;
const HEADERS_MS = 60_000;
const CLOSE_MS = 2_000;

/** Where clients connect: an inherited descriptor, a unix socket, or a TCP address. */
export type Listen =
  | { readonly kind: 'fd'; readonly fd: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export interface ApiServerOptions {
  readonly backend: Backend;
  readonly version: string;
  /** The uid of a unix client, or undefined. */
  readonly peerUid: (socket: Socket) => number | undefined;
  readonly routes: readonly ((app: FastifyInstance) => void)[];
}

/** The HTTP server of the Engine API: any number of listening sockets before one table of routes. */
export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #app: FastifyInstance;
  readonly #servers: Server[] = [];
  readonly #principals = new WeakMap<Socket, string>();
  #handler: RequestListener = (_request, response) => response.writeHead(503).end();

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#app = fastify({
      logger: false,
      exposeHeadRoutes: false,
      routerOptions: { ignoreTrailingSlash: true, maxParamLength: 4096 },
      // A path that cannot be read never reaches a route.
      frameworkErrors: (error, _request, reply) => {
        sendMessage(reply, error.statusCode ?? 400, error.message);
      },
      rewriteUrl: (request) => splitVersion(request.url ?? '/').url,
      serverFactory: (handler) => {
        this.#handler = handler;
        // Never listens itself: one server of Node's has one socket, and there may be several.
        return createServer();
      },
    });
    this.#prepare();
    for (const route of options.routes) route(this.#app);
  }

  /** Bodies are read by the handlers: JSON with its limits, archives as a stream. */
  #prepare(): void {
    const app = this.#app;
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    app.addHook('onRequest', (request, reply, done) => {
      const asked = splitVersion(request.originalUrl);
      this.#open(request, reply, asked);
      done();
    });
    app.setNotFoundHandler((_request, reply) => sendMessage(reply, 404, 'page not found'));
    app.setErrorHandler((error, request, reply) => {
      const answer = errorAnswer(error);
      // Of a client that is gone there is nothing to tell.
      if (answer.status === 500 && !request.raw.destroyed) this.#logFailure(request.method, request.url, error);
      return sendMessage(reply, answer.status, answer.message);
    });
  }

  #open(request: Parameters<typeof openScope>[0], reply: Parameters<typeof openScope>[1], asked: VersionedUrl): void {
    // HTTP header names as Docker writes them.
    reply.headers({
      'Api-Version': NEWEST,
      'Docker-Experimental': 'false',
      Ostype: 'linux',
      Server: `Cleat/${this.#options.version} (linux)`,
    });
    openScope(request, reply, {
      version: asked.version,
      principal: this.#principals.get(request.raw.socket) ?? '',
      backend: this.#options.backend,
    });
    checkVersion(asked);
  }

  /** What the platform says of itself is told in a line; what nobody expected, with where it came from. */
  #logFailure(method: string, url: string, error: unknown): void {
    const { log } = this.#options.backend;
    if (isCleatError(error)) log.warn('a request failed', { method, url, code: error.code, reason: error.message });
    else log.error('a request failed', { method, url, error });
  }

  async ready(): Promise<void> {
    await this.#app.ready();
  }

  /** Opens one listening socket. */
  async listen(where: Listen): Promise<void> {
    const server = createServer(
      { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_MS, requestTimeout: 0 },
      this.#handler,
    );
    server.on('connection', (socket: Socket) => this.#identify(socket));
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseMalformed(error, socket));
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(where.kind === 'fd' ? { fd: where.fd } : where.kind === 'unix' ? { path: where.path } : where, () => {
        server.off('error', reject);
        resolve();
      });
    });
  }

  #identify(socket: Socket): void {
    try {
      const uid = this.#options.peerUid(socket);
      this.#principals.set(socket, uid === undefined ? `tcp:${socket.remoteAddress ?? 'unknown'}` : `uid:${uid}`);
    } catch (error) {
      // Gone before it could be asked; its requests, if any, are nobody's.
      this.#options.backend.log.debug('a client could not be identified', { error });
    }
  }

  /** No new client; those with a request get a moment, then the connections are cut. */
  async close(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const server of this.#servers) server.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const server of this.#servers) server.closeAllConnections();
    }, CLOSE_MS);
    await Promise.all(closed);
    clearTimeout(timer);
    await this.#app.close();
  }

  /** Ports of the TCP listeners, for tests. */
  get addresses(): readonly ReturnType<Server['address']>[] {
    return this.#servers.map((server) => server.address());
  }
}

/** As bytes: see sendText. */
function sendMessage(reply: FastifyReply, status: number, message: string): FastifyReply {
  return sendText(reply, `${JSON.stringify({ message })}\n`, status);
}

/** What is not HTTP gets an answer all the same, if the client can still be written to. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: { writable: boolean; end(text: string): void; destroy(): void }): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const body = `${JSON.stringify({ message: `malformed HTTP request: ${error.message}` })}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
