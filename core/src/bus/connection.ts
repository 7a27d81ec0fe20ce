import { randomBytes } from 'node:crypto';
import { CleatError } from '@cleat/schemas';
import { Deadline, monotonicMs, sleep } from '../deadlines/index.ts';
import type { Credentials } from './credentials.ts';
import {
  DIAL_TIMEOUT_MS,
  MAX_MESSAGE_BYTES,
  PING_INTERVAL_MS,
  RECONNECT_FAST_ATTEMPTS,
  RECONNECT_SLOW_MS,
  RECONNECT_TOLD_ATTEMPTS,
  RECONNECT_WAIT_MS,
} from './limits.ts';
import { type BusHeaders, type BusLog, type BusMessage, type MessageHandler, NO_HEADERS } from './message.ts';
import { checkHeaders, headerBytes, isRefusal, loadClient, Wire, type WireSubscription } from './wire.ts';

export interface BusConnectionOptions {
  /** Asked at every dial: a server that had to take another port is found again. */
  readonly url: () => string | Promise<string>;
  readonly credentials: Credentials;
  /** Shown by the server in its events: `<participant>/<instance>`. */
  readonly name: string;
  readonly log: BusLog;
  /** How often the server is asked for a sign of life. */
  readonly pingIntervalMs?: number | undefined;
}

/** What a listener hears of a connection. `refused`: the server forbade a subject, and dropped what was sent to it. */
export type ConnectionEvent =
  | { readonly type: 'connected'; readonly isFirst: boolean }
  | { readonly type: 'disconnected'; readonly reason: string }
  | { readonly type: 'refused'; readonly operation: string; readonly subject: string };

export interface BusSubscription {
  readonly subject: string;
  /** Stops at once; `settled` waits until what the server had sent already is handled. */
  close(): void;
  settled(deadline: Deadline): Promise<void>;
}

export interface ReplyPath {
  readonly subject: string;
  close(): void;
}

interface Subscribed {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly handler: MessageHandler;
  wire: WireSubscription | undefined;
}

/**
 * A connection that stays: it dials again for ever, subscribes again by itself, and refuses at once what is published while
 * it is down. Nothing is ever buffered.
 */
export class BusConnection {
  readonly #options: BusConnectionOptions;
  readonly #subscriptions = new Set<Subscribed>();
  readonly #listeners = new Set<(event: ConnectionEvent) => void>();
  readonly #replies = new Map<string, MessageHandler>();
  readonly #closing = new AbortController();
  readonly #inbox: string = `_INBOX.${randomBytes(16).toString('hex')}`;
  readonly #ended: Promise<void>;
  #inboxSubscription: BusSubscription | undefined;
  #replyCount = 0;
  #wire: Wire | undefined;
  #hasConnected = false;
  #connectedAtMs = 0;
  #lastFailure = 'it was never reached';

  /** Starts dialling and returns at once; `connected` waits. */
  constructor(options: BusConnectionOptions) {
    this.#options = options;
    this.#ended = this.#keepConnected();
  }

  /** Opens a connection, or throws `unavailable` `BUS_DOWN` at the deadline and leaves nothing behind. */
  static async open(options: BusConnectionOptions, deadline: Deadline): Promise<BusConnection> {
    const connection = new BusConnection(options);
    try {
      await connection.connected(deadline);
    } catch (error) {
      await connection.close(Deadline.after(0));
      throw error;
    }
    return connection;
  }

  get isConnected(): boolean {
    return this.#wire?.isOpen === true;
  }

  /** For how long it has been up; 0 while it is not. */
  get connectedForMs(): number {
    return this.isConnected ? monotonicMs() - this.#connectedAtMs : 0;
  }

  /** The account that this connection opens. */
  get accountKey(): string {
    return this.#options.credentials.accountKey;
  }

  /** Empty before the first connect. */
  get serverVersion(): string {
    return this.#wire?.serverVersion ?? '';
  }

  /** Waits until the connection is up; `unavailable` `BUS_DOWN` at the deadline. */
  async connected(deadline: Deadline): Promise<void> {
    if (this.isConnected) return;
    let forget = (): void => undefined;
    const up = new Promise<void>((resolve) => {
      forget = this.onEvent((event) => {
        if (event.type === 'connected') resolve();
      });
    });
    try {
      await deadline.race(up, () => this.downError());
    } finally {
      forget();
    }
  }

  /** Returns the function that ends the listening. */
  onEvent(listener: (event: ConnectionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Throws `unavailable` `BUS_DOWN` while the connection is down and `invalid_argument` `BUS_MESSAGE_TOO_LARGE`: the server
   * would end the connection of who sends such a message.
   */
  publish(subject: string, body: Uint8Array, options: { headers?: BusHeaders; reply?: string } = {}): void {
    const headers = options.headers ?? NO_HEADERS;
    const bytes = body.length + headerBytes(headers);
    if (bytes > MAX_MESSAGE_BYTES) {
      throw new CleatError(
        'invalid_argument',
        'BUS_MESSAGE_TOO_LARGE',
        `a message of ${bytes} bytes exceeds the limit of ${MAX_MESSAGE_BYTES}`,
      );
    }
    checkHeaders(headers);
    const wire = this.#wire;
    if (wire?.isOpen !== true) throw this.downError();
    wire.publish(subject, body, headers, options.reply);
  }

  /** Holds over reconnects. Within a queue group one member gets each message. */
  subscribe(subject: string, handler: MessageHandler, options: { queue?: string } = {}): BusSubscription {
    const entry: Subscribed = { subject, queue: options.queue, handler, wire: undefined };
    this.#subscriptions.add(entry);
    if (this.#wire?.isOpen === true) entry.wire = this.#wire.subscribe(subject, entry.queue, handler);
    return {
      subject,
      close: () => {
        this.#subscriptions.delete(entry);
        entry.wire?.close();
      },
      settled: (deadline) => this.flush(deadline),
    };
  }

  /** A subject of this connection's own to be answered on. All share one subscription. */
  openReplyPath(handler: MessageHandler): ReplyPath {
    this.#inboxSubscription ??= this.subscribe(`${this.#inbox}.*`, (message) => this.#dispatchReply(message));
    const token = (++this.#replyCount).toString(36);
    this.#replies.set(token, handler);
    return { subject: `${this.#inbox}.${token}`, close: () => this.#replies.delete(token) };
  }

  /**
   * A subject of this connection's own for a subscription of its own: messages of a stream keep their first subject when they
   * are delivered, so only the subscription tells what they answer.
   */
  newInbox(): string {
    return `${this.#inbox}.${(++this.#replyCount).toString(36)}.own`;
  }

  /** One question, one answer; `deadline_exceeded` `BUS_NO_ANSWER` when it does not come. Not for calls: see `BusCaller`. */
  async request(subject: string, body: Uint8Array, options: { headers?: BusHeaders; deadline: Deadline }): Promise<BusMessage> {
    let path: ReplyPath | undefined;
    const answer = new Promise<BusMessage>((resolve) => {
      path = this.openReplyPath(resolve);
    });
    try {
      const reply = path?.subject;
      this.publish(subject, body, {
        ...(options.headers === undefined ? {} : { headers: options.headers }),
        ...(reply === undefined ? {} : { reply }),
      });
      return await options.deadline.race(answer, () => noAnswer(subject));
    } finally {
      path?.close();
    }
  }

  /** Waits until the server has taken all that was sent, and this side has handled all that the server sent before. */
  async flush(deadline: Deadline): Promise<void> {
    const wire = this.#wire;
    if (wire?.isOpen !== true) throw this.downError();
    const broken = wire.closed.then(() => {
      throw this.downError();
    });
    // Of the two only one is awaited to its end.
    broken.catch(() => undefined);
    await deadline.race(Promise.race([wire.flush(), broken]), () => noAnswer('a flush'));
  }

  /** What is published while the connection is down fails with. */
  downError(): CleatError {
    return new CleatError('unavailable', 'BUS_DOWN', `the bus cannot be reached: ${this.#lastFailure}`, { retryable: true });
  }

  /** Sends what is pending, at most until the deadline, and ends. May be called again. */
  async close(deadline: Deadline): Promise<void> {
    if (!this.#closing.signal.aborted) {
      if (this.isConnected && deadline.remainingMs > 0) {
        // A connection that breaks at this moment has nothing left to send.
        await this.flush(deadline).catch(() => undefined);
      }
      this.#lastFailure = 'this connection was closed';
      this.#closing.abort();
      await this.#wire?.close();
    }
    // A dial that is under way ends by itself, by its own time limit, and is closed at once.
    const ended = this.#ended.then(() => true);
    await deadline.race(ended, () => this.downError()).catch(() => false);
  }

  async #keepConnected(): Promise<void> {
    // Meanwhile the server may be starting.
    await loadClient();
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      let isSlow = false;
      try {
        const wire = await this.#dial();
        failures = 0;
        await this.#use(wire);
      } catch (error) {
        failures += 1;
        // Who is not admitted will not be in 50 ms either, and each attempt is a line in the server's log.
        isSlow = failures > RECONNECT_FAST_ATTEMPTS || isRefusal(error);
        this.#noteFailure(error, failures);
      }
      // Aborted only by `close`, which the loop's condition sees.
      await sleep(isSlow ? RECONNECT_SLOW_MS : RECONNECT_WAIT_MS, this.#closing.signal).catch(() => undefined);
    }
  }

  async #dial(): Promise<Wire> {
    const { credentials, name, log } = this.#options;
    return Wire.dial({
      url: await this.#options.url(),
      name,
      credentials,
      timeoutMs: DIAL_TIMEOUT_MS,
      pingIntervalMs: this.#options.pingIntervalMs ?? PING_INTERVAL_MS,
      onRefused: (operation, subject) => this.#onRefused(operation, subject),
      onHandlerError: (error, subject) => log.error('a message handler failed', { connection: name, subject, error }),
    });
  }

  async #use(wire: Wire): Promise<void> {
    if (this.#closing.signal.aborted) {
      await wire.close();
      return;
    }
    this.#wire = wire;
    this.#connectedAtMs = monotonicMs();
    for (const entry of this.#subscriptions) entry.wire = wire.subscribe(entry.subject, entry.queue, entry.handler);
    const isFirst = !this.#hasConnected;
    this.#hasConnected = true;
    this.#emit({ type: 'connected', isFirst });
    const reason = await wire.closed;
    this.#wire = undefined;
    if (this.#closing.signal.aborted) return;
    this.#lastFailure = `the connection was lost (${reason})`;
    this.#emit({ type: 'disconnected', reason });
  }

  #noteFailure(error: unknown, failures: number): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#lastFailure = isRefusal(error) ? `its server does not admit ${this.#options.name}` : message;
    // A restart takes some dials; a line for each would say nothing.
    if (failures === RECONNECT_TOLD_ATTEMPTS || failures === RECONNECT_FAST_ATTEMPTS) {
      this.#options.log.warn('the bus cannot be reached', { connection: this.#options.name, reason: message, failures });
    }
  }

  #onRefused(operation: string, subject: string): void {
    this.#options.log.warn('the bus refused a subject', { connection: this.#options.name, operation, subject });
    this.#emit({ type: 'refused', operation, subject });
  }

  #dispatchReply(message: BusMessage): void {
    this.#replies.get(message.subject.slice(this.#inbox.length + 1))?.(message);
  }

  #emit(event: ConnectionEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#options.log.error('a connection listener failed', { connection: this.#options.name, error });
      }
    }
  }
}

function noAnswer(subject: string): CleatError {
  return new CleatError('deadline_exceeded', 'BUS_NO_ANSWER', `nobody answered on ${subject} in time`, { retryable: true });
}
