import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { containerTypes } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas/errors';
import { openStream } from '@cleat/sdk/streams';
import type { OperatorClient } from '../connection.ts';
import { isRecord, numberAt, textAt } from '../output/json.ts';
import { notice } from '../output/writer.ts';
import { attachStreams } from './attachment.ts';
import { followTerminalSize, forwardSignals } from './signals.ts';

/** A container whose run is shown in the foreground. */
export interface Foreground {
  readonly container: string;
  readonly name: string;
  readonly terminal: boolean;
  readonly stdin: boolean;
  readonly detachKeys: readonly number[];
  /** Pass this program's signals on to the container. On a terminal the keys do that. */
  readonly forwardsSignals: boolean;
  /** Which end is waited for. */
  readonly until: 'not-running' | 'next-exit' | 'removed';
  /** Called when nothing of the run can be missed any more. */
  readonly start?: () => Promise<void>;
}

/** The stream behind a ticket of the kernel, framed as the process needs it. */
export function openKernelStream(ticket: containerTypes.StreamTicket, isTerminal: boolean): Promise<Socket> {
  const line = JSON.stringify({ token: ticket.token, framing: isTerminal ? 'raw' : 'docker' });
  return openStream({ socket: ticket.socket, token: line });
}

/** Shows a run to its end. The exit code: the process's own, or 0 when the user has left it by the detach keys. */
export async function inForeground(node: OperatorClient, shown: Foreground): Promise<number> {
  const { container, terminal, stdin } = shown;
  const [streams, waiting] = await Promise.all([
    node.call('container', 'attach', { container, stdin }).then((ticket) => openKernelStream(ticket, terminal)),
    waitFor(node, container, shown.until),
  ]);
  const stops: (() => void)[] = [];
  try {
    if (shown.forwardsSignals && !terminal) stops.push(forwardSignals((signal) => node.call('container', 'kill', { container, signal })));
    const shownStreams = attachStreams({ socket: streams, terminal, stdin, detachKeys: shown.detachKeys });
    // Its failure is looked at below; when the start fails first, that is what is told.
    shownStreams.catch(() => undefined);
    await shown.start?.();
    if (terminal) stops.push(followTerminalSize((size) => node.call('container', 'resize', { container, ...size })));
    if ((await shownStreams) === 'detached') {
      notice('');
      return 0;
    }
    return await exitCodeOf(waiting, shown);
  } finally {
    for (const stop of stops) stop();
    streams.destroy();
    waiting.close();
  }
}

interface Waiting {
  readonly answer: Promise<unknown>;
  close(): void;
}

/** Asks for the exit code; asked before the start, so that not even the shortest run is missed. */
export async function waitFor(node: OperatorClient, container: string, condition: Foreground['until']): Promise<Waiting> {
  const answer = await node.call('container', 'wait', { container, condition });
  if (answer.done || answer.ticket === null) {
    const { exitCode, error } = answer;
    const known = { StatusCode: exitCode, ...(error === '' ? {} : { Error: { Message: error } }) };
    return { answer: Promise.resolve(known), close: () => undefined };
  }
  const socket = await openKernelStream(answer.ticket, true);
  return { answer: lineOf(socket), close: () => void socket.destroy() };
}

/** The one line that comes; undefined when the other side goes away without it. */
function lineOf(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: socket });
    lines.once('line', (line) => resolve(JSON.parse(line)));
    lines.once('close', () => resolve(undefined));
    socket.on('error', () => resolve(undefined));
  });
}

export async function exitCodeOf(waiting: Waiting, { container, name }: Pick<Foreground, 'container' | 'name'>): Promise<number> {
  const answer = await waiting.answer;
  if (!isRecord(answer)) {
    throw new CleatError('unavailable', 'STREAMS_LOST', `the connection to container ${name || container} was lost`, {
      hint: `It runs on: see "cleat ps", or come back to it with "cleat attach ${name || container}".`,
    });
  }
  const message = textAt(answer['Error'], 'Message');
  if (message !== '') notice(`cleat: ${message}`);
  return numberAt(answer, 'StatusCode');
}
