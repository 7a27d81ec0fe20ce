import { eventTypeName, rfc3339 } from '@cleat/schemas';
import type { ReceivedEvent } from '../plugin.ts';

const SEQUENCE_DIGITS = 20;

/** A CloudEvent 1.0 in the JSON event format: what leaves the bus (HTTP, webhooks, files). Every value is one of JSON. */
export interface CloudEvent {
  readonly specversion: '1.0';
  /** `<node>:<sequence>`: unique with the source. */
  readonly id: string;
  readonly source: string;
  /** dev.cleat.container.exited.v1 */
  readonly type: string;
  readonly subject: string;
  /** RFC 3339, with nanoseconds. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  /** Sorts as text. */
  readonly sequence: string;
  /** Of a container's events; absent for those of other objects. */
  readonly objectsequence?: string;
  readonly data: unknown;
}

/** The event as a CloudEvent, with its data as JSON: numbers that JSON cannot hold become text, bytes become base64. */
export function toCloudEvent(event: ReceivedEvent, node: string): CloudEvent {
  const { sequence, objectSequence } = event;
  return {
    specversion: '1.0',
    id: `${node}:${sequence}`,
    source: `/nodes/${node}`,
    type: eventTypeName(event.type),
    subject: event.subject,
    time: rfc3339(event.time),
    datacontenttype: 'application/json',
    sequence: String(sequence).padStart(SEQUENCE_DIGITS, '0'),
    ...(objectSequence > 0 ? { objectsequence: String(objectSequence) } : {}),
    data: toJson(event.data),
  };
}

function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toJson(part)]));
}
