import { Socket } from 'node:net';
import { closeDescriptor, makePipe, readAvailable } from '@cleat/core/syscalls';
import type { Source, SourceEvents } from './source.ts';

/** The pipes of a process of our own. Its output must be read as long as it lives, whoever wants it. */
export class ProcessSource implements Source {
  readonly canBeLeft = false;
  /** What the process gets as descriptors 0, 1 and 2; `started` closes those that are pipes. */
  readonly theirs: readonly number[];
  readonly #toClose: number[];
  readonly #stdin: Socket | undefined;
  readonly #outputs: readonly { readonly stream: number; readonly fd: number; readonly socket: Socket }[];
  #events: SourceEvents | undefined;

  /** `nothing`: /dev/null, for a process without a stdin. */
  constructor(hasStdin: boolean, nothing: number) {
    const input = hasStdin ? makePipe('write') : undefined;
    const outputs = [makePipe('read'), makePipe('read')];
    this.theirs = [input?.read ?? nothing, ...outputs.map(({ write }) => write)];
    this.#toClose = this.theirs.filter((fd) => fd !== nothing);
    this.#stdin = input === undefined ? undefined : new Socket({ fd: input.write, readable: false, writable: true });
    // A process that reads no more.
    this.#stdin?.on('error', () => undefined);
    this.#outputs = outputs.map(({ read: fd }, index) => ({
      stream: index + 1,
      fd,
      socket: new Socket({ fd, readable: true, writable: false }),
    }));
  }

  /** The process has its ends. */
  started(): void {
    for (const fd of this.#toClose.splice(0)) closeDescriptor(fd);
  }

  listen(events: SourceEvents): void {
    this.#events = events;
    for (const { stream, socket } of this.#outputs) {
      socket.on('error', () => undefined);
      socket.on('data', (payload: Buffer) => {
        events.onOutput(stream, payload);
      });
    }
  }

  writeStdin(data: Buffer, done: () => void): void {
    if (this.#stdin === undefined || this.#stdin.destroyed) done();
    else this.#stdin.write(data, () => done());
  }

  endStdin(): void {
    this.#stdin?.end();
  }

  pause(): void {
    for (const { socket } of this.#outputs) socket.pause();
  }

  resume(): void {
    for (const { socket } of this.#outputs) socket.resume();
  }

  close(): void {
    for (const { stream, fd, socket } of this.#outputs) {
      for (const piece of pieces(socket, fd)) this.#events?.onOutput(stream, piece);
      socket.destroy();
    }
    this.#stdin?.destroy();
  }

  /** What was said on stderr, of a runtime that could not make the process. */
  complaint(): string {
    const [, errors] = this.#outputs;
    return errors === undefined ? '' : Buffer.concat(pieces(errors.socket, errors.fd)).toString();
  }
}

/** What was read but not told, and what is still in the pipe. A destroyed socket's descriptor is another's by now. */
function pieces(socket: Socket, fd: number): Buffer[] {
  if (socket.destroyed || socket.readableEnded) return [];
  const read: unknown = socket.read();
  return [...(Buffer.isBuffer(read) ? [read] : []), ...readAvailable(fd)];
}
