import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SafeRoot } from '@cleat/sdk/filesystem';
import { type Command, defineCommand } from '../command/command.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { type OperatorClient, withNode } from '../connection.ts';
import { withFiles } from '../container/container-files.ts';
import { archiveOf, type CopyOptions, copyFiles, type Place, unpack } from '../container/file-copy.ts';

const ROOT_OWNER = { uid: 0, gid: 0 };

export const copyCommand: Command = defineCommand({
  usage: ['cp [flags] CONTAINER:PATH PATH|-', 'cp [flags] PATH|- CONTAINER:PATH'],
  about: `Copies files and directories from a container or into one, whether it runs or not. Into a directory that is there they
go under their own name, "dir/." is what is in it. "-" is a tar archive on standard output or input.`,
  options: {
    archive: { type: 'boolean', short: 'a', help: 'keep owners (else: root in a container, you on the host)' },
    'follow-link': { type: 'boolean', short: 'L', help: 'copy what a link at the source leads to' },
  },
  operands: { least: 2, most: 2 },
  examples: [
    { command: 'cleat cp web:/etc/nginx.conf .', does: 'a file to here' },
    { command: 'cleat cp ./site/. web:/www', does: 'what is in a directory into another' },
    { command: 'cleat cp web:/var/log - | tar -t', does: 'as an archive' },
  ],
  run: async ({ flags, operands, globals }) => {
    const [from, to] = [parseEnd(operands[0] ?? ''), parseEnd(operands[1] ?? '')];
    if ((from.container === undefined) === (to.container === undefined))
      throw usageError('one of the two has to be in a container: CONTAINER:PATH');
    const options = {
      isFollowing: flags['follow-link'],
      signal: new AbortController().signal,
      owner: flags.archive ? undefined : to.container === undefined ? ownIds() : ROOT_OWNER,
    };
    await withNode(globals, (node) =>
      from.container === undefined
        ? copyIn(node, from.path, { container: to.container ?? '', path: to.path }, options)
        : copyOut(node, { container: from.container, path: from.path }, to.path, options),
    );
    return EXIT_OK;
  },
});

interface InContainer {
  readonly container: string;
  readonly path: string;
}

async function copyIn(node: OperatorClient, from: string, to: InContainer, options: CopyOptions): Promise<void> {
  if (from === '-' && process.stdin.isTTY) throw usageError('an archive does not come from a terminal');
  await withFiles(node, to.container, async (files) => {
    const place = { ...files, path: to.path, label: `${to.container}:${to.path}` };
    if (from === '-') await unpack(process.stdin, place, options);
    else await onHost(from, (host) => copyFiles(host, place, options));
  });
}

async function copyOut(node: OperatorClient, from: InContainer, to: string, options: CopyOptions): Promise<void> {
  if (to === '-' && process.stdout.isTTY) throw usageError('an archive does not go to a terminal');
  await withFiles(node, from.container, async (files) => {
    const place = { ...files, path: from.path, label: `${from.container}:${from.path}` };
    if (to === '-') await pipeline(archiveOf(place, options), process.stdout);
    else await onHost(to, (host) => copyFiles(place, host, options));
  });
}

async function onHost(path: string, work: (place: Place) => Promise<void>): Promise<void> {
  const root = new SafeRoot('/');
  // What says "the directory itself", or "what is in it", is lost by resolve.
  const end = /(?:^|\/)\.$/.test(path) ? '/.' : path.endsWith('/') ? '/' : '';
  try {
    await work({ root, path: `${resolve(path)}${end}`, mounts: { has: () => true }, label: path });
  } finally {
    root.close();
  }
}

function ownIds(): { readonly uid: number; readonly gid: number } {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/** A path that begins with a slash or dot is one of this host, with colons in it or not. */
function parseEnd(text: string): { readonly container: string | undefined; readonly path: string } {
  const colon = text.indexOf(':');
  if (colon < 1 || text.startsWith('/') || text.startsWith('.')) return { container: undefined, path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) || '/' };
}
