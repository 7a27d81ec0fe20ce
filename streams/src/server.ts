import { createServer, type Server, Socket } from 'node:net';
import { closeDescriptor } from '@cleat/core/syscalls';
import { toCleatError } from '@cleat/schemas';
import { firstLine } from './first-line.ts';
import { Hub } from './hub.ts';
import { LineSplitter, parseClientLine, parseObject, parseRequest, violation } from './messages.ts';
import { type Answer, type EndedEvent, PROTOCOL_VERSION, type Request, type SessionsEvent } from './protocol.ts';

export interface ServerOptions {
  /** A listening Unix socket. */
  readonly listenFd: number;
  readonly spoolDirectory: string;
  /** How long it may be idle before `onIdle`, while there is a kernel. */
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
  #isLeft = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#hub = new Hub({
      spoolDirectory: options.spoolDirectory,
      onSessions: (target, sessions) => {
        this.#used();
        if (this.#control !== undefined) send(this.#control, { event: 'sessions', target, sessions });
      },
      onExecEnded: (target, exitCode) => {
        if (this.#control !== undefined) send(this.#control, { event: 'ended', target, exitCode });
      },
      onEmpty: () => {
        if (this.#isLeft) this.#end();
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
    this.#end();
  }

  #end(): void {
    clearInterval(this.#idleTimer);
    this.#server.close();
    this.#options.onIdle();
  }

  async #greet(socket: Socket): Promise<void> {
    const { line, rest, fd } = await firstLine(socket);
    let handedOver = fd;
    try {
      this.#used();
      const first = parseObject(line);
      if ('type' in first) {
        this.#startControl(socket, Buffer.concat([Buffer.from(`${line}\n`), rest]));
        return;
      }
      const { token, framing, head = '' } = parseClientLine(first);
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

  #startControl(socket: Socket, first: Buffer): void {
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
    take(first);
    socket.on('data', take).resume();
  }

  #answer(socket: Socket, request: Request): void {
    this.#used();
    const { id } = request;
    if (request.type === 'hello') {
      send(socket, { id, protocol: PROTOCOL_VERSION, held: this.#hub.held(), pid: process.pid });
      if (request.protocol === PROTOCOL_VERSION) this.#control = socket;
      else socket.end();
      this.#isLeft = false;
      return;
    }
    if (request.type === 'leave') {
      const held = this.#hub.held();
      this.#isLeft = true;
      // The process ends after its answer: its kernel takes the end of the connection for the end of the process.
      send(socket, { id, held }, () => {
        if (this.#isLeft && this.#hub.isEmpty) this.#end();
      });
      return;
    }
    const fail = (thrown: unknown): void => {
      const { class: errorClass, code, message } = toCleatError(thrown);
      send(socket, { id, error: { class: errorClass, code, message } });
    };
    try {
      const later = this.#hub.execute(request);
      if (later === undefined) send(socket, { id });
      else later.then((answer) => send(socket, { id, ...answer }), fail);
    } catch (thrown) {
      fail(thrown);
    }
  }
}

function send(socket: Socket, message: Answer | EndedEvent | SessionsEvent, onSent?: () => void): void {
  if (!socket.destroyed && socket.writable) socket.write(`${JSON.stringify(message)}\n`, onSent);
}
