import { type EventTypeFacts, eventTypes } from '../event-types.ts';
import { eventTypeName } from '../subjects.ts';
import { GENERATED, table } from './markdown.ts';

const HEADERS: readonly (readonly [string, string])[] = [
  ['ce-specversion', '`1.0`'],
  ['ce-id', '`<node>:<sequence>`; with ce-source it is unique'],
  ['ce-source', '`/nodes/<node>`'],
  ['ce-type', '`dev.cleat.<noun>.<past>.v1`'],
  ['ce-subject', 'id of the object, percent-encoded'],
  ['ce-time', 'RFC 3339 with nanoseconds'],
  ['ce-sequence', 'number of the event on its node in 20 digits, gap-free: the position of a consumer'],
  ['ce-objectsequence', 'counts the events of one container from 1; on events of containers only'],
  ['ce-datacontenttype', '`application/avro`'],
  ['ce-dataschema', '`cleat:<fingerprint>`: `sys.schema` gives the schema of a fingerprint'],
];

/** docs/reference/events.md */
export function eventPage(): string {
  const types = eventTypes();
  const nouns = [...new Set(types.map(({ type }) => type.slice(0, type.indexOf('.'))))];
  const parts = [
    GENERATED,
    '# Events',
    'Every state change is one event, exactly once, in order, and kept in the JetStream stream `EVENTS`. How to read them: [events for plugin authors](../plugin-authors/events.md).',
    'Subject: `cleat.v1.ev.<node>.<noun>.<past>.<id>`. An event is a CloudEvent 1.0 in binary mode:',
    table(
      ['header', 'holds'],
      HEADERS.map(([name, holds]) => [`\`${name}\``, holds]),
    ),
    'The body is Avro and holds only what no header says.',
    ...nouns.flatMap((noun) =>
      section(
        noun,
        types.filter(({ type }) => type.startsWith(`${noun}.`)),
      ),
    ),
  ];
  return `${parts.join('\n\n')}\n`;
}

function section(noun: string, types: readonly EventTypeFacts[]): readonly string[] {
  const [first] = types;
  const who = first?.by === 'kernel' ? 'the kernel' : `the plugin ${first?.by ?? ''}, through the kernel`;
  const rows = types.map(({ type, record, meaning, since, properties }) => [
    `\`${type}\``,
    meaning,
    `[${record}](contracts/event.md#${record.toLowerCase()})${properties === undefined ? '' : `: ${properties.map((name) => `\`${name}\``).join(', ')}`}`,
    since,
  ]);
  return [
    `## ${noun}`,
    `Published by ${who}. Subject: ${first?.subject ?? ''}. Type in \`ce-type\`: \`${eventTypeName(`${noun}.<past>`)}\`.`,
    table(['event', 'when', 'data', 'since'], rows),
  ];
}
