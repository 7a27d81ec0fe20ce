import { mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createLogger } from '@cleat/core';
import { findProcesses, signalProcess } from '@cleat/core/syscalls';
import { waitFor } from '@cleat/harness';
import { processOf, type RunningContainer, RuntimeFixture, specOf } from '@cleat/runtime/test-fixture';
import type { containerTypes } from '@cleat/schemas';
import type { Test } from 'tap';
import { type HeldTarget, StreamsClient } from '../src/index.ts';

/** What a client of the streams has received so far. */
export interface Client {
  readonly socket: Socket;
  bytes(): Buffer;
  /** The same without the headers of Docker's frames. */
  payload(): Buffer;
  isEnded(): boolean;
}

export interface Attach {
  readonly stdin?: boolean;
  readonly detachKeys?: string;
  readonly isRunning?: boolean;
}

/** Containers with clients, by the real process. */
export class StreamsFixture extends RuntimeFixture {
  readonly socketPath: string;
  readonly client: StreamsClient;
  readonly held: HeldTarget[] = [];
  readonly #t: Test;

  constructor(t: Test, idleMs = 60_000) {
    super(t);
    this.#t = t;
    mkdirSync(join(this.directory, 'streams'));
    this.socketPath = join(this.directory, 'streams', 'socket');
    this.client = this.newClient(idleMs);
    t.teardown(() => {
      for (const { pid, startTime } of this.processes()) signalProcess(pid, startTime, 'SIGKILL');
    });
  }

  /** Another kernel's. */
  newClient(idleMs = 60_000): StreamsClient {
    const client = new StreamsClient({
      socketPath: this.socketPath,
      spoolDirectory: this.directory,
      logPath: join(this.directory, 'streams.log'),
      log: createLogger({ level: 'error' }),
      onHeld: (held) => this.held.push(...held),
      idleMs,
    });
    this.#t.teardown(() => client.close({ isPlatformDown: false }));
    return client;
  }

  processes(): ReturnType<typeof findProcesses> {
    return findProcesses((argv) => argv.includes(`--spool-dir=${this.directory}`));
  }

  async offer(
    container: { readonly id: string; readonly spec: containerTypes.Spec; readonly directory: string },
    how: Attach = {},
  ): Promise<containerTypes.StreamTicket> {
    return this.client.offerAttach({
      container: container.id,
      spec: container.spec,
      stdin: how.stdin ?? false,
      stdout: true,
      stderr: true,
      detachKeys: how.detachKeys ?? '',
      attachPath: how.isRunning === true ? join(container.directory, 'attach') : undefined,
      run: 1,
    });
  }

  /** A client that comes with its ticket. */
  open(ticket: containerTypes.StreamTicket, framing: string, head?: string): Client {
    const socket = connect({ path: ticket.socket, allowHalfOpen: true });
    socket.write(`${JSON.stringify({ token: ticket.token, framing, ...(head === undefined ? {} : { head }) })}\n`);
    return this.collect(socket);
  }

  collect(socket: Socket): Client {
    const chunks: Buffer[] = [];
    let isEnded = false;
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.once('end', () => {
      isEnded = true;
    });
    this.#t.teardown(() => socket.destroy());
    const bytes = (): Buffer => Buffer.concat(chunks);
    return { socket, bytes, payload: () => payloadOf(bytes()), isEnded: () => isEnded };
  }

  /** Attached before its start, as `docker run` does. */
  async runAttached(
    args: readonly string[],
    how: Attach & Partial<containerTypes.Process> = {},
  ): Promise<{ container: RunningContainer; client: Client }> {
    const { stdin = false, detachKeys = '', ...process } = how;
    const spec = specOf([], { process: processOf(args, { openStdin: stdin, stdinOnce: stdin, ...process }) });
    const container = await this.create(this.bundle(spec));
    const ticket = await this.offer(container, { stdin, detachKeys });
    await this.client.connect(container.id, 1, join(container.directory, 'attach'));
    await this.start(container);
    return { container, client: this.open(ticket, 'raw') };
  }
}

export async function ended(client: Client): Promise<Buffer> {
  await waitFor('the end of the stream', () => client.isEnded(), { timeoutMs: 30_000, intervalMs: 5 });
  return client.bytes();
}

function payloadOf(frames: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= frames.length; ) {
    const end = at + 8 + frames.readUInt32BE(at + 4);
    parts.push(frames.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(parts);
}
