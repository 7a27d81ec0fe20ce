import type { Socket } from 'node:net';
import type { Deadline } from '@cleat/core/deadlines';
import { CleatError, parseErrorClass } from '@cleat/schemas';
import { LineSplitter, parseFromStreams, parseHelloAnswer } from './messages.ts';
import { type Answer, type Command, type Hello, type HelloAnswer, PROTOCOL_VERSION } from './protocol.ts';

interface Pending {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The kernel's control connection to one process `streams`. */
export class ControlLink {
  readonly #socket: Socket;
  readonly #onSessions: (target: string, sessions: number) => void;
  readonly #pending = new Map<number, Pending>();
  readonly #splitter = new LineSplitter();
  readonly #greeting: Promise<HelloAnswer>;
  #greet: ((line: string) => void) | undefined;
  #lastId = 0;

  constructor(socket: Socket, onSessions: (target: string, sessions: number) => void) {
    this.#socket = socket;
    this.#onSessions = onSessions;
    this.#greeting = new Promise((resolve, reject) => {
      this.#greet = (line) => {
        resolve(parseHelloAnswer(line));
      };
      socket.once('close', () => {
        reject(gone());
      });
    });
    this.#greeting.catch(() => undefined);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      for (const { reject } of this.#pending.values()) reject(gone());
      this.#pending.clear();
    });
    socket.on('data', (chunk: Buffer) => {
      this.#receive(chunk);
    });
    socket.unref();
  }

  onClose(callback: () => void): void {
    if (this.#socket.destroyed) callback();
    else this.#socket.once('close', callback);
  }

  close(): void {
    this.#socket.destroy();
  }

  async hello(deadline: Deadline): Promise<HelloAnswer> {
    const hello: Hello = { hello: 'kernel', protocol: PROTOCOL_VERSION };
    this.#socket.write(`${JSON.stringify(hello)}\n`);
    const answer = await this.#within(deadline, this.#greeting);
    if (answer.protocol === PROTOCOL_VERSION) return answer;
    this.close();
    throw new CleatError(
      'unavailable',
      'STREAMS_VERSION',
      `the running streams process speaks version ${answer.protocol}, this kernel ${PROTOCOL_VERSION}`,
    );
  }

  request(command: Command, deadline: Deadline): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<void>((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(gone());
        return;
      }
      this.#pending.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ id, ...command })}\n`);
    });
    return this.#within(deadline, answer);
  }

  /** A process that does not answer is as good as dead: its connection is given up. */
  #within<T>(deadline: Deadline, answer: Promise<T>): Promise<T> {
    // A connection alone keeps no process alive, but somebody who waits for an answer must get one.
    this.#socket.ref();
    return deadline
      .race(answer, () => {
        answer.catch(() => undefined);
        this.close();
        return new CleatError('deadline_exceeded', 'STREAMS_SILENT', 'the streams process does not answer');
      })
      .finally(() => {
        if (this.#pending.size === 0) this.#socket.unref();
      });
  }

  #receive(chunk: Buffer): void {
    try {
      for (const line of this.#splitter.lines(chunk)) this.#take(line);
    } catch {
      // What can't be understood can't be answered: everybody who waits is told that it is gone.
      this.close();
    }
  }

  #take(line: string): void {
    if (this.#greet !== undefined) {
      this.#greet(line);
      this.#greet = undefined;
      return;
    }
    const message = parseFromStreams(line);
    if ('event' in message) this.#onSessions(message.target, message.sessions);
    else this.#settle(message);
  }

  #settle({ id, error }: Answer): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve();
    else pending?.reject(new CleatError(parseErrorClass(error.class), error.code, error.message));
  }
}

function gone(): CleatError {
  return new CleatError('unavailable', 'STREAMS_GONE', 'the streams process has ended', { retryable: true });
}
