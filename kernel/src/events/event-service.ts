import { type ContractCall, Deadline } from '@cleat/core';
import type { EventStream } from '@cleat/core/bus';
import { CleatError, type event, eventEntry, eventFilterSubject, type journal, matchesPattern } from '@cleat/schemas';
import type { KernelStore } from '../state/kernel-store.ts';

const STREAM_MS = 10_000;
const LIST_MOST = 1000;
/** An answer must fit in a message. */
const LIST_BYTES = 700_000;

/** What a caller may see. */
export interface EventReader {
  readonly key: string;
  readonly consumes: readonly string[];
  readonly durable: boolean;
}

/** `event@1`: reading on after a position, from the journal's ring; and durable consumers of the stream. */
export class EventService {
  readonly #store: KernelStore;
  readonly #stream: EventStream;
  readonly #readerOf: (call: ContractCall) => EventReader;

  constructor(store: KernelStore, stream: EventStream, readerOf: (call: ContractCall) => EventReader) {
    this.#readerOf = readerOf;
    this.#store = store;
    this.#stream = stream;
  }

  /** Works while the stream is away: it reads the journal. */
  async list(request: event.ListRequest, call: ContractCall): Promise<event.ListResponseInput> {
    const reader = this.#readerOf(call);
    const store = this.#store;
    const since = Number(request.since / 1_000_000n);
    let position = request.after >= 0 ? request.after : store.sequenceBefore(since);
    const missed = request.after >= 0 ? Math.max(0, Math.min(store.oldest, store.newest + 1) - 1 - request.after) : 0;
    position = Math.max(position, position + missed);
    const limit = Math.min(Math.max(request.limit, 1), LIST_MOST);
    const events: event.EntryInput[] = [];
    let bytes = 0;
    while (events.length < limit && bytes < LIST_BYTES && position < store.newestSynced) {
      const batch = await store.eventsAfter(position, limit);
      if (batch.length === 0) break;
      for (const made of batch) {
        if (events.length >= limit || bytes > LIST_BYTES) break;
        position = made.sequence;
        if (request.until > 0n && made.time > request.until) return { events, position, newest: store.newestSynced, missed };
        if (!isWanted(made, request, reader)) continue;
        events.push(eventEntry(store.nodeId, made));
        bytes += made.data.length + 300;
      }
    }
    return { events, position, newest: store.newestSynced, missed };
  }

  /** Gives the caller's durable consumer, at its position; tells what is gone. */
  async open(request: event.OpenRequest, call: ContractCall): Promise<event.OpenResponseInput> {
    const reader = this.#readerOf(call);
    if (!reader.durable)
      throw new CleatError('permission_denied', 'CONSUMER_NOT_GRANTED', 'this account was not granted a durable consumer');
    if (request.type !== '*' && !/^[a-z0-9-]+\.([a-z0-9-]+|\*)$/.test(request.type))
      throw new CleatError(
        'invalid_argument',
        'EVENT_FILTER',
        `"${request.type}" is no event filter: "*", "container.*", "container.exited"`,
      );
    if (!allows(reader.consumes, request.type))
      throw new CleatError('permission_denied', 'EVENTS_NOT_GRANTED', `this account was not granted events of ${request.type}`);
    const deadline = Deadline.after(STREAM_MS);
    const { base, oldest } = await standingStream(this.#store, this.#stream, deadline);
    const wanted = Math.min(request.after, this.#store.newest);
    const after = Math.max(wanted, oldest - 1);
    const missed = Math.max(0, oldest - 1 - wanted);
    const filter = eventFilterSubject(request.type);
    const existing = await this.#stream.consumer(reader.key, deadline);
    // What was delivered and not acknowledged would come again late, after newer ones: such a one is begun anew at the position. So is one
    // that is past it: after a power cut the server may know what it delivered, and not that nobody has acknowledged it.
    const isIdle = existing?.unacknowledged === 0;
    const fits =
      isIdle &&
      existing.filter === filter &&
      existing.deliveredSequence + base <= wanted &&
      existing.acknowledgedSequence + base >= oldest - 1;
    if (!fits) {
      if (existing !== undefined) await this.#stream.deleteConsumer(reader.key, deadline);
      await this.#stream.createConsumer({ name: reader.key, filter, after: after - base }, deadline);
    }
    return { after, missed, consumer: reader.key, base, node: this.#store.nodeId };
  }
}

/** Where the stream that the journal knows begins. Throws `unavailable` STREAM_REBUILDING while there is none, or another. */
export async function standingStream(
  store: KernelStore,
  stream: EventStream,
  deadline: Deadline,
): Promise<{ readonly base: number; readonly oldest: number }> {
  const state = await stream.state(deadline);
  const known = store.stream;
  if (state === undefined || known === undefined || state.incarnation !== known.incarnation) {
    throw new CleatError('unavailable', 'STREAM_REBUILDING', 'the event stream is being built anew', { retryable: true });
  }
  const first = state.messages === 0 ? state.lastSequence + 1 : state.firstSequence;
  return { base: known.base, oldest: known.base + first };
}

function isWanted(made: journal.OutboxEvent, request: event.ListRequest, reader: EventReader): boolean {
  if (request.since > 0n && made.time < request.since) return false;
  if (request.types.length > 0 && !matchesPattern(request.types, made.type)) return false;
  return matchesPattern([...reader.consumes, 'plugin.*'], made.type);
}

function allows(granted: readonly string[], filter: string): boolean {
  if (granted.includes('*')) return true;
  return granted.includes(filter) || (!filter.endsWith('*') && matchesPattern(granted, filter));
}
