import type { container } from '@cleat/schemas';
import { type Command, defineCommand } from '../command/command.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { type OperatorClient, withNode } from '../connection.ts';
import { type ContainerSummary, hasProcess, portText, statusText, summaryOf } from '../container/summary.ts';
import { jsonText } from '../output/json.ts';
import { shortened, table } from '../output/table.ts';
import { nowNs, span } from '../output/time.ts';
import { write } from '../output/writer.ts';

const COMMAND_WIDTH = 24;

export const psCommand: Command = defineCommand({
  usage: ['ps [flags]'],
  options: {
    all: { type: 'boolean', short: 'a', help: 'those that do not run as well' },
    quiet: { type: 'boolean', short: 'q', help: 'ids only' },
    filter: { type: 'string', short: 'f', value: 'KEY=VALUE', multiple: true, help: 'only those with this name, status, label or network' },
    'no-trunc': { type: 'boolean', help: 'whole ids and commands' },
  },
  operands: { least: 0, most: 0 },
  json: true,
  examples: [
    { command: 'cleat ps', does: 'what runs' },
    { command: 'cleat rm $(cleat ps -aq --filter status=exited)', does: 'remove all that have ended' },
    { command: `cleat ps --all --json | jq -r '.[] | select(.exitCode > 0) | .name'`, does: 'names of those that failed' },
  ],
  run: ({ flags, globals }) =>
    withNode(globals, async (node) => {
      const wants = flags.filter.map(parseFilter);
      const infos = await allContainers(node);
      const shown = infos
        .filter((info) => flags.all || flags.filter.some((text) => text.startsWith('status=')) || hasProcess(info))
        .map(summaryOf)
        .filter((summary) => wants.every((fits) => fits(summary)))
        .sort((left, right) => (left.createdAt < right.createdAt ? 1 : -1));
      if (flags.quiet) write(shown.map(({ id }) => `${flags['no-trunc'] ? id : id.slice(0, 12)}\n`).join(''));
      else if (globals.json) write(jsonText(shown));
      else write(listing(shown, flags['no-trunc']));
      return EXIT_OK;
    }),
});

/** Every container, page by page. */
export async function allContainers(node: OperatorClient): Promise<readonly container.Info[]> {
  const infos: container.Info[] = [];
  let cursor = '';
  do {
    const page = await node.call('container', 'list', { cursor });
    infos.push(...page.containers);
    cursor = page.cursor;
  } while (cursor !== '');
  return infos;
}

function listing(summaries: readonly ContainerSummary[], isWhole: boolean): string {
  const now = nowNs();
  const rows = summaries.map((summary) => {
    const command = summary.command.join(' ');
    return [
      isWhole ? summary.id : summary.id.slice(0, 12),
      summary.image,
      isWhole ? command : shortened(command, COMMAND_WIDTH),
      `${span(now - summary.createdAt)} ago`,
      statusText(summary, now),
      portText(summary.ports),
      summary.name,
    ];
  });
  return table(['ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAME'], rows);
}

function parseFilter(text: string): (summary: ContainerSummary) => boolean {
  const equals = text.indexOf('=');
  const key = text.slice(0, Math.max(equals, 0));
  const value = text.slice(equals + 1);
  switch (key) {
    case 'name':
      return ({ name }) => name.includes(value);
    case 'status':
      return ({ status }) => status === value;
    case 'network':
      return ({ networks }) => networks.includes(value);
    case 'label': {
      const [name = '', wanted] = [value.split('=')[0], value.includes('=') ? value.slice(value.indexOf('=') + 1) : undefined];
      return ({ labels }) => labels[name] !== undefined && (wanted === undefined || labels[name] === wanted);
    }
    default:
      throw usageError(`--filter ${text}: not name=, status=, label= or network=`);
  }
}
