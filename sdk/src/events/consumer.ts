import type { BusConnection } from '@cleat/core';
import { type DurableEvent, type DurableItem, durableEvents } from '@cleat/core/bus';
import { sleep } from '@cleat/core/deadlines';
import { isCleatError } from '@cleat/schemas';
import type { Call, ConsumedItem, ConsumeOptions } from '../plugin.ts';
import { type EventDecoder, entryOf } from './event-decoder.ts';

const OPEN_MS = 15_000;
const RETRY_MS = 500;

export interface ConsumerParts {
  readonly connection: BusConnection;
  readonly call: Call;
  readonly decoder: EventDecoder;
}

/**
 * Events from the durable consumer of this account: every one since the position, in order, each once, also those of the time
 * in which this program did not run. Only the kernel can tell whether the consumer still stands where it should, so it is
 * asked at every connect, when nothing comes, and when the consumer is gone.
 */
export async function* consumer(parts: ConsumerParts, options: ConsumeOptions): AsyncGenerator<ConsumedItem, void> {
  const signal = options.signal ?? new AbortController().signal;
  const reader = new Reader(parts, options, signal);
  while (!signal.aborted) {
    yield* reader.open();
    // The events of one consumer; it ends when that is gone.
    for await (const item of durableEvents(parts.connection, { signal })) yield* reader.pass(item);
  }
}

class Reader {
  readonly #parts: ConsumerParts;
  readonly #type: string;
  readonly #signal: AbortSignal;
  #position: number;

  constructor(parts: ConsumerParts, options: ConsumeOptions, signal: AbortSignal) {
    this.#parts = parts;
    this.#type = options.type;
    this.#signal = signal;
    this.#position = options.after;
  }

  async *open(): AsyncGenerator<ConsumedItem, void> {
    const missed = await this.#open();
    if (missed > 0) yield { type: 'gap', missed };
  }

  async *pass(item: DurableItem): AsyncGenerator<ConsumedItem, void> {
    switch (item.type) {
      case 'event':
        yield* this.#event(item);
        return;
      case 'idle':
      case 'reconnected':
        yield* this.open();
        return;
      case 'gone':
        return;
    }
  }

  async *#event(item: DurableEvent): AsyncGenerator<ConsumedItem, void> {
    const entry = entryOf(item.headers, item.body);
    // What cannot be read, and what was given already, is acknowledged: it would come again for ever.
    if (entry === undefined || entry.sequence <= this.#position) {
      acknowledge(item);
      return;
    }
    const { decoder } = this.#parts;
    await decoder.learn(entry.schema);
    this.#position = entry.sequence;
    yield { type: 'event', event: decoder.decode(entry), acknowledge: () => acknowledge(item) };
  }

  /** Resolves with how many events are gone; waits for a kernel, or a bus, that is away. */
  async #open(): Promise<number> {
    while (!this.#signal.aborted) {
      try {
        const request = { after: this.#position, type: this.#type };
        const { after, missed } = await this.#parts.call('event', 'open', request, { timeoutMs: OPEN_MS, signal: this.#signal });
        this.#position = Math.max(this.#position, after);
        return missed;
      } catch (error) {
        if (this.#signal.aborted) return 0;
        const isAway = isCleatError(error) && (error.class === 'unavailable' || error.class === 'deadline_exceeded');
        if (!isAway) throw error;
        await sleep(RETRY_MS, this.#signal).catch(() => undefined);
      }
    }
    return 0;
  }
}

/** With the bus down it is not acknowledged, comes again, and is passed over then. */
function acknowledge(item: DurableEvent): void {
  try {
    item.acknowledge();
  } catch (error) {
    if (!isCleatError(error) || error.code !== 'BUS_DOWN') throw error;
  }
}
