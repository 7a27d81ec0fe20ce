import { open } from 'node:fs/promises';
import { type Command, defineCommand } from '../command/command.ts';
import { type Entry, leaf } from '../command/entry.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { withNode } from '../connection.ts';
import { forEach } from '../container/each.ts';
import { systemReason } from '../output/file-failure.ts';
import { jsonText, unpacked } from '../output/json.ts';
import { table } from '../output/table.ts';
import { notice, write } from '../output/writer.ts';

const addCommand: Command = defineCommand({
  usage: ['consumer add [flags] NAME'],
  about: `Gives a program outside the platform credentials of its own, which allow it to read events and nothing else, and a
position that is kept while it is away. The credentials are shown once; with --out they go to a file that only
its owner can read. docs/plugin-authors tells how to read with them.`,
  options: {
    subject: { type: 'string', value: 'EVENTS', help: "which events it gets: container.exited, 'container.*' (default all)" },
    from: { type: 'string', value: 'WHERE', help: 'now, oldest, or the number of the last event it has had (default now)' },
    out: { type: 'string', short: 'o', value: 'FILE', help: 'write the credentials to this new file, mode 0600' },
  },
  operands: { least: 1, most: 1 },
  json: true,
  examples: [
    { command: 'cleat consumer add audit --out /etc/audit/cleat.json', does: 'all events from now on' },
    {
      command: `cleat consumer add billing --subject 'container.*' --from oldest -o billing.json`,
      does: 'those of containers, as far back as they are kept',
    },
  ],
  run: ({ flags, operands, globals }) => {
    const after = positionOf(flags.from ?? 'now');
    return withNode(globals, async (node) => {
      // The file comes first: credentials that cannot be written would be lost.
      const file = flags.out === undefined ? undefined : await createFile(flags.out);
      try {
        const added = await node.call('plugin', 'consumerAdd', {
          name: operands[0] ?? '',
          after,
          ...(flags.subject === undefined ? {} : { type: flags.subject }),
        });
        const { name, url, consumer, subject } = added;
        await file?.writeFile(`${added.credentials}\n`);
        if (globals.json)
          write(
            jsonText({
              name,
              url,
              consumer,
              subject,
              ...(file === undefined ? { credentials: unpacked(added.credentials) } : { out: flags.out }),
            }),
          );
        else if (file === undefined) write(`${added.credentials}\n`);
        else notice(`${name} reads ${subject} at ${url}; its credentials are in ${flags.out ?? ''}`);
        return EXIT_OK;
      } catch (error) {
        await file?.discard();
        throw error;
      } finally {
        await file?.close();
      }
    });
  },
});

function positionOf(from: string): number {
  if (from === 'now') return -1;
  if (from === 'oldest') return 0;
  if (!/^\d+$/.test(from)) throw usageError(`--from ${from}: neither now, oldest, nor the number of an event`);
  return Number(from);
}

interface SecretFile {
  writeFile(text: string): Promise<void>;
  discard(): Promise<void>;
  close(): Promise<void>;
}

/** A file that was not there before, so that nobody else has it open. */
async function createFile(path: string): Promise<SecretFile> {
  try {
    const handle = await open(path, 'wx', 0o600);
    return {
      writeFile: async (text) => {
        await handle.writeFile(text);
        await handle.sync();
      },
      discard: async () => {
        const { rm } = await import('node:fs/promises');
        await rm(path, { force: true });
      },
      close: () => handle.close(),
    };
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw usageError(isThere ? `--out ${path}: there is such a file already` : `--out ${path}: ${systemReason(error)}`);
  }
}

const listCommand: Command = defineCommand({
  usage: ['consumer ls'],
  options: {},
  operands: { least: 0, most: 0 },
  json: true,
  examples: [{ command: 'cleat consumer ls', does: 'who reads events, and how far behind they are' }],
  run: ({ globals }) =>
    withNode(globals, async (node) => {
      const { consumers } = await node.call('plugin', 'consumerList', {});
      if (globals.json) write(jsonText(consumers));
      else
        write(
          table(
            ['NAME', 'EVENTS', 'POSITION', 'PENDING'],
            consumers.map(({ name, type, position, pending, gone }) => [
              name,
              type,
              gone ? 'behind what is kept' : String(position),
              String(pending),
            ]),
          ),
        );
      return EXIT_OK;
    }),
});

const removeCommand: Command = defineCommand({
  usage: ['consumer rm NAME...'],
  options: {},
  operands: { least: 1 },
  examples: [{ command: 'cleat consumer rm audit', does: 'take credentials and position away' }],
  run: ({ operands, globals }) =>
    withNode(globals, (node) =>
      forEach(operands, async (name) => {
        await node.call('plugin', 'consumerRemove', { name });
      }),
    ),
});

const entry = (name: string, summary: string, command: Command): Entry => leaf(name, summary, () => Promise.resolve(command));

export const consumerEntries: readonly Entry[] = [
  entry('add', 'let a program outside the platform read events', addCommand),
  entry('ls', 'list such programs', listCommand),
  entry('rm', 'take their credentials and positions away', removeCommand),
];
