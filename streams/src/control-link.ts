import type { Socket } from 'node:net';
import type { Deadline } from '@cleat/core/deadlines';
import { CleatError, parseErrorClass } from '@cleat/schemas';
import { LineSplitter, parseFromStreams } from './messages.ts';
import { type Answer, type Command, type HeldTarget, type Hello, type Leave, PROTOCOL_VERSION } from './protocol.ts';

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** What a process says by itself. */
export interface LinkEvents {
  readonly onSessions: (target: string, sessions: number) => void;
  readonly onExecEnded: (target: string, exitCode: number) => void;
}

/** The kernel's control connection to one process `streams`. */
export class ControlLink {
  readonly #socket: Socket;
  readonly #events: LinkEvents;
  readonly #pending = new Map<number, Pending>();
  readonly #splitter = new LineSplitter();
  #lastId = 0;

  constructor(socket: Socket, events: LinkEvents) {
    this.#socket = socket;
    this.#events = events;
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

  /** What the process holds. Throws STREAMS_VERSION for one that this kernel cannot speak with. */
  async hello(deadline: Deadline): Promise<{ readonly pid: number; readonly held: readonly HeldTarget[] }> {
    const { protocol, held = [], pid = 0 } = await this.request({ type: 'hello', protocol: PROTOCOL_VERSION }, deadline);
    if (protocol === PROTOCOL_VERSION) return { pid, held };
    this.close();
    const message = `the running streams process speaks version ${protocol}, this kernel ${PROTOCOL_VERSION}`;
    throw new CleatError('unavailable', 'STREAMS_VERSION', message);
  }

  /** A process that does not answer is as good as dead: its connection is given up. An exec waits for the OCI runtime, not for it. */
  async request(command: Command | Hello | Leave, deadline: Deadline): Promise<Answer> {
    if (this.#socket.destroyed) throw gone();
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<Answer>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#socket.write(`${JSON.stringify({ id, ...command })}\n`);
    // A connection alone keeps no process alive, but somebody who waits for an answer must get one.
    this.#socket.ref();
    const silent = new CleatError('deadline_exceeded', 'STREAMS_SILENT', 'the streams process does not answer');
    try {
      return await deadline.race(answer, () => silent);
    } catch (error) {
      if (error === silent && command.type !== 'exec') this.close();
      throw error;
    } finally {
      if (this.#pending.size === 0) this.#socket.unref();
    }
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
    const message = parseFromStreams(line);
    if ('event' in message) {
      if (message.event === 'ended') this.#events.onExecEnded(message.target, message.exitCode);
      else this.#events.onSessions(message.target, message.sessions);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    const { error } = message;
    if (error === undefined) pending?.resolve(message);
    else pending?.reject(new CleatError(parseErrorClass(error.class), error.code, error.message));
  }
}

function gone(): CleatError {
  return new CleatError('unavailable', 'STREAMS_GONE', 'the streams process has ended', { retryable: true });
}
