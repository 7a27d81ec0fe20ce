import { CleatError } from '@cleat/schemas';
import type { Msg, MsgHdrs, NatsConnection, NatsError, Subscription } from 'nats';
import { type Credentials, prove } from './credentials.ts';
import { DIAL_TIMEOUT_MS, PING_MAX_OUT } from './limits.ts';
import { type BusHeaders, type BusMessage, type MessageHandler, NO_BODY, NO_HEADERS } from './message.ts';

export interface WireOptions {
  readonly url: string;
  readonly name: string;
  readonly credentials: Credentials;
  readonly timeoutMs: number;
  readonly pingIntervalMs: number;
  /** The server refused a subject. */
  readonly onRefused: (operation: string, subject: string) => void;
  /** A handler threw. */
  readonly onHandlerError: (error: unknown, subject: string) => void;
}

/** The client library: loaded with the first connection, as a command that needs no bus shall not pay 36 ms and 4 MB for it. */
export function loadClient(): Promise<typeof import('nats')> {
  return import('nats');
}

export interface WireSubscription {
  close(): void;
}

/**
 * One TCP connection to the server. It is never mended: when it ends, `closed` settles and another is made. The library's own
 * reconnecting would keep dialling the first address and would buffer, without a word, what is published meanwhile.
 */
export class Wire {
  readonly #client: NatsConnection;
  readonly #makeHeaders: () => MsgHdrs;
  readonly #options: WireOptions;
  /** Settles with the reason, if one is known, when the connection has ended. */
  readonly closed: Promise<string>;

  private constructor(client: NatsConnection, makeHeaders: () => MsgHdrs, options: WireOptions) {
    this.#client = client;
    this.#makeHeaders = makeHeaders;
    this.#options = options;
    this.closed = client.closed().then((reason) => (reason instanceof Error ? reason.message : 'closed'));
    void this.#watch();
  }

  /** Throws the library's error; `isRefusal` tells a server that does not admit us from one that is not there. */
  static async dial(options: WireOptions): Promise<Wire> {
    const { connect, headers } = await loadClient();
    const client = await connect({
      servers: options.url,
      name: options.name,
      authenticator: (nonce?: string) => prove(options.credentials, nonce),
      reconnect: false,
      maxReconnectAttempts: 0,
      timeout: Math.max(1, Math.min(options.timeoutMs, DIAL_TIMEOUT_MS)),
      pingInterval: options.pingIntervalMs,
      maxPingOut: PING_MAX_OUT,
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
      resolve: false,
    });
    return new Wire(client, headers, options);
  }

  get isOpen(): boolean {
    return !this.#client.isClosed();
  }

  get serverVersion(): string {
    return this.#client.info?.version ?? '';
  }

  publish(subject: string, body: Uint8Array, headers: BusHeaders, reply: string | undefined): void {
    const options: { reply?: string; headers?: MsgHdrs } = {};
    if (reply !== undefined) options.reply = reply;
    if (headers.size > 0) {
      const written = this.#makeHeaders();
      for (const [name, value] of headers) written.append(name, value);
      options.headers = written;
    }
    this.#client.publish(subject, body, options);
  }

  subscribe(subject: string, queue: string | undefined, handler: MessageHandler): WireSubscription {
    const callback = (error: NatsError | null, message: Msg): void => {
      // A refusal arrives here with an empty object for a message; `#watch` tells of it.
      if (error !== null) return;
      try {
        handler(received(message));
      } catch (thrown) {
        // Thrown on, it would end the library's reader, and with it every subscription.
        this.#options.onHandlerError(thrown, message.subject);
      }
    };
    const subscription: Subscription = this.#client.subscribe(subject, queue === undefined ? { callback } : { callback, queue });
    return {
      close: () => {
        if (!this.#client.isClosed()) subscription.unsubscribe();
      },
    };
  }

  /** Settles when the server has handled all that was sent before. */
  async flush(): Promise<void> {
    await this.#client.flush();
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #watch(): Promise<void> {
    for await (const status of this.#client.status()) {
      const context: unknown = 'permissionContext' in status ? status.permissionContext : undefined;
      if (typeof context !== 'object' || context === null) continue;
      const operation: unknown = 'operation' in context ? context.operation : undefined;
      const subject: unknown = 'subject' in context ? context.subject : undefined;
      if (typeof operation === 'string' && typeof subject === 'string') this.#options.onRefused(operation, subject);
    }
  }
}

/** True when the server is there and will not have us: unknown account, revoked, expired. */
export function isRefusal(error: unknown): boolean {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'AUTHORIZATION_VIOLATION' || code === 'AUTHENTICATION_EXPIRED' || code === 'ACCOUNT_AUTHENTICATION_EXPIRED';
}

/** The bytes that headers take on the wire. */
export function headerBytes(headers: BusHeaders): number {
  if (headers.size === 0) return 0;
  let bytes = 12;
  for (const [name, value] of headers) bytes += name.length + Buffer.byteLength(value) + 4;
  return bytes;
}

/** Refuses what the wire would garble: header values with line breaks let a caller forge further headers. */
export function checkHeaders(headers: BusHeaders): void {
  for (const [name, value] of headers) {
    if (!/^[!-9;-~]+$/.test(name) || /[\r\n]/.test(value)) {
      throw new CleatError('invalid_argument', 'BUS_HEADER_INVALID', `the header ${JSON.stringify(name)} cannot be sent`);
    }
  }
}

function received(message: Msg): BusMessage {
  const source = message.headers;
  const headers = source === undefined || source.keys().length === 0 ? NO_HEADERS : headerMap(source);
  const data = message.data;
  return {
    subject: message.subject,
    reply: message.reply === '' ? undefined : message.reply,
    headers,
    status: source?.code ?? 0,
    statusText: source?.description ?? '',
    body: data.length === 0 ? NO_BODY : Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  };
}

function headerMap(source: MsgHdrs): BusHeaders {
  const map = new Map<string, string>();
  for (const [name, values] of source) map.set(name, values[0] ?? '');
  return map;
}
