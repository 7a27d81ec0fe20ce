import { CleatError } from '@cleat/schemas/errors';
import { type Command, defineCommand, type OptionTable } from '../command/command.ts';
import { EXIT_FAILED, EXIT_NOT_RUN } from '../command/exit-codes.ts';
import { usageError } from '../command/usage-error.ts';
import { LONG_CALL, withNode } from '../connection.ts';
import { forEach } from '../container/each.ts';
import { integerFlag } from '../container/limit-flags.ts';
import { DEFAULT_DETACH_KEYS, detachKeysFlag } from '../streams/detach-keys.ts';
import { exitCodeOf, inForeground, waitFor } from '../streams/foreground.ts';
import { failedStart } from './run.ts';

const STOP_OPTIONS = {
  time: {
    type: 'string',
    short: 't',
    value: 'SECONDS',
    help: "how long to wait before it is killed (default the container's own, else 10)",
  },
  signal: { type: 'string', short: 's', value: 'SIGNAL', help: "what to send first (default the container's own)" },
} as const satisfies OptionTable;

/** Until when the call may last: as long as the container is given, and what stopping takes by itself. */
function stopCall(timeoutS: number | undefined): { readonly timeoutMs: number; readonly limitMs: number } {
  const { timeoutMs, limitMs } = LONG_CALL;
  return { timeoutMs: timeoutMs + (timeoutS ?? 0) * 1000, limitMs };
}

function stopRequest(flags: { readonly time: string | undefined; readonly signal: string | undefined }): {
  readonly timeoutS: number | undefined;
  readonly request: { readonly timeoutS: number; readonly signal: string };
} {
  const timeoutS = integerFlag('--time', flags.time, 0);
  return { timeoutS, request: { timeoutS: timeoutS ?? -1, signal: flags.signal ?? '' } };
}

export const stopCommand: Command = defineCommand({
  usage: ['stop [flags] CONTAINER...'],
  about: 'Sends the stop signal, and SIGKILL to what has not ended in time. Containers that are stopped already are fine.',
  options: STOP_OPTIONS,
  operands: { least: 1 },
  examples: [
    { command: 'cleat stop web', does: 'stop it' },
    { command: 'cleat stop -t 60 -s SIGINT db cache', does: 'two of them, with a minute to end' },
  ],
  run: ({ flags, operands, globals }) =>
    withNode(globals, (node) => {
      const { timeoutS, request } = stopRequest(flags);
      return forEach(operands, async (container) => {
        await node.call('container', 'stop', { container, ...request }, stopCall(timeoutS));
      });
    }),
});

export const restartCommand: Command = defineCommand({
  usage: ['restart [flags] CONTAINER...'],
  options: STOP_OPTIONS,
  operands: { least: 1 },
  examples: [{ command: 'cleat restart web', does: 'stop it and start it again' }],
  run: ({ flags, operands, globals }) =>
    withNode(globals, (node) => {
      const { timeoutS, request } = stopRequest(flags);
      return forEach(operands, async (container) => {
        await node.call('container', 'restart', { container, ...request }, stopCall(timeoutS));
      });
    }),
});

export const startCommand: Command = defineCommand({
  usage: ['start [flags] CONTAINER...'],
  options: {
    attach: { type: 'boolean', short: 'a', help: "show its output, pass signals on, and end with the container's exit code" },
    interactive: { type: 'boolean', short: 'i', help: 'with --attach: pass standard input on' },
    'detach-keys': {
      type: 'string',
      value: 'KEYS',
      help: `with -ai and a terminal: what leaves it running (default ${DEFAULT_DETACH_KEYS})`,
    },
  },
  operands: { least: 1 },
  examples: [
    { command: 'cleat start web', does: 'start a container again' },
    { command: 'cleat start -ai shell', does: 'and come back to its terminal' },
  ],
  run: ({ flags, operands, globals }) => {
    const [first = '', second] = operands;
    if (!flags.attach && (flags.interactive || flags['detach-keys'] !== undefined))
      throw usageError('--interactive and --detach-keys need --attach');
    if (flags.attach && second !== undefined) throw usageError('--attach is for one container');
    return withNode(globals, async (node) => {
      if (!flags.attach) {
        return forEach(operands, async (container) => {
          await node.call('container', 'start', { container }, LONG_CALL);
        });
      }
      const { id, name, spec } = await node.call('container', 'inspect', { container: first });
      const start = async (): Promise<void> => {
        await node.call('container', 'start', { container: id }, LONG_CALL);
      };
      try {
        return await inForeground(node, {
          ...{ container: id, name, start, terminal: spec.process.terminal, stdin: flags.interactive, forwardsSignals: true },
          detachKeys: detachKeysFlag(flags['detach-keys']),
          until: spec.autoRemove ? 'removed' : 'next-exit',
        });
      } catch (error) {
        return failedStart(error);
      }
    });
  },
});

export const attachCommand: Command = defineCommand({
  usage: ['attach [flags] CONTAINER'],
  about: 'Shows the output of a running container, passes standard input and signals on to it, and ends with its exit code.',
  options: {
    'no-stdin': { type: 'boolean', help: 'do not pass standard input on' },
    'no-signals': { type: 'boolean', help: 'do not pass signals on' },
    'detach-keys': { type: 'string', value: 'KEYS', help: `on a terminal: what leaves it running (default ${DEFAULT_DETACH_KEYS})` },
  },
  operands: { least: 1, most: 1 },
  failureCode: EXIT_NOT_RUN,
  examples: [
    { command: 'cleat attach shell', does: 'come back to a shell that was left by ctrl-p ctrl-q' },
    { command: 'cleat attach --no-stdin --no-signals web', does: 'only look' },
  ],
  run: ({ flags, operands, globals }) =>
    withNode(globals, async (node) => {
      const { id, name, spec, state } = await node.call('container', 'inspect', { container: operands[0] ?? '' });
      if (state.status !== 'running') {
        throw new CleatError(
          'conflict',
          'CONTAINER_NOT_RUNNING',
          `container ${name} is ${state.status}, so there is nothing to attach to`,
          { hint: `Start it with "cleat start --attach ${name}".` },
        );
      }
      return inForeground(node, {
        ...{ container: id, name, terminal: spec.process.terminal },
        stdin: spec.process.openStdin && !flags['no-stdin'],
        detachKeys: detachKeysFlag(flags['detach-keys']),
        forwardsSignals: !flags['no-signals'],
        until: spec.autoRemove ? 'removed' : 'next-exit',
      });
    }),
});

export const killCommand: Command = defineCommand({
  usage: ['kill [flags] CONTAINER...'],
  options: { signal: { type: 'string', short: 's', value: 'SIGNAL', help: 'name or number (default SIGKILL)' } },
  operands: { least: 1 },
  examples: [
    { command: 'cleat kill web', does: 'end it at once' },
    { command: 'cleat kill -s HUP web', does: 'let it read its configuration again' },
  ],
  run: ({ flags, operands, globals }) =>
    withNode(globals, (node) =>
      forEach(operands, async (container) => {
        await node.call('container', 'kill', { container, ...(flags.signal === undefined ? {} : { signal: flags.signal }) });
      }),
    ),
});

export const pauseCommand: Command = defineCommand({
  usage: ['pause CONTAINER...'],
  options: {},
  operands: { least: 1 },
  examples: [{ command: 'cleat pause web', does: 'freeze all of its processes' }],
  run: ({ operands, globals }) =>
    withNode(globals, (node) =>
      forEach(operands, async (container) => {
        await node.call('container', 'pause', { container });
      }),
    ),
});

export const unpauseCommand: Command = defineCommand({
  usage: ['unpause CONTAINER...'],
  options: {},
  operands: { least: 1 },
  examples: [{ command: 'cleat unpause web', does: 'let it go on' }],
  run: ({ operands, globals }) =>
    withNode(globals, (node) =>
      forEach(operands, async (container) => {
        await node.call('container', 'unpause', { container });
      }),
    ),
});

export const removeCommand: Command = defineCommand({
  usage: ['rm [flags] CONTAINER...'],
  options: {
    force: { type: 'boolean', short: 'f', help: 'kill it first when it runs' },
    volumes: { type: 'boolean', short: 'v', help: 'remove its anonymous volumes as well' },
  },
  operands: { least: 1 },
  examples: [
    { command: 'cleat rm web', does: 'remove a stopped container' },
    { command: 'cleat rm -fv web db', does: 'whatever they do, with their anonymous volumes' },
  ],
  run: ({ flags, operands, globals }) =>
    withNode(globals, (node) =>
      forEach(operands, async (container) => {
        await node.call('container', 'remove', { container, force: flags.force, purge: flags.volumes }, LONG_CALL);
      }),
    ),
});

export const waitCommand: Command = defineCommand({
  usage: ['wait [flags] CONTAINER...'],
  about: 'Waits until they do not run, and prints the exit code of each, in their order.',
  options: { condition: { type: 'string', value: 'WHAT', help: 'not-running, next-exit or removed (default not-running)' } },
  operands: { least: 1 },
  examples: [{ command: 'code=$(cleat wait job)', does: 'the exit code of a container in the background' }],
  run: ({ flags, operands, globals }) => {
    const condition = flags.condition ?? 'not-running';
    if (condition !== 'not-running' && condition !== 'next-exit' && condition !== 'removed')
      throw usageError(`--condition ${condition}: not not-running, next-exit or removed`);
    return withNode(globals, async (node) => {
      const codes = operands.map(async (container) =>
        exitCodeOf(await waitFor(node, container, condition), { container, name: container }),
      );
      // Printed in the order that was asked for, whichever ends first.
      for (const code of codes) code.catch(() => undefined);
      let worst = 0;
      for (const [index, code] of codes.entries()) {
        worst = Math.max(worst, (await forEach([operands[index] ?? ''], async () => String(await code))) === 0 ? 0 : EXIT_FAILED);
      }
      return worst;
    });
  },
});

export const renameCommand: Command = defineCommand({
  usage: ['rename CONTAINER NAME'],
  options: {},
  operands: { least: 2, most: 2 },
  examples: [{ command: 'cleat rename web web-old', does: 'make room for a new one' }],
  run: ({ operands, globals }) =>
    withNode(globals, (node) => {
      const [container = '', name = ''] = operands;
      return forEach([container], async () => {
        await node.call('container', 'rename', { container, name });
        return name;
      });
    }),
});
