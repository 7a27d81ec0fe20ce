import type { event, journal } from './generated/contracts.ts';
import { eventSubject, eventTypeName } from './subjects.ts';

/** An event as a message of the stream: CloudEvents 1.0, binary content mode. */
export interface EventMessage {
  readonly subject: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

const SEQUENCE_DIGITS = 20;

/** The message of an event of a node. */
export function eventMessage(node: string, made: journal.OutboxEvent): EventMessage {
  const headers = new Map<string, string>([
    ['ce-specversion', '1.0'],
    ['ce-id', `${node}:${made.sequence}`],
    ['ce-source', `/nodes/${node}`],
    ['ce-type', eventTypeName(made.type)],
    ['ce-subject', encoded(made.subject)],
    ['ce-time', rfc3339(made.time)],
    ['ce-sequence', String(made.sequence).padStart(SEQUENCE_DIGITS, '0')],
    ['ce-datacontenttype', 'application/avro'],
    ['ce-dataschema', `cleat:${made.schema}`],
  ]);
  if (made.objectSequence > 0) headers.set('ce-objectsequence', String(made.objectSequence));
  return { subject: eventSubject(node, made.type, made.subject), headers, body: made.data };
}

/** An event as `event.list` gives it. */
export function eventEntry(node: string, made: journal.OutboxEvent): event.EntryInput {
  const { sequence, type, subject, time, objectSequence, schema, data } = made;
  return { ...{ sequence, type, subject, time, objectSequence, schema, data }, id: `${node}:${sequence}`, source: `/nodes/${node}` };
}

/** RFC 3339 with nanoseconds. */
export function rfc3339(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`;
}

/** Percent-encoding of the CloudEvents NATS binding: space, ", % and all outside U+0021 to U+007E. */
function encoded(text: string): string {
  return [...text].map((character) => (/[!#$&-~]/.test(character) ? character : percent(character))).join('');
}

function percent(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
