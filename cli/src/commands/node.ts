import { isCleatError } from '@cleat/schemas/errors';
import { type Command, defineCommand } from '../command/command.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { withNode } from '../connection.ts';
import { jsonText } from '../output/json.ts';
import { nowNs, span } from '../output/time.ts';
import { notice, write } from '../output/writer.ts';
import { cliVersion } from '../version.ts';
import { allContainers } from './ps.ts';

/** "label   value" lines. */
function pairs(lines: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...lines.map(([label]) => label.length)) + 2;
  return lines.map(([label, value]) => `${label.padEnd(width)}${value}\n`).join('');
}

export const infoCommand: Command = defineCommand({
  usage: ['info'],
  options: {},
  operands: { least: 0, most: 0 },
  json: true,
  examples: [
    { command: 'cleat info', does: 'what this node is and how it is' },
    { command: 'cleat info --json | jq .owed', does: 'what plugins that are away still have to undo' },
  ],
  run: ({ globals }) =>
    withNode(globals, async (node) => {
      const [info, containers] = await Promise.all([node.call('node', 'info', {}), allContainers(node)]);
      const counts = new Map<string, number>();
      for (const { state } of containers) counts.set(state.status, (counts.get(state.status) ?? 0) + 1);
      if (globals.json) {
        write(jsonText({ ...info, containers: Object.fromEntries(counts) }));
        return EXIT_OK;
      }
      const now = nowNs();
      write(
        pairs([
          ['node', `${info.name} (${info.node})`],
          ['version', info.version],
          ['containers', containers.length === 0 ? 'none' : [...counts].map(([status, count]) => `${count} ${status}`).join(', ')],
          [
            'runtimes',
            info.runtimes
              .map(
                ({ name, version }) => `${name}${version === '' ? '' : ` ${version}`}${name === info.defaultRuntime ? ' (default)' : ''}`,
              )
              .join(', '),
          ],
          ['cgroups', `${info.cgroupLayout}, driver ${info.cgroupDriver}`],
          ['bus', info.busUp ? `nats-server ${info.natsVersion}` : 'down'],
          ['events', `${info.newestEvent}, of which ${info.publishedEvent} published`],
          ['state', info.stateDir],
          ['run', info.runDir],
          ...info.owed.map(
            (owed) =>
              [
                'owed',
                `${owed.operation} of ${owed.claim} of ${owed.container.slice(0, 12)} by ${owed.provider}, since ${span(now - owed.since)}`,
              ] as const,
          ),
        ]),
      );
      for (const warning of info.warnings) notice(`cleat: warning: ${warning}`);
      return EXIT_OK;
    }),
});

export const versionCommand: Command = defineCommand({
  usage: ['version'],
  about: 'The version of this command, and that of the platform when it is up. "cleat --version" asks nobody.',
  options: {},
  operands: { least: 0, most: 0 },
  json: true,
  examples: [{ command: 'cleat version --json', does: 'for a bug report' }],
  run: async ({ globals }) => {
    const client = cliVersion();
    const server = await withNode(globals, (node) => node.call('node', 'info', {})).catch((error: unknown) => {
      if (isCleatError(error) && (error.class === 'unavailable' || error.class === 'permission_denied')) return undefined;
      throw error;
    });
    if (globals.json)
      write(
        jsonText({
          client: { version: client, node: process.versions.node },
          server: server === undefined ? null : { version: server.version, nats: server.natsVersion, runtimes: server.runtimes },
        }),
      );
    else
      write(
        pairs([
          ['client', `${client}, Node.js ${process.versions.node}`],
          ['platform', server === undefined ? `not up in ${globals.runDir}` : `${server.version}, nats-server ${server.natsVersion}`],
        ]),
      );
    return EXIT_OK;
  },
});
