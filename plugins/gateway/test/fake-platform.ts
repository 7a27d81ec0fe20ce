import { createServer } from 'node:net';
import { join } from 'node:path';
import { CleatError, type Contracts, type container, type image, SchemaBook } from '@cleat/schemas';
import type { CallOptions, EventItem, ReceivedEvent } from '@cleat/sdk';
import type { Backend } from '../src/backend.ts';

/** One call that the gateway made. */
export interface MadeCall {
  readonly name: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly options: CallOptions;
}

type Handler = (request: Readonly<Record<string, unknown>>, options: CallOptions) => unknown;

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * The platform behind the gateway, scripted. Requests and answers go through the real schemas, so that what does not fit the contract
 * fails here as it would on the bus.
 */
export class FakePlatform {
  readonly calls: MadeCall[] = [];
  readonly #book = new SchemaBook();
  readonly #handlers = new Map<string, Handler>();
  readonly #containers = new Map<string, container.Info>();
  readonly #removed: { readonly id: string; readonly position: number }[] = [];
  readonly #listeners = new Set<(item: EventItem) => void>();
  #position = 0;
  #sequence = 0;
  readonly #log: ReceivedEvent[] = [];

  constructor() {
    this.#containerHandlers();
    this.on('node.info', () => NODE_INFO(this.#sequence));
    this.on('event.list', (request) => this.#listEvents(request));
  }

  /** Answers an operation from now on. */
  on(name: string, handler: Handler): void {
    this.#handlers.set(name, handler);
  }

  fails(name: string, error: CleatError): void {
    this.on(name, () => {
      throw error;
    });
  }

  callsOf(name: string): readonly MadeCall[] {
    return this.calls.filter((call) => call.name === name);
  }

  addImage(name: string, config: Partial<image.ConfigInput> = {}): string {
    const id = `sha256:${name.length.toString(16).padStart(2, '0').repeat(32)}`;
    const info: image.InfoInput = {
      summary: { id, repoTags: [`${name}:latest`], createdAt: 1_700_000_000_000_000_000n, sizeBytes: 1_234_567 },
      config: { cmd: ['sh'], env: ['PATH=/bin'], ...config },
      architecture: 'amd64',
      os: 'linux',
      layers: [`sha256:${'ab'.repeat(32)}`],
      driver: 'overlay2',
    };
    this.on('image.inspect', (request) => {
      if (request['image'] === name || request['image'] === `${name}:latest` || request['image'] === id) return info;
      throw new CleatError('not_found', 'IMAGE_NOT_FOUND', `no image ${String(request['image'])}`);
    });
    this.on('image.list', () => ({ images: [info.summary] }));
    return id;
  }

  /** Changes a container behind the gateway's back. */
  change(id: string, change: (info: container.Info) => container.Info): void {
    const info = this.#containers.get(id);
    if (info === undefined) throw new Error(`no container ${id}`);
    this.#position += 1;
    this.#containers.set(id, { ...change(info), position: this.#position });
  }

  emit(type: string, subject: string, data: Readonly<Record<string, unknown>>, time: bigint): void {
    this.#sequence += 1;
    const event = { sequence: this.#sequence, type, subject, time, objectSequence: 1, data };
    this.#log.push(event);
    for (const listener of this.#listeners) listener({ type: 'event', event });
  }

  get subscribers(): number {
    return this.#listeners.size;
  }

  get backend(): Backend {
    return {
      call: (contract, operation, request, options) => this.#call(contract, operation, request, options ?? {}),
      subscribe: (options) => this.#subscribe(options.after ?? this.#sequence, options.signal),
      decodeEvent: (entry) => this.#log[entry.sequence - 1] ?? fail(`no event ${entry.sequence}`),
      log: { ...SILENT, child: () => fail('no child loggers'), isEnabled: () => false },
      nodeName: 'test',
      instanceId: '01234567',
    };
  }

  async #call<C extends keyof Contracts, O extends keyof Contracts[C] & string>(
    contract: C,
    operation: O,
    request: unknown,
    options: CallOptions,
  ): Promise<Contracts[C][O] extends { readonly response: infer R } ? R : never> {
    const codecs = this.#book.anyOperation(contract, operation);
    const name = `${contract}.${operation}`;
    const decoded = codecs.request.decode(codecs.request.encode(request));
    const fields = typeof decoded === 'object' && decoded !== null ? { ...decoded } : {};
    this.calls.push({ name, request: fields, options });
    options.signal?.throwIfAborted();
    const handler = this.#handlers.get(name);
    if (handler === undefined) throw new CleatError('unavailable', 'PLUGIN_AWAY', `nobody answers ${name}`);
    const answer = codecs.response.decode(codecs.response.encode(await handler(fields, options)));
    return answer as Contracts[C][O] extends { readonly response: infer R } ? R : never;
  }

  async *#subscribe(after: number, signal?: AbortSignal): AsyncGenerator<EventItem> {
    const waiting: EventItem[] = this.#log.filter((event) => event.sequence > after).map((event) => ({ type: 'event', event }));
    let wake: (() => void) | undefined;
    const listener = (item: EventItem): void => {
      waiting.push(item);
      wake?.();
    };
    // Asked anew each time: it changes while this waits.
    const isOver = (): boolean => signal?.aborted ?? false;
    this.#listeners.add(listener);
    signal?.addEventListener('abort', () => wake?.());
    try {
      while (!isOver()) {
        yield* waiting.splice(0);
        if (isOver()) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }

  #listEvents(request: Readonly<Record<string, unknown>>): unknown {
    const after = Number(request['after']);
    const limit = Number(request['limit']);
    const since = BigInt(String(request['since']));
    const until = BigInt(String(request['until']));
    const found = this.#log
      .filter((event) => (after >= 0 ? event.sequence > after : event.time >= since))
      .filter((event) => until === 0n || event.time <= until)
      .slice(0, limit);
    const events = found.map((event) => ({
      ...{ sequence: event.sequence, id: String(event.sequence), source: '/nodes/test', type: event.type, subject: event.subject },
      ...{ time: event.time, schema: '', data: Buffer.alloc(0) },
    }));
    return { events, position: found.at(-1)?.sequence ?? this.#sequence, newest: this.#sequence };
  }

  #find(reference: unknown): container.Info {
    const found = [...this.#containers.values()].find(
      (info) => info.id === reference || info.name === reference || info.id.startsWith(String(reference)),
    );
    if (found === undefined) throw new CleatError('not_found', 'CONTAINER_NOT_FOUND', `No such container: ${String(reference)}`);
    return found;
  }

  #containerHandlers(): void {
    this.on('container.create', (request) => this.#create(request));
    this.on('container.inspect', (request) => this.#find(request['container']));
    this.on('container.list', (request) => this.#list(Number(request['after'])));
    for (const operation of ['start', 'stop', 'restart', 'kill', 'pause', 'unpause', 'rename']) {
      this.on(`container.${operation}`, (request) => {
        this.#find(request['container']);
        return { changed: true };
      });
    }
    this.on('container.remove', (request) => {
      const { id } = this.#find(request['container']);
      this.#position += 1;
      this.#containers.delete(id);
      this.#removed.push({ id, position: this.#position });
      return { changed: true };
    });
  }

  #create(request: Readonly<Record<string, unknown>>): unknown {
    const name = String(request['name']);
    if ([...this.#containers.values()].some((info) => info.name === name)) {
      throw new CleatError('already_exists', 'CONTAINER_NAME_TAKEN', `the name ${name} is in use`);
    }
    this.#position += 1;
    const claims = Array.isArray(request['claims']) ? request['claims'] : [];
    const info: container.InfoInput = {
      id: String(request['id']),
      name,
      createdAt: BigInt(Date.now()) * 1_000_000n,
      spec: this.#book
        .record<container.Info['spec'], container.InfoInput['spec']>('container', 'cleat.container.v1.Spec')
        .decode(this.#book.record('container', 'cleat.container.v1.Spec').encode(request['spec'])),
      claims: claims.map((claim: container.ClaimStateInput['claim']) => ({ claim, phase: 'reserved' })),
      client: String(request['client']),
      attributes: Object.fromEntries(Object.entries(request['attributes'] ?? {})),
      state: { status: 'created' },
      position: this.#position,
    };
    const codec = this.#book.record<container.Info, container.InfoInput>('container', 'cleat.container.v1.Info');
    this.#containers.set(info.id, codec.decode(codec.encode(info)));
    return { id: info.id };
  }

  #list(after: number): unknown {
    const isFull = after === 0;
    return {
      position: this.#position,
      incarnation: 'one',
      full: isFull,
      containers: [...this.#containers.values()].filter((info) => info.position > after),
      removed: isFull ? [] : this.#removed.filter((one) => one.position > after).map((one) => one.id),
    };
  }
}

function fail(message: string): never {
  throw new Error(message);
}

function NODE_INFO(newestEvent: number): object {
  return {
    ...{ node: 'node-1', name: 'test', version: '0.1.0', bootId: 'boot', incarnation: 'one', stateDir: '/s', runDir: '/r' },
    ...{ cgroupLayout: 'v1', defaultRuntime: 'runc', newestEvent },
  };
}

export interface TicketServer {
  readonly ticket: { readonly socket: string; readonly token: string };
  /** The first line of the client, and what came after it. */
  readonly received: () => string;
  close(): void;
}

/** The far end of a ticket: takes the first line, then answers. */
export async function ticketServer(
  directory: string,
  answer: (socket: import('node:net').Socket, line: string) => void,
): Promise<TicketServer> {
  const path = join(directory, `ticket-${Math.random().toString(36).slice(2)}`);
  let received = '';
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let isFirst = true;
    socket.on('error', () => socket.destroy());
    socket.on('data', (data: Buffer) => {
      received += data.toString();
      const end = received.indexOf('\n');
      if (!isFirst || end < 0) return;
      isFirst = false;
      answer(socket, received.slice(0, end));
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { ticket: { socket: path, token: 'token-1' }, received: () => received, close: () => server.close() };
}
