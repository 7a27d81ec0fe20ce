import type { EventItem } from '@cleat/sdk';
import type { Backend } from './backend.ts';

/** Events that wait for one slow client; beyond this it reads on from the log, where nothing is lost within the retention. */
const MAX_WAITING = 4096;

/** One reader of the live events. */
export interface EventReader {
  /** Every event after this one will be among the items. */
  readonly start: Promise<number>;
  /** Events in order; ends when the reader is closed. An `overrun` says that some were not kept: read them from the log. */
  readonly items: AsyncIterable<EventItem | { readonly type: 'overrun' }>;
  close(): void;
}

type Waiting = EventItem | { readonly type: 'overrun' };

class Reader implements EventReader {
  readonly start: Promise<number>;
  readonly #onClose: (reader: Reader) => void;
  #waiting: Waiting[] = [];
  #wake: (() => void) | undefined;
  #isClosed = false;
  #error: Error | undefined;

  constructor(start: Promise<number>, onClose: (reader: Reader) => void) {
    this.start = start;
    this.#onClose = onClose;
  }

  push(item: EventItem): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(item);
    else this.#waiting = [{ type: 'overrun' }];
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#error = error instanceof Error ? error : new Error(String(error));
    this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose(this);
    this.#wake?.();
  }

  get items(): AsyncIterable<Waiting> {
    return this.#read();
  }

  async *#read(): AsyncGenerator<Waiting> {
    for (;;) {
      const batch = this.#waiting;
      this.#waiting = [];
      yield* batch;
      if (this.#waiting.length > 0) continue;
      if (this.#isClosed) {
        if (this.#error !== undefined) throw this.#error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}

/** A subscription with the sequence after which it tells everything. */
interface Subscription {
  readonly abort: AbortController;
  readonly start: Promise<number>;
}

/** One subscription for all clients of /events, held while there is one. */
export class EventHub {
  readonly #backend: Pick<Backend, 'call' | 'subscribe' | 'log'>;
  readonly #readers = new Set<Reader>();
  #subscription: Subscription | undefined;

  constructor(backend: Pick<Backend, 'call' | 'subscribe' | 'log'>) {
    this.#backend = backend;
  }

  open(): EventReader {
    this.#subscription ??= this.#subscribe();
    const reader = new Reader(this.#subscription.start, (closed) => this.#left(closed));
    this.#readers.add(reader);
    return reader;
  }

  get size(): number {
    return this.#readers.size;
  }

  close(): void {
    for (const reader of [...this.#readers]) reader.close();
  }

  #left(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#subscription?.abort.abort();
    this.#subscription = undefined;
  }

  /** From the newest event on, whose number is asked for first: so there is no moment that nobody listens to. */
  #subscribe(): Subscription {
    const abort = new AbortController();
    const start = this.#backend.call('node', 'info', {}, { signal: abort.signal }).then((info) => info.newestEvent);
    void this.#run(abort, start);
    return { abort, start };
  }

  /** Never rejects: a failure is every reader's. */
  async #run(abort: AbortController, start: Promise<number>): Promise<void> {
    try {
      for await (const item of this.#backend.subscribe({ types: ['*'], after: await start, signal: abort.signal })) {
        for (const reader of this.#readers) reader.push(item);
      }
      if (!abort.signal.aborted) this.#end(abort, new Error('the event subscription ended'));
    } catch (error) {
      if (abort.signal.aborted) return;
      this.#backend.log.warn('the event subscription failed', { error });
      this.#end(abort, error);
    }
  }

  #end(abort: AbortController, error: unknown): void {
    if (this.#subscription?.abort === abort) this.#subscription = undefined;
    for (const reader of [...this.#readers]) reader.fail(error);
  }
}
