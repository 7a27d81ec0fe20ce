import { relative, resolve } from 'node:path';
import { isPluginKind, PLUGIN_KINDS, scaffold } from '@cleat/sdk/templates';
import { type Command, defineCommand } from '../command/command.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { jsonText } from '../output/json.ts';
import { notice, write } from '../output/writer.ts';

export const pluginNewCommand: Command = defineCommand({
  usage: ['plugin new [flags] NAME --kind KIND'],
  about: `Writes a plugin in TypeScript that builds, passes its contract suite and runs as it is; what it does is for you to
change. Nothing is downloaded: the SDK is linked from this installation. docs/plugin-authors begins with it.`,
  options: {
    kind: { type: 'string', short: 'k', value: 'KIND', help: 'volume-driver, network-driver, log-driver, authz or observer' },
    directory: { type: 'string', short: 'd', value: 'DIR', help: 'where to (default: a new directory of its name here)' },
  },
  operands: { least: 1, most: 1 },
  json: true,
  examples: [
    { command: 'cleat plugin new my-volumes --kind volume-driver', does: 'a volume driver in ./my-volumes' },
    { command: 'cleat plugin new gatekeeper --kind authz -d /srv/plugins/gatekeeper', does: 'one that allows or denies requests' },
  ],
  run: async ({ flags, operands, globals }) => {
    const [name = ''] = operands;
    const kinds = PLUGIN_KINDS.join(', ');
    if (flags.kind === undefined) throw usageError('which kind of plugin?', `Give --kind with one of ${kinds}.`);
    if (!isPluginKind(flags.kind)) throw usageError(`--kind ${flags.kind}: not one of ${kinds}`);
    const { directory, files, missing } = await scaffold(resolve(flags.directory ?? name), name, flags.kind);
    if (globals.json) write(jsonText({ directory, files, missing }));
    else write(`${directory}\n`);
    const place = relative('', directory) || '.';
    if (missing.length > 0)
      notice(`It is built with packages that are not here: cd ${place} && npm install --save-dev ${missing.join(' ')}`);
    notice(`Next: cd ${place} && npm test && sudo cleat plugin install .`);
    return EXIT_OK;
  },
});
