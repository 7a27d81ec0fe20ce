import { type Command, defineCommand } from '../command/command.ts';
import { type Entry, leaf } from '../command/entry.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { LONG_CALL, withNode } from '../connection.ts';
import { forEach } from '../container/each.ts';
import { keyValues } from '../container/key-values.ts';
import { jsonText, unpacked } from '../output/json.ts';
import { byteText } from '../output/size.ts';
import { table } from '../output/table.ts';
import { notice, write } from '../output/writer.ts';
import { filtersOf } from './filters.ts';
import { inspectAll } from './inspect.ts';

const listCommand: Command = defineCommand({
  usage: ['volume ls [flags]'],
  options: {
    quiet: { type: 'boolean', short: 'q', help: 'names only' },
    filter: { type: 'string', short: 'f', value: 'KEY=VALUE', multiple: true, help: 'name, label, driver or dangling' },
  },
  operands: { least: 0, most: 0 },
  json: true,
  examples: [
    { command: 'cleat volume ls', does: 'what is here' },
    { command: 'cleat volume ls -q --filter dangling=true', does: 'names of those that no container uses' },
  ],
  run: ({ flags, globals }) =>
    withNode(globals, async (node) => {
      const { volumes, warnings } = await node.call('volume', 'list', { filters: filtersOf(flags.filter) });
      for (const warning of warnings) notice(`cleat: warning: ${warning}`);
      if (globals.json) write(jsonText(volumes));
      else if (flags.quiet) write(volumes.map(({ name }) => `${name}\n`).join(''));
      else
        write(
          table(
            ['NAME', 'DRIVER', 'USED BY', 'MOUNTPOINT'],
            volumes.map(({ name, driver, references, mountpoint }) => [name, driver, String(references), mountpoint]),
          ),
        );
      return EXIT_OK;
    }),
});

const createCommand: Command = defineCommand({
  usage: ['volume create [flags] [NAME]'],
  options: {
    driver: { type: 'string', short: 'd', value: 'NAME', help: 'which driver keeps it (default local)' },
    opt: { type: 'string', short: 'o', value: 'KEY=VALUE', multiple: true, help: 'option of the driver' },
    label: { type: 'string', short: 'l', value: 'KEY=VALUE', multiple: true, help: 'add a label' },
  },
  operands: { least: 0, most: 1 },
  examples: [
    { command: 'cleat volume create data', does: 'a volume on this host' },
    { command: 'cleat volume create -o type=tmpfs -o device=tmpfs -o o=size=64m scratch', does: 'one in memory' },
  ],
  run: ({ flags, operands, globals }) =>
    withNode(globals, async (node) => {
      const { name } = await node.call(
        'volume',
        'create',
        {
          name: operands[0] ?? '',
          options: keyValues('--opt', flags.opt, { valueIsNeeded: false }),
          labels: keyValues('--label', flags.label, { valueIsNeeded: false }),
          ...(flags.driver === undefined ? {} : { driver: flags.driver }),
        },
        LONG_CALL,
      );
      write(`${name}\n`);
      return EXIT_OK;
    }),
});

const removeCommand: Command = defineCommand({
  usage: ['volume rm [flags] VOLUME...'],
  options: { force: { type: 'boolean', short: 'f', help: 'also when its driver does not know it any more' } },
  operands: { least: 1 },
  examples: [{ command: 'cleat volume rm data', does: 'remove a volume with all that is in it' }],
  run: ({ flags, operands, globals }) =>
    withNode(globals, (node) =>
      forEach(operands, async (name) => {
        await node.call('volume', 'remove', { name, force: flags.force }, LONG_CALL);
      }),
    ),
});

const inspectCommand: Command = defineCommand({
  usage: ['volume inspect VOLUME...'],
  about: 'Prints an array, always in JSON.',
  options: {},
  operands: { least: 1 },
  json: true,
  examples: [{ command: `cleat volume inspect data | jq -r '.[0].mountpoint'`, does: 'where it is on the host' }],
  run: ({ operands, globals }) =>
    withNode(globals, (node) =>
      inspectAll(operands, async (name) => {
        const info = await node.call('volume', 'inspect', { name });
        return { ...info, status: unpacked(info.status) };
      }),
    ),
});

const pruneCommand: Command = defineCommand({
  usage: ['volume prune [flags]'],
  options: { all: { type: 'boolean', short: 'a', help: 'those with a name as well' } },
  operands: { least: 0, most: 0 },
  examples: [{ command: 'cleat volume prune', does: 'remove anonymous volumes that no container uses' }],
  run: ({ flags, globals }) =>
    withNode(globals, async (node) => {
      const { removed, spaceBytes } = await node.call('volume', 'prune', { all: flags.all }, LONG_CALL);
      write(removed.map((name) => `${name}\n`).join(''));
      write(`${byteText(spaceBytes)} are free again\n`);
      return EXIT_OK;
    }),
});

const entry = (name: string, summary: string, command: Command): Entry => leaf(name, summary, () => Promise.resolve(command));

export const volumeEntries: readonly Entry[] = [
  entry('ls', 'list volumes', listCommand),
  entry('create', 'make a volume', createCommand),
  entry('rm', 'remove volumes', removeCommand),
  entry('inspect', 'show all that is known of volumes', inspectCommand),
  entry('prune', 'remove volumes that nobody uses', pruneCommand),
];
