import { CleatError } from '@cleat/schemas';
import { armTimer, Deadline, monotonicMs } from '../deadlines/index.ts';
import { WORKING_INTERVAL_MS } from './limits.ts';
import { type BusHeaders, type CallStatus, NO_BODY } from './message.ts';

export interface OperationTimes {
  readonly deadlineMs: number;
  /** The latest that progress renews the deadline to. */
  readonly limitMs: number;
  /** What a progress renews it by. */
  readonly windowMs: number;
}

export interface RunningOperationParts extends OperationTimes {
  readonly op: string;
  readonly reply: string | undefined;
  readonly send: (reply: string | undefined, status: CallStatus, body: Uint8Array, headers?: BusHeaders) => void;
}

/** An operation while its handler works: says so every two seconds, and has its signal aborted at the deadline. */
export class RunningOperation {
  readonly op: string;
  readonly #send: RunningOperationParts['send'];
  readonly #controller = new AbortController();
  #reply: string | undefined;
  #deadlineMs: number;
  #limitMs: number;
  #windowMs: number;
  #beatAtMs: number = monotonicMs() + WORKING_INTERVAL_MS;
  #disarm: () => void = () => undefined;
  #settled: Promise<void> = Promise.resolve();

  constructor(parts: RunningOperationParts) {
    this.op = parts.op;
    this.#send = parts.send;
    this.#reply = parts.reply;
    this.#deadlineMs = parts.deadlineMs;
    this.#limitMs = parts.limitMs;
    this.#windowMs = parts.windowMs;
  }

  /** The newest request's reply path: older ones may be of a connection or a server that is gone. */
  get reply(): string | undefined {
    return this.#reply;
  }

  get deadline(): Deadline {
    return Deadline.at(this.#deadlineMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Settles, never rejects, when the handler has ended. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  run<T>(work: () => Promise<T>, finish: (result: T | Error) => void): void {
    this.#arm();
    this.#settled = this.#outcome(work).then((result) => {
      this.#disarm();
      finish(result);
    });
  }

  /** A request for this operation has come again. */
  join(reply: string | undefined, times: OperationTimes): void {
    if (reply !== undefined) this.#reply = reply;
    this.#limitMs = Math.max(this.#limitMs, times.limitMs);
    this.#windowMs = Math.max(this.#windowMs, times.windowMs);
    this.#deadlineMs = Math.max(this.#deadlineMs, times.deadlineMs);
    if (this.signal.aborted) return;
    // The caller asks again because it heard nothing: it is told at once.
    this.#beat();
    this.#arm();
  }

  progress(body: Uint8Array, headers?: BusHeaders): void {
    if (this.signal.aborted) return;
    const now = monotonicMs();
    this.#deadlineMs = Math.min(this.#limitMs, Math.max(this.#deadlineMs, now + this.#windowMs));
    this.#beatAtMs = now + WORKING_INTERVAL_MS;
    this.#send(this.#reply, 'progress', body, headers);
    this.#arm();
  }

  abort(reason: CleatError): void {
    this.#disarm();
    this.#controller.abort(reason);
  }

  async #outcome<T>(work: () => Promise<T>): Promise<T | Error> {
    try {
      return await work();
    } catch (error) {
      // A handler that passes its signal on fails with the signal's reason, whatever it is wrapped in on the way.
      if (this.signal.aborted && isAbortError(error)) return asError(this.signal.reason);
      return asError(error);
    }
  }

  #arm(): void {
    this.#disarm();
    this.#disarm = armTimer(Math.min(this.#beatAtMs, this.#deadlineMs), () => this.#onTimer());
  }

  #onTimer(): void {
    const now = monotonicMs();
    if (now >= this.#deadlineMs) {
      this.abort(new CleatError('deadline_exceeded', 'BUS_CALL_TIMEOUT', `${this.op} did not end within its deadline`));
      return;
    }
    if (now >= this.#beatAtMs) this.#beat();
    this.#arm();
  }

  #beat(): void {
    this.#beatAtMs = monotonicMs() + WORKING_INTERVAL_MS;
    this.#send(this.#reply, 'working', NO_BODY);
  }
}

function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}
