import { CleatError } from '@cleat/schemas';
import type { Answer, ClientLine, HeldTarget, HelloAnswer, Request, SessionsEvent, WaitCondition } from './protocol.ts';

/** A JSON object of a peer, whose fields are checked one by one. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;

  /** Throws CleatError STREAMS_PROTOCOL for anything but a JSON object. */
  constructor(line: string) {
    const value = parseJson(line);
    if (typeof value !== 'object' || value === null) throw violation('it is not a JSON object');
    this.#values = new Map(Object.entries(value));
  }

  has(name: string): boolean {
    return this.#values.get(name) !== undefined;
  }

  text(name: string): string {
    const value = this.#values.get(name);
    return typeof value === 'string' ? value : this.#fail(name);
  }

  number(name: string): number {
    const value = this.#values.get(name);
    return typeof value === 'number' ? value : this.#fail(name);
  }

  flag(name: string): boolean {
    const value = this.#values.get(name);
    return typeof value === 'boolean' ? value : this.#fail(name);
  }

  objects(name: string): Fields[] {
    const value = this.#values.get(name);
    return Array.isArray(value) ? value.map((item) => new Fields(JSON.stringify(item))) : this.#fail(name);
  }

  texts(name: string): string[] {
    const value = this.#values.get(name);
    return Array.isArray(value) ? value.map(String) : this.#fail(name);
  }

  object(name: string): Fields {
    return new Fields(JSON.stringify(this.#values.get(name) ?? null));
  }

  #fail(name: string): never {
    throw violation(`${name} is missing or of a wrong type`);
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw violation('it is not JSON', error);
  }
}

export function violation(reason: string, cause?: unknown): CleatError {
  return new CleatError(
    'invalid_argument',
    'STREAMS_PROTOCOL',
    `a message of the streams protocol is wrong: ${reason}`,
    {
      cause,
    },
  );
}

export function parseRequest(line: string): Request {
  const fields = new Fields(line);
  const common = { id: fields.number('id'), target: fields.has('target') ? fields.text('target') : '' };
  const type = fields.text('type');
  switch (type) {
    case 'offer-attach':
      return { ...common, type, token: fields.text('token'), run: fields.number('run'), ...attachFields(fields) };
    case 'offer-wait':
      return { ...common, type, token: fields.text('token'), condition: condition(fields.text('condition')) };
    case 'connect':
      return { ...common, type, run: fields.number('run'), attachPath: fields.text('attachPath') };
    case 'exited': {
      const { number, text, flag } = bound(fields);
      const end = { exitCode: number('exitCode'), error: text('error'), willRestart: flag('willRestart') };
      return { ...common, type, run: number('run'), ...end };
    }
    case 'removed':
      return { ...common, type, exitCode: fields.number('exitCode') };
    default:
      throw violation(`${type} is no request`);
  }
}

function bound(fields: Fields): Pick<Fields, 'number' | 'text' | 'flag'> {
  return {
    number: (name) => fields.number(name),
    text: (name) => fields.text(name),
    flag: (name) => fields.flag(name),
  };
}

type AttachFields = 'stdin' | 'stdout' | 'stderr' | 'terminal' | 'openStdin' | 'stdinOnce';

function attachFields(fields: Fields): Record<AttachFields, boolean> & { readonly detachKeys: string } {
  return {
    stdin: fields.flag('stdin'),
    stdout: fields.flag('stdout'),
    stderr: fields.flag('stderr'),
    terminal: fields.flag('terminal'),
    openStdin: fields.flag('openStdin'),
    stdinOnce: fields.flag('stdinOnce'),
    detachKeys: fields.text('detachKeys'),
  };
}

function condition(text: string): WaitCondition {
  if (text === 'not-running' || text === 'next-exit' || text === 'removed') return text;
  throw violation(`${text} is no condition to wait for`);
}

export function parseClientLine(fields: Fields): ClientLine {
  const framing = fields.text('framing');
  if (framing !== 'docker' && framing !== 'raw' && framing !== 'chunked') throw violation(`${framing} is no framing`);
  return { token: fields.text('token'), framing, ...(fields.has('head') ? { head: fields.text('head') } : {}) };
}

export function parseHelloAnswer(line: string): HelloAnswer {
  const fields = new Fields(line);
  const protocol = fields.number('protocol');
  return { hello: 'streams', protocol, pid: fields.number('pid'), held: fields.objects('held').map(parseHeld) };
}

function parseHeld(fields: Fields): HeldTarget {
  const waits = fields.texts('waits').map(condition);
  return { target: fields.text('target'), run: fields.number('run'), sessions: fields.number('sessions'), waits };
}

export function parseFromStreams(line: string): Answer | SessionsEvent {
  const fields = new Fields(line);
  if (fields.has('event')) {
    return { event: 'sessions', target: fields.text('target'), sessions: fields.number('sessions') };
  }
  const id = fields.number('id');
  if (!fields.has('error')) return { id };
  const error = fields.object('error');
  return { id, error: { class: error.text('class'), code: error.text('code'), message: error.text('message') } };
}

const LINE_LIMIT_CHARS = 4 * 1024 * 1024;

/** Cuts what arrives on a socket into lines. */
export class LineSplitter {
  #rest = '';

  lines(chunk: Buffer): string[] {
    this.#rest += chunk.toString();
    if (this.#rest.length > LINE_LIMIT_CHARS) throw violation('a line is too long');
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.filter((line) => line !== '');
  }
}
