import { randomBytes } from 'node:crypto';
import type { container, containerTypes } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas/errors';
import { environmentOf, hostFacts } from '@cleat/sdk/container';
import { type Command, defineCommand, type FlagValues, type OptionTable } from '../command/command.ts';
import { EXIT_NOT_RUN, EXIT_OK } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { LONG_CALL, type OperatorClient, withNode } from '../connection.ts';
import { environment } from '../container/key-values.ts';
import { notice } from '../output/writer.ts';
import { attachStreams } from '../streams/attachment.ts';
import { DEFAULT_DETACH_KEYS, detachKeysFlag } from '../streams/detach-keys.ts';
import { openKernelStream } from '../streams/foreground.ts';
import { followTerminalSize, terminalSize } from '../streams/signals.ts';
import { failedStart } from './run.ts';

const OPTIONS = {
  detach: { type: 'boolean', short: 'd', help: 'run in the background' },
  interactive: { type: 'boolean', short: 'i', help: 'pass standard input on' },
  tty: { type: 'boolean', short: 't', help: 'give it a terminal' },
  env: { type: 'string', short: 'e', value: 'NAME[=VALUE]', multiple: true, help: 'set a variable; NAME alone takes it from here' },
  'env-file': { type: 'string', value: 'FILE', multiple: true, help: 'set the variables that are listed in a file' },
  workdir: { type: 'string', short: 'w', value: 'DIR', help: 'working directory' },
  user: { type: 'string', short: 'u', value: 'USER[:GROUP]', help: 'user and group, names or numbers' },
  privileged: { type: 'boolean', help: 'all capabilities, no confinement' },
  'detach-keys': { type: 'string', value: 'KEYS', help: `with -it: what leaves the command running (default ${DEFAULT_DETACH_KEYS})` },
} as const satisfies OptionTable;

/** How long the end of a process may take to be known after its streams have closed. */
const END_MS = 10_000;
const FIRST_PAUSE_MS = 5;

export const execCommand: Command = defineCommand({
  usage: ['exec [flags] CONTAINER COMMAND [ARGUMENT...]'],
  about: 'The exit code is that of the command. It has the environment, user and directory of the container, unless flags say otherwise.',
  options: OPTIONS,
  operands: { least: 2 },
  passesOn: true,
  failureCode: EXIT_NOT_RUN,
  examples: [
    { command: 'cleat exec -it web sh', does: 'a shell in a running container' },
    { command: 'cleat exec -u nobody -w /tmp web id', does: 'as another user, elsewhere' },
    { command: 'echo hello | cleat exec -i web tee /www/hello.txt', does: 'send it a file' },
  ],
  run: ({ flags, operands, globals }) => {
    if (flags.interactive && flags.tty && !flags.detach && !process.stdin.isTTY)
      throw usageError('standard input is no terminal, so -t cannot be used with -i');
    const detachKeys = detachKeysFlag(flags['detach-keys']);
    return withNode(globals, (node) => run(node, flags, { operands, detachKeys }));
  },
});

async function run(
  node: OperatorClient,
  flags: FlagValues<typeof OPTIONS>,
  { operands, detachKeys }: { readonly operands: readonly string[]; readonly detachKeys: readonly number[] },
): Promise<number> {
  const [name = '', ...args] = operands;
  const info = await node.call('container', 'inspect', { container: name });
  const id = randomBytes(32).toString('hex');
  const isAttached = !flags.detach;
  await node.call('exec', 'create', {
    ...{ id, container: info.id, process: processOf(info, flags, args), privileged: flags.privileged },
    ...{ attachStdin: flags.interactive && isAttached, attachStdout: isAttached, attachStderr: isAttached },
  });
  const size = flags.tty ? terminalSize() : undefined;
  const started = await startOf(node, { id, detach: flags.detach, consoleRows: size?.rows ?? 0, consoleColumns: size?.columns ?? 0 });
  if (typeof started === 'number') return started;
  if (flags.detach || started.ticket === null) return EXIT_OK;
  const socket = await openKernelStream(started.ticket, flags.tty);
  const stop = flags.tty ? followTerminalSize((now) => node.call('exec', 'resize', { id, ...now })) : undefined;
  try {
    if ((await attachStreams({ socket, terminal: flags.tty, stdin: flags.interactive, detachKeys })) === 'closed')
      return await exitCode(node, id);
    notice('');
    return EXIT_OK;
  } finally {
    stop?.();
    socket.destroy();
  }
}

async function startOf(
  node: OperatorClient,
  request: { readonly id: string; readonly detach: boolean; readonly consoleRows: number; readonly consoleColumns: number },
): Promise<number | { readonly ticket: containerTypes.StreamTicket | null }> {
  try {
    return await node.call('exec', 'start', request, LONG_CALL);
  } catch (error) {
    return failedStart(error);
  }
}

/** The container's own process, with what the flags say otherwise. */
function processOf(info: container.Info, flags: FlagValues<typeof OPTIONS>, args: readonly string[]): containerTypes.ProcessInput {
  const base = info.spec.process;
  return {
    args,
    env: environmentOf(environment(flags.env, flags['env-file'], process.env), base.env),
    cwd: flags.workdir ?? base.cwd,
    user: flags.user ?? base.user,
    groups: base.groups,
    terminal: flags.tty,
    openStdin: flags.interactive,
    stdinOnce: true,
    capabilities: flags.privileged ? hostFacts().capabilities : base.capabilities,
    noNewPrivileges: base.noNewPrivileges,
    rlimits: base.rlimits,
    apparmorProfile: flags.privileged ? '' : base.apparmorProfile,
    seccomp: flags.privileged ? 'unconfined' : base.seccomp,
  };
}

async function exitCode(node: OperatorClient, id: string): Promise<number> {
  const deadline = performance.now() + END_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    const { exitCode: code } = await node.call('exec', 'inspect', { id });
    if (code !== null) return code;
    if (performance.now() > deadline)
      throw new CleatError('unavailable', 'STREAMS_LOST', 'the connection to the command was lost; it runs on');
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
