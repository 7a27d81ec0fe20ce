import { armTimer, monotonicMs } from '../deadlines/index.ts';
import type { BusConnection } from './connection.ts';
import { EventQueue } from './event-queue.ts';
import { EVENT_STREAM, JETSTREAM_PREFIX } from './event-subjects.ts';
import type { StreamedEvent } from './live-events.ts';
import { type BusMessage, NO_BODY } from './message.ts';

export interface DurableEvent extends StreamedEvent {
  /** Delivered before, and not acknowledged in time. */
  readonly isRepeated: boolean;
  /** This one and all before it are done with. Throws `unavailable` `BUS_DOWN`: it then comes again. */
  acknowledge(): void;
}

/**
 * `idle`: nothing came for a while. `reconnected`: the consumer may have been replaced meanwhile. `gone`: the consumer was
 * removed, which ends the reading. At each of them the owner asks the kernel where its consumer stands.
 */
export type DurableItem =
  | DurableEvent
  | { readonly type: 'idle' }
  | { readonly type: 'reconnected' }
  | { readonly type: 'gone'; readonly reason: string };

export interface DurableEventsOptions {
  readonly signal: AbortSignal;
  /** The events that may be on their way at a time. */
  readonly batch?: number | undefined;
  /** The time without an event after which `idle` is told. */
  readonly idleMs?: number | undefined;
}

const DEFAULT_BATCH = 64;
const DEFAULT_IDLE_MS = 20_000;
/** The server ends a pull by itself; when it does not say so the pull was lost, or its consumer was. */
const LOST_PULL_MS = 2_000;
const REFUSED_PULL_MS = 1_000;

/** The events of this account's durable consumer. The reader sets the pace: it is asked for more when all is read. */
export async function* durableEvents(connection: BusConnection, options: DurableEventsOptions): AsyncGenerator<DurableItem, void> {
  const puller = new Puller(connection, options);
  try {
    for (let item = await puller.next(); item !== undefined; item = await puller.next()) {
      yield item;
      if (item.type === 'gone') return;
    }
  } finally {
    puller.close();
  }
}

class Puller {
  readonly #connection: BusConnection;
  readonly #options: DurableEventsOptions;
  readonly #queue = new EventQueue<DurableItem | { readonly type: 'pull' }>({ maxCount: Infinity, maxBytes: Infinity });
  readonly #stopListening: () => void;
  readonly #onAbort = (): void => this.#queue.end();
  #closePath: () => void = () => undefined;
  #disarm: () => void = () => undefined;

  constructor(connection: BusConnection, options: DurableEventsOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#stopListening = connection.onEvent((event) => {
      if (event.type !== 'connected' || event.isFirst) return;
      this.#endPull();
      this.#queue.push({ type: 'reconnected' });
      this.#queue.push({ type: 'pull' });
    });
    if (options.signal.aborted) this.#queue.end();
    else options.signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#queue.push({ type: 'pull' });
  }

  async next(): Promise<DurableItem | undefined> {
    for (;;) {
      const item = await this.#queue.next();
      if (item === undefined || this.#options.signal.aborted) return undefined;
      if (item.type !== 'pull') return item;
      this.#pull();
    }
  }

  close(): void {
    this.#endPull();
    this.#stopListening();
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }

  #pull(): void {
    this.#endPull();
    // The reconnect pulls.
    if (!this.#connection.isConnected) return;
    const batch = this.#options.batch ?? DEFAULT_BATCH;
    const idleMs = this.#options.idleMs ?? DEFAULT_IDLE_MS;
    let left = batch;
    const inbox = this.#connection.newInbox();
    const subscription = this.#connection.subscribe(inbox, (message) => {
      if (message.status !== 0) {
        this.#onStatus(message, left < batch);
        return;
      }
      left -= 1;
      this.#queue.push(this.#delivered(message));
      if (left === 0) {
        this.#endPull();
        // Behind the events in the queue: asked for when these are read.
        this.#queue.push({ type: 'pull' });
      }
    });
    this.#closePath = () => subscription.close();
    this.#disarm = armTimer(monotonicMs() + idleMs + LOST_PULL_MS, () => this.#onEmpty(left < batch));
    const request = Buffer.from(JSON.stringify({ batch, expires: idleMs * 1e6 }));
    const subject = `${JETSTREAM_PREFIX}.CONSUMER.MSG.NEXT.${EVENT_STREAM}.${this.#connection.accountKey}`;
    this.#connection.publish(subject, request, { reply: inbox });
  }

  #onStatus(message: BusMessage, hadEvents: boolean): void {
    // 404 and 408 end a pull that got nothing more; 100 is a heartbeat.
    if (message.status === 100) return;
    if (message.status === 404 || message.status === 408) {
      this.#onEmpty(hadEvents);
      return;
    }
    this.#endPull();
    if (message.status === 503) this.#queue.push({ type: 'gone', reason: 'nobody answers for the consumer' });
    else if (/deleted/i.test(message.statusText)) this.#queue.push({ type: 'gone', reason: message.statusText });
    else this.#onRefused();
  }

  /** Too many pulls, a server that shuts down, and what newer ones may find: the owner looks, and the pull is repeated unhurried. */
  #onRefused(): void {
    this.#queue.push({ type: 'idle' });
    this.#disarm = armTimer(monotonicMs() + REFUSED_PULL_MS, () => this.#queue.push({ type: 'pull' }));
  }

  #onEmpty(hadEvents: boolean): void {
    this.#endPull();
    if (!hadEvents) this.#queue.push({ type: 'idle' });
    this.#queue.push({ type: 'pull' });
  }

  #endPull(): void {
    this.#disarm();
    this.#closePath();
  }

  #delivered(message: BusMessage): DurableEvent {
    const { reply } = message;
    // $JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>
    const tokens = reply?.split('.') ?? [];
    return {
      type: 'event',
      subject: message.subject,
      sequence: Number(tokens[5] ?? 0),
      isRepeated: tokens[4] !== '1',
      headers: message.headers,
      body: message.body,
      acknowledge: () => {
        if (reply !== undefined) this.#connection.publish(reply, NO_BODY);
      },
    };
  }
}
