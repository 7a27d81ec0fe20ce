import { randomBytes } from 'node:crypto';
import type { Logger } from '@cleat/core';
import { backoff } from '@cleat/core/deadlines';
import { Journal, type JournalRecord } from '@cleat/core/journal';
import type { common, providerTypes } from '@cleat/schemas';
import { CleatError, isCleatError, toCleatError } from '@cleat/schemas';

/** Names the format of the records below. */
const FORMAT = '6f7574626f780001';
const MIB = 1_048_576;
const MOST_EVENTS = 10_000;
const MOST_BYTES = 8 * MIB;
/** Keys that are remembered: of more events than a plugin may have handed over without having noted that it did. */
const MOST_KEYS = 1_024;
const RETRY = { baseMs: 100, factor: 2, maxMs: 5_000 } as const;

/** An event that waits for the kernel. */
export interface OutboxEvent {
  readonly number: number;
  readonly event: providerTypes.EventInput;
  readonly actor: common.ActorInput;
  /** The plugin's own name for it: given twice, it is one event. */
  readonly key?: string | undefined;
}

type Change =
  | { readonly type: 'store'; readonly id: string; readonly last: number; readonly keys?: readonly string[] }
  | ({ readonly type: 'event' } & OutboxEvent)
  | { readonly type: 'durable'; readonly number: number };

export interface OutboxOptions {
  readonly directory: string;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  /** Sends one; resolves with the highest number that the kernel has for good. */
  readonly send: (store: string, event: OutboxEvent, signal: AbortSignal) => Promise<number>;
}

/**
 * Events of a plugin's own objects until the kernel has them: each gets a number in this store and is kept in a journal, so
 * that neither a crash of the plugin nor one of the kernel loses or doubles one.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #pending: OutboxEvent[] = [];
  readonly #keys = new Set<string>();
  readonly #journal: Journal;
  #store = '';
  #last = 0;
  #bytes = 0;
  #wake: () => void = () => undefined;
  #rotation: Promise<void> | undefined;

  /** Opens or begins the store. Throws what the journal throws. */
  static open(options: OutboxOptions): Outbox {
    return new Outbox(options);
  }

  private constructor(options: OutboxOptions) {
    this.#options = options;
    this.#journal = Journal.open({
      dir: options.directory,
      segmentBytes: MIB,
      retainBytes: MIB,
      reserveBytes: 65_536,
      replay: (record) => this.#replay(record),
    });
    if (this.#store === '') this.#begin();
  }

  /** Identity of the store: numbers count from 1 in it. */
  get store(): string {
    return this.#store;
  }

  get backlog(): number {
    return this.#pending.length;
  }

  /** Durable when this resolves. Throws `resource_exhausted` OUTBOX_FULL while the kernel takes nothing for too long. */
  async add(event: providerTypes.EventInput, actor: common.ActorInput, key?: string): Promise<void> {
    // Its plugin was killed before it had noted that this one was handed over.
    if (key !== undefined && this.#keys.has(key)) return void (await this.#journal.sync());
    if (this.#pending.length >= MOST_EVENTS || this.#bytes >= MOST_BYTES) {
      throw new CleatError('resource_exhausted', 'OUTBOX_FULL', `${this.#pending.length} events wait for the kernel, which is away`, {
        retryable: true,
      });
    }
    this.#write({ type: 'event', number: this.#last + 1, event, actor, key });
    await this.#journal.sync();
    this.#wake();
  }

  /** What the kernel says at hello that it has. More than this store ever numbered: it was set back, and is a new store. */
  welcomed(durable: number): void {
    if (durable <= this.#last) this.#settle(durable);
    else this.#renew(this.#pending.splice(0));
  }

  /** Sends what is there and what comes, one after the other, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    let failures = 0;
    while (!signal.aborted) {
      const next = this.#pending[0];
      if (next === undefined) {
        await this.#idle();
        continue;
      }
      try {
        this.#settle(await this.#options.send(this.#store, next, signal));
        // Taken and not durable yet: asked again in a moment.
        failures = this.#pending[0] === next ? failures + (await this.#wait(0)) : 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isRefused(error)) this.#refused(next, error);
        // The kernel misses what came before, which this store has no more.
        else if (isCleatError(error) && error.code === 'EVENT_NUMBER') this.#renew([...this.#pending]);
        else failures += await this.#wait(failures, error);
      }
    }
  }

  async close(): Promise<void> {
    await this.#rotation;
    await this.#journal.close();
  }

  #begin(): void {
    this.#write({ type: 'store', id: randomBytes(8).toString('hex'), last: 0 });
  }

  /** Numbers begin at 1 again, in a store of another name. */
  #renew(kept: readonly OutboxEvent[]): void {
    this.#options.log.warn('the events that wait for the kernel are numbered anew', { backlog: kept.length });
    this.#begin();
    for (const { number: _old, ...event } of kept) this.#write({ type: 'event', number: this.#last + 1, ...event });
  }

  /** The kernel will never take it: said, and not tried for ever. Those behind it must not wait for its number. */
  #refused(event: OutboxEvent, error: unknown): void {
    this.#options.log.error('the kernel refused an event', { type: event.event.type, subject: event.event.subject, error });
    this.#renew(this.#pending.slice(1));
  }

  async #wait(failures: number, error?: unknown): Promise<number> {
    if (failures === 3 && error !== undefined)
      this.#options.log.warn('events wait for the kernel', { backlog: this.backlog, error: toCleatError(error).message });
    await new Promise((resolve) => setTimeout(resolve, backoff(failures, RETRY)));
    return 1;
  }

  #settle(durable: number): void {
    if (this.#pending[0] === undefined || durable < this.#pending[0].number) return;
    this.#write({ type: 'durable', number: durable });
  }

  #write(change: Change): void {
    this.#journal.write(FORMAT, encode(change));
    this.#apply(change);
    if (this.#journal.needsRotation && this.#rotation === undefined) this.#rotate();
  }

  #apply(change: Change): void {
    switch (change.type) {
      case 'store':
        this.#store = change.id;
        this.#last = change.last;
        this.#pending.length = 0;
        for (const key of change.keys ?? []) this.#remember(key);
        this.#bytes = 0;
        return;
      case 'event': {
        const { number, event, actor, key } = change;
        this.#pending.push({ number, event, actor, key });
        if (key !== undefined) this.#remember(key);
        this.#last = number;
        this.#bytes += sizeOf(event);
        return;
      }
      case 'durable':
        while (this.#pending[0] !== undefined && this.#pending[0].number <= change.number) {
          const [gone] = this.#pending.splice(0, 1);
          if (gone !== undefined) this.#bytes -= sizeOf(gone.event);
        }
        return;
    }
  }

  #remember(key: string): void {
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > MOST_KEYS && oldest !== undefined) this.#keys.delete(oldest);
  }

  #replay(record: JournalRecord): void {
    if (record.schema !== FORMAT) {
      throw new CleatError('internal', 'OUTBOX_FORMAT', 'the outbox of events was written by a newer version of the plugin');
    }
    this.#apply(decode(record.payload));
  }

  #rotate(): void {
    const state: Change[] = [{ type: 'store', id: this.#store, last: this.#last, keys: [...this.#keys] }];
    const items = [...state, ...this.#pending.map((event): Change => ({ type: 'event', ...event }))];
    this.#rotation = this.#journal
      .rotate(items.map((change) => ({ schema: FORMAT, payload: encode(change) })))
      // The journal goes on in the segment it has; the next write tries again.
      .catch((error: unknown) => this.#options.log.warn('the outbox cannot be shortened', { error }))
      .finally(() => {
        this.#rotation = undefined;
      });
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function isRefused(error: unknown): boolean {
  if (!isCleatError(error)) return false;
  return error.class === 'invalid_argument' || error.class === 'permission_denied';
}

function sizeOf(event: providerTypes.EventInput): number {
  return JSON.stringify(event).length;
}

function encode(change: Change): Buffer {
  return Buffer.from(JSON.stringify(change));
}

/** The journal's checksum vouches for the content, the format's name for its shape. */
function decode(payload: Uint8Array): Change {
  const value: unknown = JSON.parse(Buffer.from(payload).toString());
  if (typeof value === 'object' && value !== null && 'type' in value) return value as Change;
  throw new CleatError('internal', 'OUTBOX_DAMAGED', 'the outbox of events has a record that is none');
}
