import { randomBytes } from 'node:crypto';
import { Deadline, type Logger, sleep } from '@cleat/core';
import type { EventStream, StreamState } from '@cleat/core/bus';
import { wallClockNs as now } from '@cleat/core/deadlines';
import { eventMessage, toCleatError } from '@cleat/schemas';
import { nodeEvent } from '../state/event-draft.ts';
import type { KernelStore } from '../state/kernel-store.ts';

const BATCH = 256;
const STREAM_MS = 10_000;
const RETRY_MS = 200;
/** The stream is trimmed when it is this share longer than it should be. */
const TRIM_SLACK = 0.1;

export interface PublisherOptions {
  readonly store: KernelStore;
  readonly stream: EventStream;
  readonly log: Logger;
  /** How many events the stream keeps. */
  readonly retention: number;
}

/**
 * Brings the journal's events into the stream, in order, each exactly once. The journal is the truth: a stream that was
 * deleted is built anew from what the journal still has, and its consumers are told.
 */
export class EventPublisher {
  readonly #options: PublisherOptions;
  #wake: () => void = () => undefined;
  #isDirty = true;
  /** Sequence up to which the stream has all; undefined until the stream was looked at. */
  #published: number | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    options.store.onEvents(() => this.#nudge());
  }

  get published(): number {
    return this.#published ?? 0;
  }

  /** The stream may have changed under us: look at it before the next batch. */
  lookAgain(): void {
    this.#published = undefined;
    this.#nudge();
  }

  /** Publishes until the signal aborts. While the bus is away it waits; nothing is lost by that. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    while (!signal.aborted) {
      try {
        this.#isDirty = false;
        await this.#catchUp(signal);
        await this.#idle(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log.warn('events wait for the bus', { error: toCleatError(error).message, newest: this.#options.store.newest });
        this.#published = undefined;
        await sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    const { store } = this.#options;
    let published = this.#published ?? (await this.#position());
    this.#published = published;
    while (!signal.aborted && published < store.newestSynced) {
      published = await this.#publishFrom(published);
      this.#published = published;
    }
  }

  /** Resolves with where the stream stands then. */
  async #publishFrom(after: number): Promise<number> {
    const { store, stream, log } = this.#options;
    const events = await store.eventsAfter(after, BATCH);
    const first = events[0];
    if (first === undefined || first.sequence !== after + 1) {
      // The journal no longer has what comes next: a stream cannot have a hole, so it begins anew behind it.
      return this.#rebuild('events that were not published are gone');
    }
    const base = store.stream?.base ?? 0;
    const outcome = await stream.publishBatch(
      events.map((made) => eventMessage(store.nodeId, made)),
      { after: after - base, deadline: Deadline.after(STREAM_MS) },
    );
    switch (outcome.type) {
      case 'stored':
        store.published(base + outcome.lastSequence);
        await this.#trim(outcome.lastSequence);
        return base + outcome.lastSequence;
      case 'partial':
        return base + outcome.state.lastSequence;
      case 'diverged':
      case 'gone':
        log.warn('the event stream is not what it was', { outcome: outcome.type });
        return this.#position();
    }
  }

  /** Where the stream stands, made or made anew when it is not the one that the journal knows. */
  async #position(): Promise<number> {
    const { store, stream } = this.#options;
    const deadline = Deadline.after(STREAM_MS);
    const state = await stream.state(deadline);
    const known = store.stream;
    if (state === undefined || known === undefined || known.incarnation !== state.incarnation)
      return this.#rebuild(state === undefined ? 'there is none' : 'it is another one');
    const position = known.base + state.lastSequence;
    if (position <= store.newest) return position;
    // The journal went back (power loss): numbers would be given twice, so this is another node from now on.
    store.writeNode('identity', newNodeId(), [nodeEvent('renumbered', store.nodeId, { reason: 'the stream is ahead of the journal' })]);
    await store.sync();
    return this.#rebuild('it is ahead of the journal');
  }

  async #rebuild(reason: string): Promise<number> {
    const { store, stream, log } = this.#options;
    const deadline = Deadline.after(STREAM_MS);
    await stream.delete(deadline);
    const state: StreamState = await stream.ensure({ maxMessages: -1 }, deadline);
    const base = Math.max(store.oldest, store.newest - this.#options.retention + 1, 1) - 1;
    log.info('the event stream is built anew', { reason, base });
    store.writeStream({ incarnation: state.incarnation, base, createdAt: now() });
    await store.sync();
    return base;
  }

  /** Only the kernel trims, and a consumer that this would leave behind is ended first: it is told, not robbed. */
  async #trim(last: number): Promise<void> {
    const { stream, retention, store, log } = this.#options;
    const deadline = Deadline.after(STREAM_MS);
    const state = last % 64 === 0 || last > retention * (1 + TRIM_SLACK) ? await stream.state(deadline) : undefined;
    if (state === undefined || state.messages <= retention * (1 + TRIM_SLACK)) return;
    const upTo = state.lastSequence - retention;
    for (const name of await stream.consumerNames(deadline)) {
      const consumer = await stream.consumer(name, deadline);
      if (consumer === undefined || consumer.acknowledgedSequence >= upTo) continue;
      log.info('a consumer is behind what is kept', {
        consumer: name,
        position: consumer.acknowledgedSequence + (store.stream?.base ?? 0),
      });
      await stream.deleteConsumer(name, deadline);
    }
    await stream.trimTo(upTo, deadline);
  }

  #nudge(): void {
    this.#isDirty = true;
    this.#wake();
  }

  #idle(signal: AbortSignal): Promise<void> {
    if (this.#isDirty || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** An id for a node: 16 hex digits, so that it fits in a subject. */
export function newNodeId(): string {
  return randomBytes(8).toString('hex');
}
