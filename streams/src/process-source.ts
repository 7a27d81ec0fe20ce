import { Socket } from 'node:net';
import { closeDescriptor, makePipe, readAvailable } from '@cleat/core/syscalls';
import type { Source, SourceEvents } from './source.ts';

interface Output {
  /** 1 stdout, 2 stderr. */
  readonly stream: number;
  readonly fd: number;
  /** From `listen` on. It owns the descriptor. */
  socket: Socket | undefined;
}

/** The pipes of a process of our own. Its output must be read as long as it lives, whoever wants it. */
export class ProcessSource implements Source {
  readonly canBeLeft = false;
  /** What the process gets as descriptors 0, 1 and 2; `started` closes those that are pipes. */
  readonly theirs: readonly number[];
  readonly #toClose: number[];
  readonly #stdin: Socket | undefined;
  readonly #outputs: readonly Output[];
  #events: SourceEvents | undefined;
  #isClosed = false;

  /** `nothing`: /dev/null, for a process without a stdin. */
  constructor(hasStdin: boolean, nothing: number) {
    const input = hasStdin ? makePipe('write') : undefined;
    const outputs = [makePipe('read'), makePipe('read')];
    this.theirs = [input?.read ?? nothing, ...outputs.map(({ write }) => write)];
    this.#toClose = this.theirs.filter((fd) => fd !== nothing);
    this.#stdin = input === undefined ? undefined : new Socket({ fd: input.write, readable: false, writable: true });
    // A process that reads no more.
    this.#stdin?.on('error', () => undefined);
    this.#outputs = outputs.map(({ read: fd }, index) => ({ stream: index + 1, fd, socket: undefined }));
  }

  /** The process has its ends. */
  started(): void {
    for (const fd of this.#toClose.splice(0)) closeDescriptor(fd);
  }

  listen(events: SourceEvents): void {
    this.#events = events;
    for (const output of this.#outputs) {
      const socket = new Socket({ fd: output.fd, readable: true, writable: false });
      socket.on('error', () => undefined);
      socket.on('data', (payload: Buffer) => {
        events.onOutput(output.stream, payload);
      });
      output.socket = socket;
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
    for (const { socket } of this.#outputs) socket?.pause();
  }

  resume(): void {
    for (const { socket } of this.#outputs) socket?.resume();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const output of this.#outputs) this.#closeOutput(output);
    this.#stdin?.destroy();
  }

  #closeOutput({ stream, fd, socket }: Output): void {
    if (socket === undefined) {
      closeDescriptor(fd);
      return;
    }
    // A destroyed socket has told everything, and its descriptor is another's by now.
    if (socket.destroyed) return;
    // What it has read but not told: to read it is to tell it.
    while (socket.read() !== null);
    for (const piece of readAvailable(fd)) this.#events?.onOutput(stream, piece);
    socket.destroy();
  }

  /** What was said on stderr, of a runtime that could not make the process: nobody has listened. */
  complaint(): string {
    const [, errors] = this.#outputs;
    return errors === undefined ? '' : Buffer.concat(readAvailable(errors.fd)).toString();
  }
}
