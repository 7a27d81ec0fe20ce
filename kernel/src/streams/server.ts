import { createServer, type Server, Socket } from 'node:net';
import { closeDescriptor } from '@cleat/core/syscalls';
import { toCleatError } from '@cleat/schemas';
import { firstLine } from './first-line.ts';
import { Hub } from './hub.ts';
import { Fields, LineSplitter, parseClientLine, parseRequest, violation } from './messages.ts';
import { type Answer, type HelloAnswer, PROTOCOL_VERSION, type Request, type SessionsEvent } from './protocol.ts';

export interface ServerOptions {
  /** A listening Unix socket. */
  readonly listenFd: number;
  readonly spoolDirectory: string;
  /** How long it may be idle before `onIdle`. */
  readonly idleMs: number;
  readonly onIdle: () => void;
  readonly onError: (error: unknown) => void;
}

/** The socket of `streams`: a kernel's control connection, and clients with tickets. */
export class StreamsServer {
  readonly #options: ServerOptions;
  readonly #server: Server;
  readonly #hub: Hub;
  readonly #idleTimer: NodeJS.Timeout;
  #control: Socket | undefined;
  #usedAt = performance.now();

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#hub = new Hub({
      spoolDirectory: options.spoolDirectory,
      onSessions: (target, sessions) => {
        this.#used();
        if (this.#control !== undefined) send(this.#control, { event: 'sessions', target, sessions });
      },
    });
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      this.#greet(socket).catch((error: unknown) => {
        socket.destroy();
        options.onError(error);
      });
    });
    this.#server.listen({ fd: options.listenFd });
    this.#idleTimer = setInterval(() => {
      this.#checkIdle();
    }, options.idleMs / 4);
  }

  #used(): void {
    this.#usedAt = performance.now();
  }

  #checkIdle(): void {
    if (!this.#hub.isEmpty) this.#used();
    if (performance.now() - this.#usedAt < this.#options.idleMs) return;
    clearInterval(this.#idleTimer);
    this.#server.close();
    this.#options.onIdle();
  }

  async #greet(socket: Socket): Promise<void> {
    const { line, rest, fd } = await firstLine(socket);
    let handedOver = fd;
    try {
      this.#used();
      const fields = new Fields(line);
      if (fields.has('hello')) {
        this.#startControl(socket, fields, rest);
        return;
      }
      const { token, framing, head = '' } = parseClientLine(fields);
      const client = fd === undefined ? socket : new Socket({ fd, allowHalfOpen: true });
      handedOver = undefined;
      const early = Buffer.concat([Buffer.from(head, 'base64'), ...(fd === undefined ? [rest] : [])]);
      if (client !== socket) socket.destroy();
      if (this.#hub.accept(token, client, framing, early)) return;
      client.destroy();
      throw violation('the ticket is unknown, used or too old');
    } finally {
      if (handedOver !== undefined) closeDescriptor(handedOver);
    }
  }

  #startControl(socket: Socket, hello: Fields, rest: Buffer): void {
    const answer: HelloAnswer = {
      hello: 'streams',
      protocol: PROTOCOL_VERSION,
      pid: process.pid,
      held: this.#hub.held(),
    };
    send(socket, answer);
    if (hello.number('protocol') !== PROTOCOL_VERSION) {
      socket.end();
      return;
    }
    this.#control = socket;
    socket.once('close', () => {
      if (this.#control === socket) this.#control = undefined;
    });
    socket.once('end', () => socket.end());
    const splitter = new LineSplitter();
    const take = (chunk: Buffer): void => {
      try {
        for (const line of splitter.lines(chunk)) this.#answer(socket, parseRequest(line));
      } catch (error) {
        socket.destroy();
        this.#options.onError(error);
      }
    };
    take(rest);
    socket.on('data', take).resume();
  }

  #answer(socket: Socket, request: Request): void {
    this.#used();
    try {
      this.#hub.execute(request);
      send(socket, { id: request.id });
    } catch (thrown) {
      const { class: errorClass, code, message } = toCleatError(thrown);
      send(socket, { id: request.id, error: { class: errorClass, code, message } });
    }
  }
}

function send(socket: Socket, message: Answer | HelloAnswer | SessionsEvent): void {
  if (!socket.destroyed && socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}
