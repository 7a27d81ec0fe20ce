import { type Command, defineCommand } from '../command/command.ts';
import { EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { withNode } from '../connection.ts';
import { integerFlag } from '../container/limit-flags.ts';
import { nowNs, parseTime } from '../output/time.ts';
import { showOutput } from '../streams/attachment.ts';

export const logsCommand: Command = defineCommand({
  usage: ['logs [flags] CONTAINER'],
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on with what comes, until the container has ended' },
    tail: { type: 'string', short: 'n', value: 'LINES', help: 'only the last lines (default all)' },
    since: { type: 'string', value: 'TIME', help: 'from this time on: RFC 3339, or 10m ago' },
    until: { type: 'string', value: 'TIME', help: 'up to this time' },
    timestamps: { type: 'boolean', short: 't', help: 'the time before each line' },
  },
  operands: { least: 1, most: 1 },
  examples: [
    { command: 'cleat logs web', does: 'everything that is kept' },
    { command: 'cleat logs -f --tail 20 web', does: 'the last twenty lines and what follows' },
    { command: 'cleat logs -t --since 1h30m web 2>&1 >/dev/null', does: 'errors of the last one and a half hours' },
  ],
  run: ({ flags, operands, globals }) =>
    withNode(globals, async (node) => {
      const [name = ''] = operands;
      const info = await node.call('container', 'inspect', { container: name });
      const isTerminal = info.spec.process.terminal;
      const ticket = await node.call('log', 'read', {
        container: info.id,
        follow: flags.follow,
        timestamps: flags.timestamps,
        since: timeFlag('--since', flags.since),
        until: timeFlag('--until', flags.until),
        tail: flags.tail === 'all' ? -1 : (integerFlag('--tail', flags.tail) ?? -1),
        frames: !isTerminal,
      });
      const { openStream } = await import('@cleat/sdk/streams');
      await showOutput(await openStream(ticket), isTerminal);
      return EXIT_OK;
    }),
});

/** 0n: no bound. */
export function timeFlag(flag: string, text: string | undefined): bigint {
  if (text === undefined) return 0n;
  const time = parseTime(text, nowNs());
  if (time === undefined)
    throw usageError(`${flag} ${text}: not a time`, 'RFC 3339 (2026-03-01T12:00:00Z), seconds since 1970, or a duration before now (10m).');
  return time;
}
