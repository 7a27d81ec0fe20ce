import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { closeDescriptor, descriptorOf, recvFds } from '@cleat/core/syscalls';
import { violation } from './messages.ts';

export interface FirstLine {
  readonly line: string;
  /** What came after the line. */
  readonly rest: Buffer;
  /** A descriptor that came with it; the caller owns it. */
  readonly fd: number | undefined;
}

const LINE_LIMIT_BYTES = 1024 * 1024;
const LINE_LIMIT_MS = 10_000;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/**
 * The first line of a paused connection, with the descriptor that may come along. Node reads sockets without room for descriptors, which are
 * lost then, so this reads by itself and, as there is no word of when something comes, looks again and again; most lines are there at once.
 */
export async function firstLine(socket: Socket): Promise<FirstLine> {
  const chunks: Buffer[] = [];
  const fds: number[] = [];
  try {
    const text = await collect(socket, chunks, fds);
    const end = text.indexOf(0x0a);
    if (fds.length > 1) throw violation('more than one descriptor came with a line');
    return { line: text.subarray(0, end).toString(), rest: text.subarray(end + 1), fd: fds[0] };
  } catch (error) {
    for (const fd of fds) closeDescriptor(fd);
    throw error;
  }
}

async function collect(socket: Socket, chunks: Buffer[], fds: number[]): Promise<Buffer> {
  const deadline = performance.now() + LINE_LIMIT_MS;
  for (let total = 0, pauseMs = FIRST_PAUSE_MS; ; ) {
    if (socket.destroyed) throw violation('the connection closed');
    const received = recvFds(descriptorOf(socket), 65_536, 1);
    if (received === undefined) {
      if (performance.now() > deadline) throw violation('no line came');
      await delay(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      continue;
    }
    fds.push(...received.fds);
    if (received.data.length === 0) throw violation('the connection ended before its first line');
    chunks.push(received.data);
    total += received.data.length;
    if (received.data.includes(0x0a)) return Buffer.concat(chunks);
    if (total > LINE_LIMIT_BYTES) throw violation('the first line is too long');
  }
}
