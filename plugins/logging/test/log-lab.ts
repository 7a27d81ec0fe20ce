import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, tempDir } from '@cleat/harness';
import { CleatError, type logdata } from '@cleat/schemas';
import type { EventItem } from '@cleat/sdk';
import { LogReader, type LogRequest } from '../src/reader/log-reader.ts';
import { LogWatches } from '../src/reader/log-watches.ts';
import { recordTime } from '../src/reader/record.ts';

export const CONTAINER: string = 'c'.repeat(64);
export type StreamName = 'stdout' | 'stderr';

/** What the monitor reads at once, and so the longest piece that it writes. */
const PIECE_BYTES = 8192;
const START_NS = 1_790_000_000_000_000_000n;

/** The kernel's and the monitor's side of a container's log: real files, with names that move as theirs do. */
export class FakeSpool {
  readonly directory: string;
  #number = 1;
  #run = 1;
  #now = START_NS;
  isRunning = true;
  isAway = false;
  isRemoved = false;
  lists = 0;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  get current(): string {
    return join(this.directory, 'current.log');
  }

  get now(): bigint {
    return this.#now;
  }

  /** Output of the process, in pieces as the monitor writes them. */
  write(stream: StreamName, output: string | Buffer): void {
    let rest = Buffer.from(output);
    while (rest.length > 0) {
      const read = rest.subarray(0, PIECE_BYTES);
      rest = rest.subarray(read.length);
      this.#writePieces(stream, read);
    }
  }

  /** Bytes of the file, whatever they are. */
  append(bytes: string | Buffer): void {
    appendFileSync(this.current, bytes);
  }

  #writePieces(stream: StreamName, read: Buffer): void {
    this.#now += 1_000_000_007n;
    const time = recordTime(this.#now).replace('Z', '+00:00');
    const pieces: Buffer[] = [];
    let start = 0;
    for (let end = read.indexOf(10); start < read.length; end = read.indexOf(10, start)) {
      const isWhole = end >= 0;
      const text = read.subarray(start, isWhole ? end : read.length);
      pieces.push(Buffer.from(`${time} ${stream} ${isWhole ? 'F' : 'P'} `), text, Buffer.from('\n'));
      start = isWhole ? end + 1 : read.length;
    }
    this.append(Buffer.concat(pieces));
  }

  /** The kernel begins a new segment: the name goes first, the new file comes a moment later. */
  rotate(): void {
    this.beginRotation();
    this.endRotation();
  }

  beginRotation(): void {
    if (existsSync(this.current)) renameSync(this.current, join(this.directory, `${this.#number}-${this.#run}.log`));
  }

  endRotation(): void {
    this.#number += 1;
    this.append('');
  }

  /** The oldest segment is dropped or was acknowledged. */
  dropOldest(): void {
    const [oldest] = this.#closed();
    if (oldest !== undefined) unlinkSync(oldest.path);
  }

  exit(): void {
    this.isRunning = false;
    this.beginRotation();
    this.#number += 1;
  }

  restart(): void {
    this.#run += 1;
    this.isRunning = true;
    this.append('');
  }

  readonly list = (): Promise<logdata.SegmentsResponse> => {
    this.lists += 1;
    if (this.isAway) return Promise.reject(new CleatError('unavailable', 'BUS_DOWN', 'the bus is down'));
    if (this.isRemoved) return Promise.reject(new CleatError('not_found', 'CONTAINER_NOT_FOUND', 'no such container'));
    const current = { number: this.#number, run: this.#run, path: this.current };
    const open = existsSync(this.current) ? [{ ...current, sizeBytes: statSync(this.current).size, open: this.isRunning }] : [];
    return Promise.resolve({ segments: [...this.#closed(), ...open], dropped: 0, running: this.isRunning });
  };

  #closed(): readonly logdata.Segment[] {
    return readdirSync(this.directory)
      .flatMap((name) => {
        const [, number, run] = /^(\d+)-(\d+)\.log$/.exec(name) ?? [];
        const path = join(this.directory, name);
        return number === undefined
          ? []
          : [{ number: Number(number), run: Number(run), path, sizeBytes: statSync(path).size, open: false }];
      })
      .sort((one, other) => one.number - other.number);
  }
}

/** Events of containers, for as many as listen. */
export class FakeEvents {
  readonly #listeners = new Set<(item: EventItem) => void>();

  get listeners(): number {
    return this.#listeners.size;
  }

  send(type: string, subject: string = CONTAINER): void {
    const event = { sequence: 1, type, subject, time: 0n, objectSequence: 1, data: {} };
    for (const listen of this.#listeners) listen({ type: 'event', event });
  }

  readonly subscribe = (_types: readonly string[], signal: AbortSignal): AsyncIterable<EventItem> => this.#items(signal);

  async *#items(signal: AbortSignal): AsyncGenerator<EventItem, void> {
    const items: EventItem[] = [];
    let wake = (): void => undefined;
    const listen = (item: EventItem): void => {
      items.push(item);
      wake();
    };
    this.#listeners.add(listen);
    signal.addEventListener('abort', () => wake(), { once: true });
    try {
      while (!signal.aborted) {
        yield* items.splice(0);
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (items.length > 0 || signal.aborted) resolve();
        });
      }
    } finally {
      this.#listeners.delete(listen);
    }
  }
}

export interface Frame {
  readonly stream: number;
  readonly data: Buffer;
}

/** A client that has what came so far. */
export class Client {
  readonly socket: Socket;
  /** What the reader at the other end is doing. */
  readonly reading: Promise<void>;
  #bytes: Buffer[] = [];
  #hasEnd = false;
  readonly #ended: Promise<void>;

  constructor(socket: Socket, reading: Promise<void>) {
    this.socket = socket;
    this.reading = reading;
    this.#ended = new Promise((resolve) => {
      socket.on('data', (chunk: Buffer) => this.#bytes.push(chunk));
      socket.on('close', () => {
        this.#hasEnd = true;
        resolve();
      });
      socket.on('error', () => undefined);
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#bytes);
  }

  get hasEnded(): boolean {
    return this.#hasEnd;
  }

  get frames(): readonly Frame[] {
    const frames: Frame[] = [];
    const { bytes } = this;
    for (let at = 0; at + 8 <= bytes.length; ) {
      const end = at + 8 + bytes.readUInt32BE(at + 4);
      if (end > bytes.length) break;
      frames.push({ stream: bytes[at] ?? 0, data: bytes.subarray(at + 8, end) });
      at = end;
    }
    return frames;
  }

  /** What one stream said so far. */
  text(stream: number): string {
    return Buffer.concat(this.frames.flatMap((frame) => (frame.stream === stream ? [frame.data] : []))).toString();
  }

  async end(): Promise<void> {
    await this.#ended;
    await this.reading;
  }
}

export interface LogLab {
  readonly spool: FakeSpool;
  readonly events: FakeEvents;
  readonly watches: LogWatches;
  readonly stopping: AbortController;
  /** A client reads the log over a real socket. */
  open(
    request?: Partial<Omit<LogRequest, 'range' | 'format'>> & Partial<LogRequest['range']> & Partial<LogRequest['format']>,
  ): Promise<Client>;
  /** The whole of what a client gets that does not follow. */
  read(request?: Parameters<LogLab['open']>[0]): Promise<Client>;
}

export function openLogLab(t: TestContext): LogLab {
  const directory = tempDir(t);
  const spool = new FakeSpool(join(directory, 'logs'));
  const events = new FakeEvents();
  const warn = (message: string, fields: object): void => t.comment(message, fields);
  const watches = new LogWatches({ subscribe: events.subscribe, warn });
  const stopping = new AbortController();
  const servers: Server[] = [];
  const clients: Client[] = [];
  t.teardown(async () => {
    stopping.abort();
    for (const { socket } of clients) socket.destroy();
    await Promise.all(clients.map(({ reading }) => reading));
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
  });
  const open: LogLab['open'] = async (request = {}) => {
    const path = join(directory, `${servers.length}.sock`);
    const { follow = false, tail = -1, stdout = true, stderr = true, since = 0n, until = 0n } = request;
    const { frames = true, timestamps = false, details } = request;
    const asked: LogRequest = {
      container: CONTAINER,
      directory: spool.directory,
      range: { stdout, stderr, since, until },
      format: { frames, timestamps, details },
      tail,
      follow,
    };
    const reading = new Promise<Promise<void>>((resolve) => {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
        socket.on('error', () => socket.destroy());
        resolve(new LogReader(asked, { list: spool.list, watches, signal: stopping.signal }, socket).run());
      });
      servers.push(server);
      server.listen(path);
    });
    await new Promise((resolve) => servers.at(-1)?.once('listening', resolve));
    const client = new Client(
      connect({ path }),
      reading.then((run) => run),
    );
    clients.push(client);
    return client;
  };
  const read: LogLab['read'] = async (request) => {
    const client = await open(request);
    await client.end();
    return client;
  };
  return { spool, events, watches, stopping, open, read };
}
