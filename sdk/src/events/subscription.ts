import type { BusConnection } from '@cleat/core';
import { type LiveItem, liveEvents } from '@cleat/core/client';
import { Deadline } from '@cleat/core/deadlines';
import type { event } from '@cleat/schemas';
import { isCleatError } from '@cleat/schemas';
import type { Call, EventItem, SubscribeOptions } from '../plugin.ts';
import { type EventDecoder, type EventEntry, entryOf } from './event-decoder.ts';

const LIST_MS = 30_000;
const PAGE = 500;
const RETRY_MS = 500;
/** Asks for nothing but where the end is. */
const THE_END = 2 ** 52;

export interface SubscriptionParts {
  readonly connection: BusConnection;
  readonly call: Call;
  readonly decoder: EventDecoder;
}

/**
 * Events in order, each once. The live subscription stands before anything is read from the log, so between the two there is
 * no moment that neither covers; after a reconnect, and when this reader was too slow, it reads on from the log.
 */
export async function* subscription(parts: SubscriptionParts, options: SubscribeOptions): AsyncGenerator<EventItem, void> {
  const controller = new AbortController();
  const signal = options.signal === undefined ? controller.signal : AbortSignal.any([options.signal, controller.signal]);
  const live = liveEvents(parts.connection, { patterns: options.types, node: '*', signal });
  try {
    const reader = new Reader(parts, options.types, signal);
    await reader.stand();
    if (options.after === undefined) await reader.toTheEnd();
    else yield* reader.catchUp(options.after);
    for await (const item of live) yield* reader.pass(item);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    controller.abort();
    await live.return();
  }
}

class Reader {
  readonly #parts: SubscriptionParts;
  readonly #types: readonly string[];
  readonly #signal: AbortSignal;
  #position = 0;

  constructor(parts: SubscriptionParts, types: readonly string[], signal: AbortSignal) {
    this.#parts = parts;
    this.#types = types;
    this.#signal = signal;
  }

  /** Waits until the server has the subscription. While the bus is away there is none; it is made at the reconnect. */
  async stand(): Promise<void> {
    const { connection } = this.#parts;
    if (connection.isConnected) await connection.flush(Deadline.after(LIST_MS)).catch(() => undefined);
  }

  async toTheEnd(): Promise<void> {
    this.#position = (await this.#list(THE_END)).newest;
  }

  async *catchUp(after: number): AsyncGenerator<EventItem, void> {
    this.#position = after;
    for (;;) {
      const { events, position, newest, missed } = await this.#list(this.#position);
      if (missed > 0) yield { type: 'gap', missed };
      for (const entry of events) yield await this.#decoded(entry);
      this.#position = Math.max(this.#position, position);
      if (this.#position >= newest) return;
    }
  }

  async *pass(item: LiveItem): AsyncGenerator<EventItem, void> {
    if (item.type !== 'event') {
      yield* this.catchUp(this.#position);
      return;
    }
    const entry = entryOf(item.headers, item.body);
    if (entry === undefined || entry.sequence <= this.#position) return;
    this.#position = entry.sequence;
    yield await this.#decoded(entry);
  }

  async #decoded(entry: EventEntry): Promise<EventItem> {
    const { decoder } = this.#parts;
    await decoder.learn(entry.schema);
    return { type: 'event', event: decoder.decode(entry) };
  }

  /** Waits for a kernel, or a bus, that is away: a subscription is for as long as its owner wants. */
  async #list(after: number): Promise<event.ListResponse> {
    for (;;) {
      this.#signal.throwIfAborted();
      try {
        const request = { after, types: this.#types.includes('*') ? [] : this.#types, limit: PAGE };
        return await this.#parts.call('event', 'list', request, { timeoutMs: LIST_MS, signal: this.#signal });
      } catch (error) {
        const isAway = isCleatError(error) && (error.class === 'unavailable' || error.class === 'deadline_exceeded');
        if (!isAway || this.#signal.aborted) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}
