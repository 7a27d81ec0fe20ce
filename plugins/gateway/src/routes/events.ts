import { Readable } from 'node:stream';
import type { ReceivedEvent } from '@cleat/sdk';
import type { FastifyInstance } from 'fastify';
import type { Backend } from '../backend.ts';
import { badRequest } from '../errors.ts';
import { matchesEvent, parseEventFilters } from '../event-filter.ts';
import type { EventHub, EventReader } from '../event-hub.ts';
import type { Filters } from '../filters.ts';
import { Query } from '../query.ts';
import { sendLive } from '../reply.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { adapted } from '../versions/adapters.ts';
import { dockerEvent, eventMessage, eventText } from '../wire/event.ts';
import { parseTime } from '../wire/time.ts';

/** More than a client asks for in one go. */
const PAGE = 500;

export interface EventParts {
  readonly backend: Pick<Backend, 'decodeEvent'>;
  readonly hub: EventHub;
}

interface EventQuery {
  readonly since: bigint | undefined;
  readonly until: bigint | undefined;
  readonly filters: Filters;
}

function timeOf(query: Query, name: string): bigint | undefined {
  const text = query.optional(name);
  if (text === undefined || text === '' || text === '0') return undefined;
  const time = parseTime(text, Date.now());
  if (time === undefined) throw badRequest(`invalid value for ${name}: "${text}" is neither a time nor a duration`);
  return time;
}

function parseQuery(query: Query): EventQuery {
  const since = timeOf(query, 'since');
  const until = timeOf(query, 'until');
  if (since !== undefined && until !== undefined && since > until)
    throw badRequest(`\`since\` time (${query.string('since')}) cannot be after \`until\` time (${query.string('until')})`);
  return { since, until, filters: parseEventFilters(query.optional('filters')) };
}

export function eventRoutes(parts: EventParts): (app: FastifyInstance) => void {
  return (app) => {
    app.get('/events', async (request, reply) => {
      const query = parseQuery(new Query(request));
      const scope = scopeOf(request);
      const stream = new EventStream(parts, scope, query);
      // What is over before now needs no live events.
      const isPast = query.until !== undefined && query.until <= BigInt(Date.now()) * 1_000_000n;
      const reader = isPast ? undefined : parts.hub.open();
      try {
        await reader?.start;
      } catch (error) {
        reader?.close();
        throw error;
      }
      const body = Readable.from(stream.lines(reader), { objectMode: true, highWaterMark: 16 });
      reply.raw.once('close', () => {
        reader?.close();
        body.destroy();
      });
      // From the head on the client misses nothing.
      return sendLive(reply, stream.contentType(request.headers.accept ?? ''), body);
    });
  };
}

class EventStream {
  readonly #parts: EventParts;
  readonly #scope: Scope;
  readonly #query: EventQuery;
  /** Sequence of the last event seen; everything after it is still to be told. */
  #position = -1;

  constructor(parts: EventParts, scope: Scope, query: EventQuery) {
    this.#parts = parts;
    this.#scope = scope;
    this.#query = query;
  }

  contentType(accept: string): string {
    const wanted = ['application/jsonl', 'application/x-ndjson', 'application/json-seq'].find((type) => accept.includes(type));
    return wanted ?? 'application/json';
  }

  #textOf(event: ReceivedEvent): string | undefined {
    this.#position = event.sequence;
    const docker = dockerEvent(event);
    if (docker === undefined || !matchesEvent(this.#query.filters, docker)) return undefined;
    if (this.#query.since !== undefined && docker.time < this.#query.since) return undefined;
    return eventText(adapted('event', this.#scope.version, eventMessage(docker)), docker.time);
  }

  async *lines(reader: EventReader | undefined): AsyncGenerator<string> {
    try {
      if (this.#query.since !== undefined || reader === undefined) yield* this.#past();
      if (reader !== undefined) {
        if (this.#position < 0) this.#position = await reader.start;
        yield* this.#live(reader);
      }
    } finally {
      reader?.close();
    }
  }

  /** By time, page by page, up to the newest. */
  async *#past(): AsyncGenerator<string> {
    const { since = 0n, until = 0n } = this.#query;
    let page = await this.#scope.call('event', 'list', { after: -1, since, until, limit: PAGE });
    for (;;) {
      for (const entry of page.events) {
        const text = this.#textOf(this.#parts.backend.decodeEvent(entry));
        if (text !== undefined) yield text;
      }
      this.#position = Math.max(this.#position, page.position);
      if (page.events.length < PAGE || page.position >= page.newest) return;
      page = await this.#scope.call('event', 'list', { after: page.position, until, limit: PAGE });
    }
  }

  /** What the log has after the last event seen: for a client that was too slow, or a subscription with a gap. */
  async *#missed(until: number): AsyncGenerator<string> {
    while (this.#position < until) {
      const page = await this.#scope.call('event', 'list', { after: this.#position, limit: PAGE });
      for (const entry of page.events) {
        if (entry.sequence > until) return;
        const text = this.#textOf(this.#parts.backend.decodeEvent(entry));
        if (text !== undefined) yield text;
      }
      if (page.events.length === 0 || page.position <= this.#position) {
        this.#position = Math.max(this.#position, page.position);
        return;
      }
      this.#position = page.position;
    }
  }

  async *#live(reader: EventReader): AsyncGenerator<string> {
    const timer = this.#endAt(reader);
    try {
      for await (const item of reader.items) {
        if (item.type === 'gap') continue;
        if (item.type === 'overrun') {
          yield* this.#missed(Number.MAX_SAFE_INTEGER);
          continue;
        }
        const { event } = item;
        if (event.sequence <= this.#position) continue;
        if (event.sequence > this.#position + 1) yield* this.#missed(event.sequence - 1);
        if (this.#query.until !== undefined && event.time > this.#query.until) return;
        const text = this.#textOf(event);
        if (text !== undefined) yield text;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the live part at `until`. */
  #endAt(reader: EventReader): NodeJS.Timeout | undefined {
    if (this.#query.until === undefined) return undefined;
    const ms = Number(this.#query.until / 1_000_000n) - Date.now();
    // Longer than a timer can run is as good as for ever.
    if (ms > 2 ** 31 - 1) return undefined;
    return setTimeout(() => reader.close(), Math.max(0, ms));
  }
}
