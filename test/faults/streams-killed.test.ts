import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { findProcesses } from '@cleat/core/syscalls';
import { needs, slowFactor, tempDir, waitFor } from '@cleat/harness';
import { type containerTypes, isCleatError } from '@cleat/schemas';
import { openStream } from '@cleat/sdk/streams';
import t from 'tap';
import { BareKernel } from '../platform/bare-kernel.ts';
import type { NodeClient } from '../platform/node-client.ts';
import { killOtherAtEvery } from './other-matrix.ts';

t.setTimeout(200_000 * slowFactor());

/** What starts, executes in and ends a container writes down, from the moment at which somebody is attached. */
const STEPS: readonly string[] = [
  ...['start.intent', 'namespaces.done', 'root.done', 'monitor.intent', 'monitor.done', 'go', 'started'],
  ...['exec.created', 'exec.intent', 'exec.started', 'exec.exited'],
  ...['stop.intent', 'exit', 'use.leave', 'exited', 'stopped'],
];
/** Where stdin was connected before the kill: from there on its end is the end of the client. */
const AFTER_CONNECT = new Set(STEPS.slice(STEPS.indexOf('started'), STEPS.indexOf('stop.intent')));
/** It reads until stdin ends, and lives on. */
const READER = ['sh', '-c', 'cat; exec sleep 1000'];
const STDIO = { openStdin: true, stdinOnce: true };

/** A client's stream: what it got, and whether it has ended. */
class Client {
  readonly #socket: Socket;
  text = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    // It is half-open: without this the end that comes from the other side would not close it.
    socket.on('end', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString();
    });
  }

  /** Undefined when the process that offered the ticket has died since. */
  static async open(ticket: containerTypes.StreamTicket | null): Promise<Client | undefined> {
    if (ticket === null) return undefined;
    try {
      const line = JSON.stringify({ token: ticket.token, framing: 'docker' });
      return new Client(await openStream({ socket: ticket.socket, token: line }));
    } catch (error) {
      if (isCleatError(error) && error.code === 'STREAM_GONE') return undefined;
      throw error;
    }
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  end(): void {
    this.#socket.end();
  }

  async ended(): Promise<void> {
    if (!this.#socket.closed) await once(this.#socket, 'close', { signal: AbortSignal.timeout(20_000 * slowFactor()) });
    this.#socket.destroy();
  }
}

t.test('streams killed at every record: its clients go, stdin ends, and nothing else notices', async (t) => {
  if (!needs(t, 'root', 'runc', 'conmon')) return;
  const kernel = new BareKernel(tempDir(t, 'streams'));
  t.teardown(() => kernel.down());
  await kernel.start();
  let victim = 0;
  let step = 0;
  await killOtherAtEvery(t, {
    kernel,
    steps: STEPS,
    // A new one has begun with this ticket; that it can is part of what is tested.
    prepare: async () => {
      const client = await Client.open(await attach(kernel.client, 'bystander'));
      if (client === undefined) throw new Error('there is no stream');
      [victim = 0] = streamsOf(kernel);
    },
    victim: async () => victim,
    life: async (node, name) => {
      await attachedLife(node, name, AFTER_CONNECT.has(STEPS[step] ?? ''));
      step += 1;
    },
    dirs: [join(kernel.stateDir, 'spool')],
    // The one that came after it ends too: it would stay for the next client.
    settle: async () => {
      t.notOk(streamsOf(kernel).includes(victim), 'it was killed');
      for (const pid of streamsOf(kernel)) process.kill(pid, 'SIGKILL');
      await waitFor('the end of streams', () => streamsOf(kernel).length === 0);
    },
  });
});

async function attachedLife(node: NodeClient, name: string, isConnected: boolean): Promise<void> {
  const process = { args: READER, env: ['PATH=/bin'], ...STDIO };
  await node.create(name, READER, { spec: { process } });
  const client = await Client.open(await attach(node, name));
  await node.call('container', 'start', { container: name });
  client?.write('typed\n');
  await execute(node, name);
  if (isConnected) {
    const { pid } = (await node.inspect(name)).state;
    await client?.ended();
    // The reader has come to the end of its input, and the shell to its next command.
    await waitFor('the end of stdin', () => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep'));
  }
  await node.call('container', 'stop', { container: name, timeoutS: 5 });
  await client?.ended();
  const { state } = await node.inspect(name);
  if (state.status !== 'exited') throw new Error(`${name} is ${state.status}`);
}

/** An exec with a client. One that is lost with streams is ended, and its code is that of SIGKILL. */
async function execute(node: NodeClient, name: string): Promise<void> {
  const id = randomBytes(32).toString('hex');
  const process = { args: ['cat'] };
  const attached = { attachStdin: true, attachStdout: true, attachStderr: true };
  await node.call('exec', 'create', { id, container: name, process, ...attached });
  const started = await node.call<{ readonly ticket: containerTypes.StreamTicket | null }>('exec', 'start', { id }).catch(refusedByStreams);
  const client = await Client.open(started?.ticket ?? null);
  client?.write('to the exec\n');
  await waitFor('its answer, or its end', async () => client === undefined || client.text !== '' || (await isOver()));
  if (client !== undefined && !(await isOver())) client.end();
  await node.until('the end of the exec', isOver);
  await client?.ended();

  async function isOver(): Promise<boolean> {
    const { running, exitCode } = await node.call<{ running: boolean; exitCode: number | null }>('exec', 'inspect', { id });
    return !running && (exitCode !== null || started === undefined);
  }
}

function refusedByStreams(error: unknown): undefined {
  if (isCleatError(error) && error.code === 'STREAMS_GONE') return undefined;
  throw error;
}

function attach(node: NodeClient, container: string): Promise<containerTypes.StreamTicket> {
  return node.call('container', 'attach', { container, stdin: true, stdout: true, stderr: true });
}

function streamsOf(kernel: BareKernel): readonly number[] {
  const argument = `--spool-dir=${join(kernel.stateDir, 'spool')}`;
  return findProcesses((argv) => argv.includes(argument)).map(({ pid }) => pid);
}
