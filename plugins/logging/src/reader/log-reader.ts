import type { Socket } from 'node:net';
import { isCleatError, type logdata } from '@cleat/schemas';
import type { LogWatch, LogWatches } from './log-watches.ts';
import { MessageAssembler } from './message-assembler.ts';
import { MessageFilter, type MessageRange } from './message-filter.ts';
import { type MessageFormat, MessageWriter } from './message-writer.ts';
import { type ListSegments, openClosedSegment, openSegment, type SegmentFile } from './segment-files.ts';
import { SegmentPump } from './segment-pump.ts';
import { searchBackwards, TailSearch } from './tail.ts';

/** What a client wants of a log. */
export interface LogRequest {
  /** Full id. */
  readonly container: string;
  /** Where the monitor writes. */
  readonly directory: string;
  readonly range: Omit<MessageRange, 'skip'>;
  readonly format: MessageFormat;
  /** -1: all. */
  readonly tail: number;
  readonly follow: boolean;
}

export interface LogReaderParts {
  readonly list: ListSegments;
  readonly watches: LogWatches;
  /** The plugin ends. */
  readonly signal: AbortSignal;
}

interface Start {
  /** Position in the list of segments, and in that segment. */
  readonly index: number;
  readonly offset: number;
  readonly skip: number;
}

/** One client's reading of one log, from the files of the monitor to its socket. */
export class LogReader {
  readonly #request: LogRequest;
  readonly #parts: LogReaderParts;
  readonly #writer: MessageWriter;
  readonly #gone = new AbortController();
  #filter: MessageFilter;
  #pump: SegmentPump;
  #current: SegmentFile | undefined;
  #position = 0;

  constructor(request: LogRequest, parts: LogReaderParts, socket: Socket) {
    this.#request = request;
    this.#parts = parts;
    this.#writer = new MessageWriter(socket, request.format);
    [this.#filter, this.#pump] = this.#pipeline(0);
    const leave = (): void => this.#gone.abort();
    socket.once('close', leave);
    // A client that ends its side is gone: it is read from only to notice that.
    socket.once('end', leave);
    socket.resume();
    if (socket.destroyed) leave();
  }

  /** Resolves when the client has got everything, or is gone. */
  async run(): Promise<void> {
    const signal = AbortSignal.any([this.#gone.signal, this.#parts.signal]);
    const stopAt = this.#timer();
    const { container, directory } = this.#request;
    let watch: LogWatch | undefined;
    try {
      const first = await this.#parts.list();
      // Before anything is read, so that nothing that is written meanwhile goes unnoticed.
      if (this.#request.follow && first.running) watch = this.#parts.watches.open(container, directory);
      await this.#readPast(watch === undefined ? first.segments : (await this.#parts.list()).segments);
      if (watch !== undefined) await this.#follow(watch, signal);
      this.#pump.endSegment(true);
      await this.#writer.end();
    } finally {
      clearTimeout(stopAt);
      watch?.close();
      await this.#current?.handle.close();
    }
  }

  #pipeline(skip: number): [MessageFilter, SegmentPump] {
    const filter = new MessageFilter({ ...this.#request.range, skip });
    const assembler = new MessageAssembler((message) => {
      if (filter.accepts(message)) this.#writer.add(message);
    });
    const pump = new SegmentPump(assembler, async () => {
      await this.#writer.flush();
      return !this.#isOver;
    });
    return [filter, pump];
  }

  get #isOver(): boolean {
    return this.#filter.isOver || this.#gone.signal.aborted || this.#writer.isClosed;
  }

  /** A log that says nothing more is not followed beyond the end of the range. */
  #timer(): NodeJS.Timeout | undefined {
    const { until } = this.#request.range;
    if (until === 0n || !this.#request.follow) return undefined;
    const ms = Number(until / 1_000_000n) - Date.now();
    // setTimeout counts no further than 24 days; who waits longer is served by the messages themselves.
    return ms > 0x7fffffff ? undefined : setTimeout(() => this.#gone.abort(), Math.max(0, ms)).unref();
  }

  /** Everything that is there now. */
  async #readPast(segments: readonly logdata.Segment[]): Promise<void> {
    const { tail } = this.#request;
    const start = tail < 0 ? { index: 0, offset: 0, skip: 0 } : await this.#findStart(segments, tail);
    [this.#filter, this.#pump] = this.#pipeline(start.skip);
    await this.#eachFrom(segments, start, async (file, from) => {
      await this.#enter(file);
      this.#position = await this.#pump.read(file, from, file.sizeBytes);
      return !this.#isOver;
    });
  }

  /** Opens the segments from the start on; the callee owns what it is given. */
  async #eachFrom(
    segments: readonly logdata.Segment[],
    start: Pick<Start, 'index' | 'offset'>,
    work: (file: SegmentFile, from: number) => Promise<boolean>,
  ): Promise<void> {
    for (let index = start.index; index < segments.length; index += 1) {
      const file = await this.#open(segments, index);
      if (file === undefined) continue;
      if (!(await work(file, index === start.index ? Math.min(start.offset, file.sizeBytes) : 0))) return;
    }
  }

  #open(segments: readonly logdata.Segment[], index: number): Promise<SegmentFile | undefined> {
    const segment = segments[index];
    if (segment === undefined) return Promise.resolve(undefined);
    return index === segments.length - 1 ? openSegment(segment, this.#parts.list) : openClosedSegment(segment);
  }

  async #enter(file: SegmentFile): Promise<void> {
    const before = this.#current;
    this.#current = file;
    this.#position = 0;
    if (before === undefined) return;
    this.#pump.endSegment(before.run !== file.run);
    await before.handle.close();
  }

  /** Backwards to where at least so many messages begin, then forwards to know how many too many. */
  async #findStart(segments: readonly logdata.Segment[], tail: number): Promise<Start> {
    // Also for none at all: a line that has not ended may have begun before the newest that has.
    const search = new TailSearch(Math.max(1, tail));
    let start = { index: 0, offset: 0 };
    for (let index = segments.length - 1; index >= 0 && !search.isOver; index -= 1) {
      const file = await this.#open(segments, index);
      if (file === undefined) continue;
      try {
        start = { index, offset: await searchBackwards(file.handle, file.sizeBytes, search) };
      } finally {
        await file.handle.close();
      }
    }
    const count = await this.#countFrom(segments, start);
    return { ...start, skip: Math.max(0, count - tail) };
  }

  async #countFrom(segments: readonly logdata.Segment[], start: Pick<Start, 'index' | 'offset'>): Promise<number> {
    let count = 0;
    let run: number | undefined;
    const pump = new SegmentPump(
      new MessageAssembler(() => {
        count += 1;
      }),
      () => Promise.resolve(!this.#gone.signal.aborted),
    );
    await this.#eachFrom(segments, start, async (file, from) => {
      try {
        if (run !== undefined) pump.endSegment(run !== file.run);
        run = file.run;
        await pump.read(file, from, file.sizeBytes);
      } finally {
        await file.handle.close();
      }
      return !this.#gone.signal.aborted;
    });
    // A line that has not ended is one of the messages only for who does not wait for its end.
    if (!this.#request.follow) pump.endSegment(true);
    return count;
  }

  async #follow(watch: LogWatch, signal: AbortSignal): Promise<void> {
    let listVersion = -1;
    while (!signal.aborted && !this.#isOver) {
      const { version, isEnded } = watch;
      await this.#readOn();
      if (watch.listVersion !== listVersion || isEnded) {
        listVersion = watch.listVersion;
        if (await this.#advance(isEnded)) return;
      }
      await watch.change(version, signal);
    }
  }

  async #readOn(): Promise<void> {
    if (this.#current === undefined) return;
    this.#position = await this.#pump.read(this.#current, this.#position, Number.MAX_SAFE_INTEGER);
    await this.#writer.flush();
  }

  /** Goes on to the next segment, if there is one. True when the log is at its end. */
  async #advance(isEnded: boolean): Promise<boolean> {
    const list = await this.#listNow();
    if (list === undefined) return false;
    const next = list.segments.filter(({ number }) => number > (this.#current?.number ?? 0));
    const [segment] = next;
    if (segment === undefined) {
      if (list.running && !isEnded) return false;
      // Written before the end and after the last look.
      await this.#readOn();
      return true;
    }
    const file = await openSegment(segment, this.#parts.list);
    if (file === undefined) return false;
    // The monitor has begun the next one, so this one grows no more.
    await this.#readOn();
    await this.#enter(file);
    await this.#readOn();
    return this.#isOver ? true : this.#advance(isEnded);
  }

  /** Undefined while the kernel is away: the log goes on being read as far as it goes. */
  async #listNow(): Promise<logdata.SegmentsResponse | undefined> {
    try {
      return await this.#parts.list();
    } catch (error) {
      if (!isCleatError(error)) throw error;
      if (error.class === 'not_found') return { segments: [], dropped: 0, running: false };
      if (error.class === 'unavailable' || error.class === 'deadline_exceeded') return undefined;
      throw error;
    }
  }
}
