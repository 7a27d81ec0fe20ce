import type { ReceivedEvent } from '@cleat/sdk';
import { type Command, defineCommand } from '../command/command.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { type OperatorClient, withNode } from '../connection.ts';
import { EVENT_FORMATS, type EventFormat, eventLine } from '../events/event-text.ts';
import { textAt } from '../output/json.ts';
import { notice, write } from '../output/writer.ts';
import { timeFlag } from './logs.ts';

const ID_DIGITS = 12;

export const eventsCommand: Command = defineCommand({
  usage: ['events [flags]'],
  about: `Shows the events that the node keeps, in order, each once. With --follow it goes on with what happens, and begins
with that unless --since says otherwise. What retention has taken away in between is told on standard error.
--json is the same as --format json.`,
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on with what happens from now on' },
    format: { type: 'string', value: 'FORMAT', help: 'table, json or cloudevents (default table)' },
    since: { type: 'string', value: 'TIME', help: 'from this time on: RFC 3339, seconds since 1970, or 10m ago' },
    until: { type: 'string', value: 'TIME', help: 'up to this time' },
    after: { type: 'string', value: 'SEQUENCE', help: 'those after this one, by its number' },
    subject: { type: 'string', value: 'OBJECT', multiple: true, help: 'only of this object: id, beginning of an id, or name' },
    type: { type: 'string', value: 'TYPE', multiple: true, help: "only of this type: container.exited, 'container.*'" },
  },
  operands: { least: 0, most: 0 },
  json: true,
  examples: [
    { command: 'cleat events --since 10m', does: 'what happened in the last ten minutes' },
    { command: `cleat events --follow --type 'container.*' --subject web`, does: 'all that happens to one container' },
    {
      command: 'cleat events --follow --format cloudevents | while read -r event; do echo "$event" | ./act-on-it; done',
      does: 'feed another program with CloudEvents',
    },
  ],
  run: ({ flags, globals }) => {
    const format = formatOf(flags.format, globals.json);
    const since = timeFlag('--since', flags.since);
    const until = timeFlag('--until', flags.until);
    if (flags.after !== undefined && flags.since !== undefined) throw usageError('--after and --since contradict each other');
    if (flags.after !== undefined && !/^\d+$/.test(flags.after)) throw usageError(`--after ${flags.after}: not the number of an event`);
    return withNode(globals, async (node) => {
      const info = await node.call('node', 'info', {});
      const isBounded = !flags.follow;
      const after = flags.after === undefined ? await positionBefore(node, since, flags.follow) : Number(flags.after);
      const fits = (event: ReceivedEvent): boolean => isWanted(event, { types: flags.type, subjects: flags.subject, since });
      const end = isBounded ? info.newestEvent : Number.POSITIVE_INFINITY;
      await show(node, { after, end, until, fits, line: (event) => eventLine(event, { node: info.node, format }) });
      return EXIT_OK;
    });
  },
});

function formatOf(text: string | undefined, isJson: boolean): EventFormat {
  if (text === undefined) return isJson ? 'json' : 'table';
  const format = EVENT_FORMATS.find((known) => known === text);
  if (format === undefined) throw usageError(`--format ${text}: not ${EVENT_FORMATS.join(', ')}`);
  if (isJson && format !== 'json') throw usageError(`--json and --format ${text} contradict each other`);
  return format;
}

/** Where to begin: before the first event of that time; at the end when only what comes is wanted. */
async function positionBefore(node: OperatorClient, since: bigint, isFollowing: boolean): Promise<number | undefined> {
  if (since === 0n) return isFollowing ? undefined : 0;
  const { events, newest } = await node.call('event', 'list', { since, limit: 1 });
  const [first] = events;
  return first === undefined ? newest : first.sequence - 1;
}

interface Shown {
  readonly after: number | undefined;
  /** Number of the last one; infinity: none is. */
  readonly end: number;
  /** 0n: no bound. */
  readonly until: bigint;
  readonly fits: (event: ReceivedEvent) => boolean;
  readonly line: (event: ReceivedEvent) => string;
}

async function show(node: OperatorClient, { after, end, until, fits, line }: Shown): Promise<void> {
  if (after !== undefined && after >= end) return;
  const controller = new AbortController();
  // A time that is not yet over ends it also when nothing happens.
  const leftMs = until === 0n ? Number.POSITIVE_INFINITY : Number(until / 1_000_000n) - Date.now();
  const timer =
    end === Number.POSITIVE_INFINITY && leftMs < 2 ** 31
      ? setTimeout(() => controller.abort(), Math.max(0, leftMs) + UNTIL_GRACE_MS)
      : undefined;
  try {
    for await (const item of node.subscribe({ types: ['*'], signal: controller.signal, ...(after === undefined ? {} : { after }) })) {
      if (item.type === 'gap') {
        notice(`cleat: ${item.missed} events are gone: the node keeps only the newest`);
        continue;
      }
      const { event } = item;
      if (until > 0n && event.time > until) return;
      if (fits(event)) await writeSlowly(line(event));
      if (event.sequence >= end) return;
    }
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

/** What happened just before the end may still be on its way. */
const UNTIL_GRACE_MS = 500;

/** A reader that is slow slows this program, instead of filling its memory. */
async function writeSlowly(text: string): Promise<void> {
  if (process.stdout.writableNeedDrain) await new Promise((resolve) => process.stdout.once('drain', resolve));
  write(text);
}

interface Wanted {
  readonly types: readonly string[];
  readonly subjects: readonly string[];
  readonly since: bigint;
}

export function isWanted(event: ReceivedEvent, { types, subjects, since }: Wanted): boolean {
  if (since > 0n && event.time < since) return false;
  const isOfType =
    types.length === 0 ||
    types.some((type) => type === '*' || type === event.type || (type.endsWith('.*') && event.type.startsWith(type.slice(0, -1))));
  return isOfType && (subjects.length === 0 || subjects.some((subject) => isOf(event, subject)));
}

function isOf(event: ReceivedEvent, subject: string): boolean {
  if (event.subject === subject || textAt(event.data, 'name') === subject) return true;
  return subject.length >= ID_DIGITS && event.subject.startsWith(subject);
}
