import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { plugin } from '@cleat/schemas';
import { type Command, defineCommand } from '../command/command.ts';
import { type Entry, leaf } from '../command/entry.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { LONG_CALL, withNode } from '../connection.ts';
import { forEach } from '../container/each.ts';
import { integerFlag } from '../container/limit-flags.ts';
import { systemReason } from '../output/file-failure.ts';
import { isRecord, jsonText, parseObject, unpacked } from '../output/json.ts';
import { table } from '../output/table.ts';
import { nowNs, span } from '../output/time.ts';
import { notice, write } from '../output/writer.ts';
import { pluginsReady } from '../platform/readiness.ts';
import { inspectAll } from './inspect.ts';

/** Whoever installs one wants to use it next, or to hear why it does not come. */
const READY_MS = 20_000;

const listCommand: Command = defineCommand({
  usage: ['plugin ls'],
  options: {},
  operands: { least: 0, most: 0 },
  json: true,
  examples: [
    { command: 'cleat plugin ls', does: 'which plugins there are, and how they are' },
    {
      command: `cleat plugin ls --json | jq -r '.[] | select(.state != "ready") | "\\(.name): \\(.reason)"'`,
      does: 'those that are not well, and why',
    },
  ],
  run: ({ globals }) =>
    withNode(globals, async (node) => {
      const { plugins } = await node.call('plugin', 'list', {});
      if (globals.json) write(jsonText(plugins.map(pluginObject)));
      else write(listing(plugins));
      return EXIT_OK;
    }),
});

function listing(plugins: readonly plugin.Info[]): string {
  const now = nowNs();
  const rows = plugins.map(({ name, version, state, reason, enabled, origin, process: group, pid, restarts, readySince }) => [
    name,
    version,
    !enabled ? 'disabled' : state === 'ready' ? `ready ${span(now - readySince)}` : `${state}${reason === '' ? '' : `: ${reason}`}`,
    pid === 0 ? group : `${group} (${pid})`,
    String(restarts),
    origin,
  ]);
  return table(['NAME', 'VERSION', 'STATE', 'PROCESS', 'RESTARTS', 'ORIGIN'], rows);
}

/** Manifest and grant are JSON texts on the bus; here they are what they hold. */
function pluginObject(info: plugin.Info): unknown {
  return { ...info, manifest: unpacked(info.manifest), grant: unpacked(info.grant) };
}

const inspectCommand: Command = defineCommand({
  usage: ['plugin inspect NAME...'],
  about: 'Prints an array with manifest, grant and state, always in JSON.',
  options: {},
  operands: { least: 1 },
  json: true,
  examples: [{ command: `cleat plugin inspect storage | jq '.[0].grant'`, does: 'what a plugin may do' }],
  run: ({ operands, globals }) =>
    withNode(globals, (node) => inspectAll(operands, async (name) => pluginObject(await node.call('plugin', 'inspect', { name })))),
});

const installCommand: Command = defineCommand({
  usage: ['plugin install [flags] DIR'],
  about: `Installs the plugin of a directory with a manifest.json, and starts it. It is granted what its manifest asks for,
or the less that --grant says; what it was granted is shown. Installed again, it is upgraded. Returns when it is ready.`,
  options: {
    grant: { type: 'string', value: 'FILE', help: 'JSON file with the grant, within what the manifest asks for' },
    disabled: { type: 'boolean', help: 'do not start it yet' },
  },
  operands: { least: 1, most: 1 },
  json: true,
  examples: [
    { command: 'cleat plugin install ./my-volumes', does: 'install a plugin and start it' },
    { command: 'cleat plugin install --disabled --grant less.json ./my-volumes', does: 'with less than it asks for, and not yet' },
  ],
  run: ({ flags, operands, globals }) => {
    const grant = flags.grant === undefined ? '' : readGrant(flags.grant);
    return withNode(globals, async (node) => {
      const info = await node.call(
        'plugin',
        'install',
        { directory: resolve(operands[0] ?? ''), grant, enable: !flags.disabled },
        LONG_CALL,
      );
      if (globals.json) write(jsonText(pluginObject(info)));
      else {
        write(`${info.name}\n`);
        for (const line of grantLines(parseObject(info.grant))) notice(line);
      }
      await pluginsReady(node, [info.name], READY_MS);
      return EXIT_OK;
    });
  },
});

function readGrant(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (!isRecord(JSON.parse(text))) throw new Error('it is no JSON object');
    return text;
  } catch (error) {
    throw usageError(`--grant ${path}: ${systemReason(error)}`);
  }
}

const GRANT_WORDS: Readonly<Record<string, string>> = {
  uses: 'may call',
  intercepts: 'judges',
  publishes: 'publishes',
  consumes: 'reads events of',
  contribution: 'may give containers',
  mountRoots: 'with mounts below',
};

/** What a grant allows, a line each. */
export function grantLines(grant: Readonly<Record<string, unknown>>): readonly string[] {
  const lists = Object.entries(GRANT_WORDS).flatMap(([name, words]) => {
    const list = grant[name];
    return Array.isArray(list) && list.length > 0 ? [`  ${words} ${list.join(', ')}`] : [];
  });
  return [...lists, ...(grant['speakFor'] === true ? ['  may act on behalf of others'] : [])];
}

const enableCommand: Command = defineCommand({
  usage: ['plugin enable NAME...'],
  options: {},
  operands: { least: 1 },
  examples: [{ command: 'cleat plugin enable my-volumes', does: 'start it, now and at every start of the platform' }],
  run: ({ operands, globals }) =>
    withNode(globals, (node) =>
      forEach(operands, async (name) => {
        await node.call('plugin', 'enable', { name }, LONG_CALL);
        await pluginsReady(node, [name], READY_MS);
      }),
    ),
});

const FORCE_HELP = 'also while it is used: containers run on, and what it should undo is owed to it';

const disableCommand: Command = defineCommand({
  usage: ['plugin disable [flags] NAME...'],
  options: { force: { type: 'boolean', short: 'f', help: FORCE_HELP } },
  operands: { least: 1 },
  examples: [{ command: 'cleat plugin disable my-volumes', does: 'stop it, and leave it installed' }],
  run: ({ flags, operands, globals }) =>
    withNode(globals, (node) =>
      forEach(operands, async (name) => {
        await node.call('plugin', 'disable', { name, force: flags.force }, LONG_CALL);
      }),
    ),
});

const removeCommand: Command = defineCommand({
  usage: ['plugin rm [flags] NAME...'],
  options: { force: { type: 'boolean', short: 'f', help: FORCE_HELP } },
  operands: { least: 1 },
  examples: [{ command: 'cleat plugin rm my-volumes', does: 'stop it and forget it; its own state stays' }],
  run: ({ flags, operands, globals }) =>
    withNode(globals, (node) =>
      forEach(operands, async (name) => {
        await node.call('plugin', 'remove', { name, force: flags.force }, LONG_CALL);
      }),
    ),
});

const logsCommand: Command = defineCommand({
  usage: ['plugin logs [flags] NAME'],
  about: 'What the process of the plugin has written. Plugins that share a process share its log.',
  options: { tail: { type: 'string', short: 'n', value: 'LINES', help: 'how many lines, 2000 at most (default 200)' } },
  operands: { least: 1, most: 1 },
  examples: [{ command: 'cleat plugin logs -n 50 storage', does: 'its last fifty lines' }],
  run: ({ flags, operands, globals }) =>
    withNode(globals, async (node) => {
      const { lines } = await node.call('plugin', 'logs', { name: operands[0] ?? '', tail: integerFlag('--tail', flags.tail, 1) ?? 200 });
      write(lines.map((line) => `${line}\n`).join(''));
      return EXIT_OK;
    }),
});

const entry = (name: string, summary: string, command: Command): Entry => leaf(name, summary, () => Promise.resolve(command));

export const pluginEntries: readonly Entry[] = [
  entry('ls', 'list plugins and how they are', listCommand),
  entry('inspect', 'show manifest, grant and state', inspectCommand),
  entry('install', 'install or upgrade a plugin', installCommand),
  entry('enable', 'start a plugin that was disabled', enableCommand),
  entry('disable', 'stop a plugin and leave it installed', disableCommand),
  entry('rm', 'remove a plugin', removeCommand),
  entry('logs', 'show what a plugin has written', logsCommand),
  leaf('new', 'write a new plugin', async () => (await import('./plugin-new.ts')).pluginNewCommand),
  leaf('run', 'run one plugin in the foreground', async () => (await import('./plugin-run.ts')).pluginRunCommand),
];
