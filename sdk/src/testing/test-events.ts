import { type BusConnection, type ContractHandler, Deadline, sleep } from '@cleat/core';
import { EventStream } from '@cleat/core/bus';
import type { event, SchemaBook } from '@cleat/schemas';
import { eventFilterSubject, eventSubject, eventTypeName, matchesPattern } from '@cleat/schemas';

const STORE_MS = 10_000;
const RETRY_MS = 50;

export interface TestEventsOptions {
  readonly connection: BusConnection;
  readonly book: SchemaBook;
  readonly node: string;
}

export interface TestEventDraft {
  /** "container.started" */
  readonly type: string;
  readonly subject: string;
  /** Record of the contract event: "Container", "Object". */
  readonly record: string;
  readonly data: object;
}

/** A node's events: a real stream on the bus, and the list from which a consumer reads on. */
export class TestEvents {
  readonly #options: TestEventsOptions;
  readonly #stream: EventStream;
  readonly #entries: event.EntryInput[] = [];
  #oldest = 1;
  #storing: Promise<unknown> = Promise.resolve();

  constructor(options: TestEventsOptions) {
    this.#options = options;
    this.#stream = new EventStream(options.connection);
  }

  /** Sequence of the newest event. */
  get newest(): number {
    return this.#entries.length;
  }

  async open(deadline: Deadline): Promise<void> {
    await this.#stream.ensure({ maxMessages: -1 }, deadline);
  }

  /** Stores an event; resolves with its sequence. */
  publish(draft: TestEventDraft): Promise<number> {
    const sequence = this.#entries.length + 1;
    const entry = this.#entry(draft, sequence);
    this.#entries.push(entry);
    const stored = this.#storing.then(() => this.#store(entry));
    this.#storing = stored.catch(() => undefined);
    return stored;
  }

  /** Everything up to a sequence is gone, as retention does it. */
  async trim(sequence: number): Promise<void> {
    await this.#storing;
    for (const name of await this.#stream.consumerNames(Deadline.after(STORE_MS)))
      await this.#stream.deleteConsumer(name, Deadline.after(STORE_MS));
    await this.#stream.trimTo(sequence, Deadline.after(STORE_MS));
    this.#oldest = sequence + 1;
  }

  get operations(): Readonly<Record<string, ContractHandler>> {
    return {
      list: async (request: event.ListRequest) => this.#list(request),
      open: async (request: event.OpenRequest, call) => this.#open(request, call.callerKey),
    };
  }

  async #store(entry: event.EntryInput): Promise<number> {
    const { sequence, id, source, type, subject, time, schema, data } = entry;
    const headers = new Map([
      ['ce-specversion', '1.0'],
      ['ce-id', id],
      ['ce-source', source],
      ['ce-type', eventTypeName(type)],
      ['ce-subject', encodeURIComponent(subject)],
      ['ce-time', `${new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19)}.${String(time % 1_000_000_000n).padStart(9, '0')}Z`],
      ['ce-sequence', String(sequence).padStart(20, '0')],
      ['ce-datacontenttype', 'application/avro'],
      ['ce-dataschema', `cleat:${schema}`],
    ]);
    const record = { subject: eventSubject(this.#options.node, type, subject), headers, body: data };
    const deadline = Deadline.after(STORE_MS);
    for (;;) {
      try {
        await this.#stream.publishBatch([record], { after: sequence - 1, deadline });
        return sequence;
      } catch (error) {
        // The server may be restarting; the record is stored once however often it is sent.
        if (deadline.isExpired) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  #entry({ type, subject, record, data }: TestEventDraft, sequence: number): event.EntryInput {
    const codec = this.#options.book.record<unknown, object>('event', `cleat.event.v1.${record}`);
    const { node } = this.#options;
    const time = BigInt(Date.now()) * 1_000_000n;
    return {
      sequence,
      id: `${node}:${sequence}`,
      source: `/nodes/${node}`,
      type,
      subject,
      time,
      schema: codec.fingerprint,
      data: codec.encode(data),
    };
  }

  #list(request: event.ListRequest): event.ListResponseInput {
    const newest = this.#entries.length;
    const missed = Math.max(0, Math.min(this.#oldest, newest + 1) - 1 - request.after);
    const from = Math.max(request.after, this.#oldest - 1);
    const found = this.#entries.slice(from, from + request.limit);
    const events = found.filter(({ type }) => request.types.length === 0 || matchesPattern(request.types, type));
    return { events, position: found.at(-1)?.sequence ?? Math.max(from, 0), newest, missed };
  }

  async #open({ after, type }: event.OpenRequest, key: string): Promise<event.OpenResponseInput> {
    await this.#storing;
    const deadline = Deadline.after(STORE_MS);
    const from = Math.max(after, this.#oldest - 1);
    const existing = await this.#stream.consumer(key, deadline);
    const fits =
      existing?.unacknowledged === 0 && existing.acknowledgedSequence <= after && existing.acknowledgedSequence >= this.#oldest - 1;
    if (existing !== undefined && !fits) await this.#stream.deleteConsumer(key, deadline);
    if (!fits) await this.#stream.createConsumer({ name: key, filter: eventFilterSubject(type), after: from }, deadline);
    return { after: from, missed: from - after, consumer: key, base: 0, node: this.#options.node };
  }
}
