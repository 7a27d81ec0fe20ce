import { type Command, defineCommand } from '../command/command.ts';
import { type Entry, leaf } from '../command/entry.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { LONG_CALL, withNode } from '../connection.ts';
import { forEach } from '../container/each.ts';
import { keyValues } from '../container/key-values.ts';
import { jsonText } from '../output/json.ts';
import { table } from '../output/table.ts';
import { notice, write } from '../output/writer.ts';
import { filtersOf } from './filters.ts';
import { inspectAll } from './inspect.ts';

const listCommand: Command = defineCommand({
  usage: ['network ls [flags]'],
  options: {
    quiet: { type: 'boolean', short: 'q', help: 'ids only' },
    filter: { type: 'string', short: 'f', value: 'KEY=VALUE', multiple: true, help: 'name, id, driver, label, scope, type or dangling' },
  },
  operands: { least: 0, most: 0 },
  json: true,
  examples: [{ command: 'cleat network ls', does: 'what is here' }],
  run: ({ flags, globals }) =>
    withNode(globals, async (node) => {
      const { networks } = await node.call('network', 'list', { filters: filtersOf(flags.filter) });
      if (globals.json) write(jsonText(networks));
      else if (flags.quiet) write(networks.map(({ id }) => `${id.slice(0, 12)}\n`).join(''));
      else
        write(
          table(
            ['ID', 'NAME', 'DRIVER', 'SUBNETS', 'ENDPOINTS'],
            networks.map(({ id, name, driver, pools, endpoints }) => [
              id.slice(0, 12),
              name,
              driver,
              pools.map(({ subnet }) => subnet).join(', '),
              String(endpoints.length),
            ]),
          ),
        );
      return EXIT_OK;
    }),
});

const createCommand: Command = defineCommand({
  usage: ['network create [flags] NAME'],
  options: {
    driver: { type: 'string', short: 'd', value: 'NAME', help: 'which driver makes it (default bridge)' },
    subnet: { type: 'string', value: 'CIDR', help: 'its addresses (default: chosen)' },
    'ip-range': { type: 'string', value: 'CIDR', help: 'with --subnet: which of them containers get' },
    gateway: { type: 'string', value: 'ADDRESS', help: 'with --subnet: address of the host in it' },
    internal: { type: 'boolean', help: 'no way out of it' },
    opt: { type: 'string', short: 'o', value: 'KEY=VALUE', multiple: true, help: 'option of the driver' },
    label: { type: 'string', short: 'l', value: 'KEY=VALUE', multiple: true, help: 'add a label' },
  },
  operands: { least: 1, most: 1 },
  examples: [
    { command: 'cleat network create front', does: 'a bridge of its own, with names' },
    {
      command: 'cleat network create --subnet 10.9.0.0/24 --gateway 10.9.0.1 --internal back',
      does: 'with addresses that are given, and no way out',
    },
  ],
  run: ({ flags, operands, globals }) => {
    const isPartial = flags.subnet === undefined && (flags['ip-range'] !== undefined || flags.gateway !== undefined);
    if (isPartial) throw usageError('--ip-range and --gateway need --subnet');
    const pools =
      flags.subnet === undefined ? [] : [{ subnet: flags.subnet, range: flags['ip-range'] ?? '', gateway: flags.gateway ?? '' }];
    return withNode(globals, async (node) => {
      const { id, warnings } = await node.call(
        'network',
        'create',
        {
          ...{ name: operands[0] ?? '', internal: flags.internal, pools },
          options: keyValues('--opt', flags.opt, { valueIsNeeded: false }),
          labels: keyValues('--label', flags.label, { valueIsNeeded: false }),
          ...(flags.driver === undefined ? {} : { driver: flags.driver }),
        },
        LONG_CALL,
      );
      for (const warning of warnings) notice(`cleat: warning: ${warning}`);
      write(`${id}\n`);
      return EXIT_OK;
    });
  },
});

const removeCommand: Command = defineCommand({
  usage: ['network rm NETWORK...'],
  options: {},
  operands: { least: 1 },
  examples: [{ command: 'cleat network rm front', does: 'remove a network that no container uses' }],
  run: ({ operands, globals }) =>
    withNode(globals, (node) =>
      forEach(operands, async (network) => {
        await node.call('network', 'remove', { network }, LONG_CALL);
      }),
    ),
});

const inspectCommand: Command = defineCommand({
  usage: ['network inspect NETWORK...'],
  about: 'Prints an array, always in JSON.',
  options: {},
  operands: { least: 1 },
  json: true,
  examples: [
    { command: `cleat network inspect front | jq -r '.[0].endpoints[] | "\\(.name) \\(.ipv4)"'`, does: 'who is in it, at which address' },
  ],
  run: ({ operands, globals }) =>
    withNode(globals, (node) => inspectAll(operands, (network) => node.call('network', 'inspect', { network }))),
});

const entry = (name: string, summary: string, command: Command): Entry => leaf(name, summary, () => Promise.resolve(command));

export const networkEntries: readonly Entry[] = [
  entry('ls', 'list networks', listCommand),
  entry('create', 'make a network', createCommand),
  entry('rm', 'remove networks', removeCommand),
  entry('inspect', 'show all that is known of networks', inspectCommand),
];
