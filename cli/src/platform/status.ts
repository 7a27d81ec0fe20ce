import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CleatError } from '@cleat/schemas';
import { connectOperator } from '@cleat/sdk/client';
import { isUp } from './down.ts';
import { HOSTS_FILE, linesOf } from './run-directory.ts';

const ASK_MS = 5_000;

export const statusHelp = `Usage: cleat status [flags]

Says whether the platform is up, and how its plugins are. Exit code 3 when it is not up, 1 when something of it is not well.

      --run-dir DIR   of the instance (default /run/cleat)
      --json          as JSON

Examples:
  cleat status
  cleat status --json
`;

/** Shows the state of the platform. */
export async function status(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv);
  const runDir = resolve(flags['run-dir'] ?? '/run/cleat');
  if (!isUp(runDir)) {
    process.stdout.write(flags.json === true ? `${JSON.stringify({ up: false, runDir })}\n` : `Cleat is not up in ${runDir}\n`);
    return 3;
  }
  const operator = await connectOperator(runDir);
  try {
    const info = await operator.call('node', 'info', {}, { timeoutMs: ASK_MS });
    const { plugins } = await operator.call('plugin', 'list', {}, { timeoutMs: ASK_MS });
    const isWell = info.busUp && plugins.every(({ state, enabled }) => state === 'ready' || !enabled);
    if (flags.json === true) {
      const shown = plugins.map(({ name, version, state, reason, process: group, pid }) => ({ name, version, state, reason, group, pid }));
      process.stdout.write(
        `${JSON.stringify({ up: true, runDir, node: info.node, name: info.name, version: info.version, hosts: linesOf(join(runDir, HOSTS_FILE)), plugins: shown, owed: info.owed.length })}\n`,
      );
    } else {
      process.stdout.write(
        `Cleat ${info.version} is up on ${info.name} (node ${info.node})\n  bus      nats-server ${info.natsVersion}\n  events   ${info.publishedEvent} of ${info.newestEvent} published\n`,
      );
      for (const { name, state, reason, pid } of plugins)
        process.stdout.write(`  ${name.padEnd(8)} ${state}${reason === '' ? '' : `: ${reason}`} (process ${pid})\n`);
      for (const warning of info.warnings) process.stdout.write(`  warning: ${warning}\n`);
    }
    return isWell ? 0 : 1;
  } finally {
    await operator.close();
  }
}

function parseFlags(argv: readonly string[]): { readonly 'run-dir'?: string | undefined; readonly json?: boolean | undefined } {
  try {
    return parseArgs({ args: [...argv], options: { 'run-dir': { type: 'string' }, json: { type: 'boolean' } } }).values;
  } catch (cause) {
    throw new CleatError('invalid_argument', 'FLAGS_INVALID', cause instanceof Error ? cause.message : String(cause), {
      hint: 'See cleat help status.',
      cause,
    });
  }
}
