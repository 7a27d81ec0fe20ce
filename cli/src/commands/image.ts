import { type Command, defineCommand } from '../command/command.ts';
import { type Entry, leaf } from '../command/entry.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { LONG_CALL, withNode } from '../connection.ts';
import { forEach } from '../container/each.ts';
import { jsonText } from '../output/json.ts';
import { byteText } from '../output/size.ts';
import { table } from '../output/table.ts';
import { nowNs, span } from '../output/time.ts';
import { notice, write } from '../output/writer.ts';
import { openArchive, receiveArchive, sendArchive } from '../streams/archive.ts';
import { filtersOf } from './filters.ts';
import { inspectAll } from './inspect.ts';

const importCommand: Command = defineCommand({
  usage: ['image import [flags] FILE|- [NAME[:TAG]]'],
  about: 'Makes an image of one layer from a tar archive of a root file system (plain, gzip or zstd).',
  options: {
    change: { type: 'string', short: 'c', value: 'INSTRUCTION', multiple: true, help: 'a Dockerfile instruction: CMD, ENV, USER, ...' },
    message: { type: 'string', short: 'm', value: 'TEXT', help: 'comment in its history' },
    platform: { type: 'string', value: 'OS/ARCH', help: "platform of the image (default the host's)" },
  },
  operands: { least: 1, most: 2 },
  examples: [
    { command: 'cleat image import rootfs.tar tools:1', does: 'an image of a root file system' },
    { command: `tar -C rootfs -c . | cleat image import -c 'CMD ["/bin/sh"]' - tools`, does: 'from a pipe, with a command' },
  ],
  run: ({ flags, operands, globals }) =>
    withNode(globals, async (node) => {
      const [file = '', target = ''] = operands;
      const source = await openArchive(file);
      const ticket = await node.call('image', 'import', {
        target,
        changes: flags.change,
        message: flags.message ?? '',
        platform: flags.platform ?? '',
      });
      for (const { id } of await sendArchive(ticket, source)) write(`${id}\n`);
      return EXIT_OK;
    }),
});

const loadCommand: Command = defineCommand({
  usage: ['image load [flags] [FILE|-]'],
  about: 'Loads the images of an archive of "docker save" or of an OCI layout. Without a file it reads standard input.',
  options: { quiet: { type: 'boolean', short: 'q', help: 'no progress' } },
  operands: { least: 0, most: 1 },
  examples: [
    { command: 'cleat image load images.tar', does: 'load from a file' },
    { command: 'docker save busybox | cleat image load', does: 'take an image over from Docker' },
  ],
  run: ({ flags, operands, globals }) =>
    withNode(globals, async (node) => {
      const source = await openArchive(operands[0] ?? '-');
      const ticket = await node.call('image', 'load', { quiet: flags.quiet });
      const onProgress = flags.quiet ? undefined : (text: string): void => notice(text);
      for (const { id, reference } of await sendArchive(ticket, source, onProgress)) write(`${reference === '' ? id : reference}\n`);
      return EXIT_OK;
    }),
});

const saveCommand: Command = defineCommand({
  usage: ['image save [flags] IMAGE...'],
  options: { output: { type: 'string', short: 'o', value: 'FILE', help: 'write to a file instead of standard output' } },
  operands: { least: 1 },
  examples: [
    { command: 'cleat image save -o images.tar busybox web:2', does: 'two images in one archive' },
    { command: 'cleat image save web:2 | ssh other cleat image load', does: 'to another host' },
  ],
  run: ({ flags, operands, globals }) => {
    if (flags.output === undefined && process.stdout.isTTY)
      throw usageError('an archive is not for a terminal', 'Give --output FILE, or send it to a pipe.');
    return withNode(globals, async (node) => {
      await receiveArchive(await node.call('image', 'save', { images: operands }), flags.output);
      return EXIT_OK;
    });
  },
});

const listCommand: Command = defineCommand({
  usage: ['image ls [flags]'],
  options: {
    all: { type: 'boolean', short: 'a', help: 'those that only other images use as well' },
    quiet: { type: 'boolean', short: 'q', help: 'ids only' },
    filter: { type: 'string', short: 'f', value: 'KEY=VALUE', multiple: true, help: 'dangling, label, reference, before, since or until' },
  },
  operands: { least: 0, most: 0 },
  json: true,
  examples: [
    { command: 'cleat image ls', does: 'what is here' },
    { command: "cleat image ls --filter 'reference=web*'", does: 'images by their name' },
  ],
  run: ({ flags, globals }) =>
    withNode(globals, async (node) => {
      const { images } = await node.call('image', 'list', { all: flags.all, filters: filtersOf(flags.filter) });
      if (globals.json) write(jsonText(images));
      else if (flags.quiet) write(images.map(({ id }) => `${shortId(id)}\n`).join(''));
      else {
        const now = nowNs();
        const rows = images.flatMap((image) =>
          (image.repoTags.length > 0 ? image.repoTags : ['<none>']).map((name) => [
            name,
            shortId(image.id),
            image.createdAt === 0n ? 'unknown' : `${span(now - image.createdAt)} ago`,
            byteText(image.sizeBytes),
          ]),
        );
        write(table(['IMAGE', 'ID', 'CREATED', 'SIZE'], rows));
      }
      return EXIT_OK;
    }),
});

function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

const removeCommand: Command = defineCommand({
  usage: ['image rm [flags] IMAGE...'],
  options: {
    force: { type: 'boolean', short: 'f', help: 'also with several names, or with stopped containers of it' },
    'no-prune': { type: 'boolean', help: 'keep parents that nothing else uses' },
  },
  operands: { least: 1 },
  examples: [{ command: 'cleat image rm web:1', does: 'take a name away, and the image with the last one' }],
  run: ({ flags, operands, globals }) =>
    withNode(globals, (node) =>
      forEach(operands, async (image) => {
        const { items } = await node.call('image', 'remove', { image, force: flags.force, noPrune: flags['no-prune'] }, LONG_CALL);
        return items.map(({ untagged, deleted }) => (deleted === null ? `untagged ${untagged ?? ''}` : `deleted ${deleted}`)).join('\n');
      }),
    ),
});

const tagCommand: Command = defineCommand({
  usage: ['image tag IMAGE NAME[:TAG]'],
  options: {},
  operands: { least: 2, most: 2 },
  examples: [{ command: 'cleat image tag web:2 web:latest', does: 'one more name' }],
  run: ({ operands, globals }) =>
    withNode(globals, async (node) => {
      await node.call('image', 'tag', { image: operands[0] ?? '', target: operands[1] ?? '' });
      return EXIT_OK;
    }),
});

const inspectCommand: Command = defineCommand({
  usage: ['image inspect IMAGE...'],
  about: 'Prints an array, always in JSON.',
  options: {},
  operands: { least: 1 },
  json: true,
  examples: [{ command: `cleat image inspect busybox | jq '.[0].config'`, does: 'what an image gives to its containers' }],
  run: ({ operands, globals }) => withNode(globals, (node) => inspectAll(operands, (image) => node.call('image', 'inspect', { image }))),
});

const historyCommand: Command = defineCommand({
  usage: ['image history IMAGE'],
  options: {},
  operands: { least: 1, most: 1 },
  json: true,
  examples: [{ command: 'cleat image history web', does: 'which step added what' }],
  run: ({ operands, globals }) =>
    withNode(globals, async (node) => {
      const { entries } = await node.call('image', 'history', { image: operands[0] ?? '' });
      const now = nowNs();
      if (globals.json) write(jsonText(entries));
      else
        write(
          table(
            ['CREATED', 'SIZE', 'BY'],
            entries.map((entry) => [
              entry.createdAt === 0n ? 'unknown' : `${span(now - entry.createdAt)} ago`,
              byteText(entry.sizeBytes),
              entry.createdBy || entry.comment,
            ]),
          ),
        );
      return EXIT_OK;
    }),
});

const pruneCommand: Command = defineCommand({
  usage: ['image prune [flags]'],
  options: { all: { type: 'boolean', short: 'a', help: 'every image that no container uses, also those with a name' } },
  operands: { least: 0, most: 0 },
  examples: [{ command: 'cleat image prune', does: 'remove images without a name' }],
  run: ({ flags, globals }) =>
    withNode(globals, async (node) => {
      const { items, spaceBytes } = await node.call('image', 'prune', { filters: { dangling: [String(!flags.all)] } }, LONG_CALL);
      write(items.map(({ untagged, deleted }) => `${deleted === null ? `untagged ${untagged ?? ''}` : `deleted ${deleted}`}\n`).join(''));
      write(`${byteText(spaceBytes)} are free again\n`);
      return EXIT_OK;
    }),
});

const entry = (name: string, summary: string, command: Command): Entry => leaf(name, summary, () => Promise.resolve(command));

export const imageEntries: readonly Entry[] = [
  entry('import', 'make an image from a root file system', importCommand),
  entry('load', 'load images from an archive', loadCommand),
  entry('save', 'write images to an archive', saveCommand),
  entry('ls', 'list images', listCommand),
  entry('rm', 'remove images', removeCommand),
  entry('tag', 'give an image one more name', tagCommand),
  entry('inspect', 'show all that is known of images', inspectCommand),
  entry('history', 'show how an image was made', historyCommand),
  entry('prune', 'remove images that nobody needs', pruneCommand),
];
