import type { Codec, event, SchemaBook, sys } from '@cleat/schemas';
import type { ReceivedEvent } from '../plugin.ts';

const DATA_SCHEMA = 'cleat:';

/** An event as it travels: its attributes and its data in Avro. */
export type EventEntry = Pick<event.Entry, 'sequence' | 'type' | 'subject' | 'time' | 'objectSequence' | 'schema' | 'data'>;

/** Turns the data of events into records, by the fingerprint that each names. */
export class EventDecoder {
  readonly #book: SchemaBook;
  readonly #fetch: (fingerprint: string) => Promise<sys.SchemaResponse>;

  constructor(book: SchemaBook, fetch: (fingerprint: string) => Promise<sys.SchemaResponse>) {
    this.#book = book;
    this.#fetch = fetch;
  }

  /** Throws `unavailable` SCHEMA_UNKNOWN for a schema that was not learnt; `learn` does that. */
  decode(entry: EventEntry): ReceivedEvent {
    const { sequence, type, subject, time, objectSequence } = entry;
    return { sequence, type, subject, time, objectSequence, data: this.decodeRecord(entry.schema, entry.data) };
  }

  /** A record by its fingerprint, as the newest version of it that this process knows. */
  decodeRecord(fingerprint: string, data: Uint8Array): unknown {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const writer = this.#book.typeOf(fingerprint);
    const own = this.#ownVersion(writer.name ?? '');
    return own === undefined ? writer.fromBuffer(bytes) : this.#book.decode(own, fingerprint, bytes);
  }

  /** Asks the kernel for a schema that this process does not have: its sender is newer. */
  async learn(fingerprint: string): Promise<void> {
    if (this.#book.knows(fingerprint)) return;
    const { schema } = await this.#fetch(fingerprint);
    this.#book.publishSchema(JSON.parse(schema));
  }

  #ownVersion(name: string): Codec<unknown> | undefined {
    const contract = /^cleat\.([a-z][a-z0-9-]*)\.v\d+\./.exec(name)?.[1];
    if (contract === undefined || this.#book.versionsOf(contract).length === 0) return undefined;
    try {
      return this.#book.record(contract, name);
    } catch {
      // A record that only newer versions of the contract have: read as its writer wrote it.
      return undefined;
    }
  }
}

/** `container.exited` of `dev.cleat.container.exited.v1`. */
export function shortType(name: string): string {
  return name.replace(/^dev\.cleat\./, '').replace(/\.v\d+$/, '');
}

/** The attributes of a CloudEvent in binary mode, and its body, as an entry. Undefined for what is no event of Cleat. */
export function entryOf(headers: ReadonlyMap<string, string>, body: Buffer): EventEntry | undefined {
  const type = headers.get('ce-type');
  const sequence = Number(headers.get('ce-sequence'));
  const schema = headers.get('ce-dataschema') ?? '';
  if (type === undefined || !Number.isSafeInteger(sequence) || !schema.startsWith(DATA_SCHEMA)) return undefined;
  return {
    sequence,
    type: shortType(type),
    subject: percentDecoded(headers.get('ce-subject') ?? ''),
    time: nanoseconds(headers.get('ce-time') ?? ''),
    objectSequence: Number(headers.get('ce-objectsequence') ?? 0),
    schema: schema.slice(DATA_SCHEMA.length),
    data: body,
  };
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not valid UTF-8: shown as it came.
    return text;
  }
}

/** RFC 3339 with up to nine digits of a second. */
function nanoseconds(text: string): bigint {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z$/.exec(text);
  if (match === null) return 0n;
  const [, seconds = '', fraction = ''] = match;
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
