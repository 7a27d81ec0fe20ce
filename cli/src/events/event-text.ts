import type { ReceivedEvent } from '@cleat/sdk';
import { toCloudEvent } from '@cleat/sdk/client';
import { isRecord, jsonLine, numberAt, textAt } from '../output/json.ts';
import { printable } from '../output/table.ts';
import { rfc3339 } from '../output/time.ts';

/** How "cleat events" writes an event. */
export type EventFormat = 'table' | 'json' | 'cloudevents';

export const EVENT_FORMATS: readonly EventFormat[] = ['table', 'json', 'cloudevents'];

export interface EventSource {
  /** Id of the node. */
  readonly node: string;
  readonly format: EventFormat;
}

export function eventLine(event: ReceivedEvent, { node, format }: EventSource): string {
  switch (format) {
    case 'json':
      return jsonLine(event);
    case 'cloudevents':
      return jsonLine(toCloudEvent(event, node));
    case 'table':
      return `${rfc3339(event.time)}  ${event.type.padEnd(22)} ${printable(event.subject).slice(0, 12).padEnd(12)}  ${printable(details(event.data))}`
        .trimEnd()
        .concat('\n');
  }
}

/** What a line has room for: the name, what the event is about, and who did it. */
function details(data: unknown): string {
  const words = [textAt(data, 'name')];
  if (!isRecord(data)) return '';
  for (const [name, value] of [...Object.entries(data), ...entriesAt(data, 'attributes'), ...entriesAt(data, 'properties')]) {
    const isShown =
      (typeof value === 'string' && value !== '' && name !== 'name') ||
      (typeof value === 'number' && (value !== 0 || name === 'exitCode')) ||
      value === true;
    if (isShown && name !== 'durationNs') words.push(`${name}=${String(value)}`);
  }
  const ns = numberAt(data, 'durationNs');
  if (ns > 0) words.push(`after=${(ns / 1e9).toFixed(1)}s`);
  const principal = textAt(data['actor'], 'principal');
  if (principal !== '') words.push(`by=${principal}`);
  return words.filter((word) => word !== '').join(' ');
}

function entriesAt(data: Readonly<Record<string, unknown>>, name: string): readonly (readonly [string, unknown])[] {
  const found = data[name];
  return isRecord(found) ? Object.entries(found) : [];
}
