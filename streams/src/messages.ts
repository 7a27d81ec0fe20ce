import { CleatError } from '@cleat/schemas';
import type { Answer, ClientLine, EndedEvent, Request, SessionsEvent } from './protocol.ts';

type Shape = Readonly<Record<string, 'string' | 'number' | 'boolean' | 'object'>>;

const PLACE: Shape = { token: 'string', target: 'string', run: 'number', openStdin: 'boolean', stdinOnce: 'boolean' };
const STDIO: Shape = { stdin: 'boolean', stdout: 'boolean', stderr: 'boolean' };
const TERMINAL: Shape = { terminal: 'boolean', detachKeys: 'string' };
const END: Shape = { exitCode: 'number', error: 'string', willRestart: 'boolean' };

const REQUESTS: ReadonlyMap<unknown, Shape> = new Map<unknown, Shape>([
  ['hello', { protocol: 'number' }],
  ['offer-attach', { ...PLACE, ...STDIO, ...TERMINAL }],
  ['exec', { ...PLACE, ...STDIO, program: 'string', args: 'object', directory: 'string', pidFile: 'string' }],
  ['offer-wait', { token: 'string', target: 'string', condition: 'string' }],
  ['connect', { target: 'string', run: 'number', attachPath: 'string', isExec: 'boolean' }],
  ['exited', { target: 'string', run: 'number', ...END }],
  ['leave', {}],
  ['removed', { target: 'string', exitCode: 'number' }],
]);

export function violation(reason: string, cause?: unknown): CleatError {
  const message = `a message of the streams protocol is wrong: ${reason}`;
  return new CleatError('invalid_argument', 'STREAMS_PROTOCOL', message, { cause });
}

/** The JSON object of a line. */
export function parseObject(line: string): object {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw violation('it is not JSON', error);
  }
  throw violation('it is not an object');
}

function fits(value: object, shape: Shape): boolean {
  return Object.entries(shape).every(([name, type]) => typeof Reflect.get(value, name) === type);
}

/** Throws CleatError STREAMS_PROTOCOL for anything but a request. */
export function parseRequest(line: string): Request {
  const value = parseObject(line);
  const shape = REQUESTS.get(Reflect.get(value, 'type'));
  if (shape === undefined || !fits(value, { id: 'number', ...shape })) throw violation('it is no request');
  return value as Request;
}

export function parseClientLine(value: object): ClientLine {
  const head: unknown = Reflect.get(value, 'head');
  if (fits(value, { token: 'string', framing: 'string' }) && (head === undefined || typeof head === 'string')) {
    return value as ClientLine;
  }
  throw violation('it has no token and framing');
}

export function parseFromStreams(line: string): Answer | SessionsEvent | EndedEvent {
  const value = parseObject(line);
  if (fits(value, { event: 'string', target: 'string', sessions: 'number' })) return value as SessionsEvent;
  if (fits(value, { event: 'string', target: 'string', exitCode: 'number' })) return value as EndedEvent;
  if (fits(value, { id: 'number' })) return value as Answer;
  throw violation('it is neither an answer nor an event');
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
