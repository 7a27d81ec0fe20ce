import { randomBytes } from 'node:crypto';
import { CleatError } from '@cleat/schemas';
import { armTimer, type Deadline, monotonicMs } from '../deadlines/index.ts';
import type { BusConnection, ReplyPath } from './connection.ts';
import { BUS_GRACE_MS, RECONNECT_SETTLE_MS, RESEND_AFTER_RECONNECT_MS, SILENCE_MS } from './limits.ts';
import { type BusHeaders, type BusMessage, CallHeader, NO_BODY, NO_HEADERS } from './message.ts';
import { callSubject } from './subjects.ts';

export interface CallOptions {
  /** When to give up; renewed by each progress that the handler reports, by the time that it was set to at first. */
  readonly deadline: Deadline;
  /** The latest that progress can renew the deadline to; without it progress renews nothing. */
  readonly limit?: Deadline | undefined;
  /** Names the operation through all its repetitions; made when absent. */
  readonly operationId?: string | undefined;
  /** Sent as they are: contract, schema, principal, traceparent. */
  readonly headers?: BusHeaders | undefined;
  readonly onProgress?: ((progress: CallAnswer) => void) | undefined;
  /** Its abort tells the callee to stop and fails the call, with the reason when that is a CleatError, else `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** Named in the errors that are made on this side. */
  readonly plugin?: string | undefined;
}

export interface CallAnswer {
  readonly headers: BusHeaders;
  readonly body: Buffer;
}

export interface BusCallerOptions {
  /** Turns the body of an error answer into the error. */
  readonly decodeError: (body: Buffer, headers: BusHeaders) => CleatError;
}

/**
 * The calling half. A call is sent again, under the same operation id, whenever nothing is heard of it, until its deadline; the
 * callee joins repetitions to the operation that runs. That is the only retry there is.
 */
export class BusCaller {
  readonly #connection: BusConnection;
  readonly #decodeError: BusCallerOptions['decodeError'];
  readonly #pending = new Set<PendingCall>();
  readonly #stopListening: () => void;

  /** The connection is one of an importing account. */
  constructor(connection: BusConnection, options: BusCallerOptions) {
    this.#connection = connection;
    this.#decodeError = options.decodeError;
    this.#stopListening = connection.onEvent((event) => {
      if (event.type === 'connected') for (const call of [...this.#pending]) call.onConnected();
    });
  }

  /**
   * Fails with the callee's error; `unavailable` `BUS_DOWN` when it could not be sent within two seconds or the bus is away at
   * the deadline; `deadline_exceeded` `BUS_CALL_TIMEOUT`; `cancelled` `BUS_CALL_CANCELLED`. After the last three the outcome
   * is unknown: the same operation id asks for it again.
   */
  call(address: string, op: string, body: Uint8Array, options: CallOptions): Promise<CallAnswer> {
    return new Promise((resolve, reject) => {
      const call = new PendingCall({
        connection: this.#connection,
        subject: callSubject(this.#connection.accountKey, address, op),
        title: `${address}.${op}`,
        body,
        options,
        decodeError: this.#decodeError,
        settle: (outcome) => {
          this.#pending.delete(call);
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      });
      this.#pending.add(call);
      call.begin();
    });
  }

  /** Sends again soon whatever is pending: a callee that was away has come back. */
  hurry(): void {
    for (const call of [...this.#pending]) call.onConnected();
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Fails what is pending with `reason`; the connection stays open. */
  close(reason: CleatError): void {
    this.#stopListening();
    for (const call of [...this.#pending]) call.fail(reason);
  }
}

interface PendingCallParts {
  readonly connection: BusConnection;
  readonly subject: string;
  readonly title: string;
  readonly body: Uint8Array;
  readonly options: CallOptions;
  readonly decodeError: BusCallerOptions['decodeError'];
  readonly settle: (outcome: CallAnswer | Error) => void;
}

class PendingCall {
  readonly #parts: PendingCallParts;
  readonly #operationId: string;
  /** What a progress renews the deadline by. */
  readonly #windowMs: number;
  readonly #limitMs: number;
  readonly #startedMs: number = monotonicMs();
  #replyPath: ReplyPath | undefined;
  #deadlineMs: number;
  #sendAtMs: number;
  #resendMs: number = RESEND_AFTER_RECONNECT_MS;
  #attempt = 0;
  #isSettled = false;
  #disarm: () => void = () => undefined;

  constructor(parts: PendingCallParts) {
    const { deadline, limit, operationId } = parts.options;
    this.#parts = parts;
    this.#operationId = operationId ?? randomBytes(16).toString('hex');
    this.#windowMs = deadline.remainingMs;
    this.#deadlineMs = deadline.atMs;
    this.#limitMs = Math.max(deadline.atMs, limit?.atMs ?? 0);
    this.#sendAtMs = this.#startedMs;
  }

  begin(): void {
    const { signal } = this.#parts.options;
    if (signal?.aborted === true) {
      this.#onAbort();
      return;
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#replyPath = this.#parts.connection.openReplyPath((message) => this.#onReply(message));
    this.#step();
  }

  /** A reconnect: the request or its answer may be lost. The callee is given time to be back as well. */
  onConnected(): void {
    this.#resendMs = RESEND_AFTER_RECONNECT_MS;
    this.#sendAtMs = this.#attempt === 0 ? 0 : monotonicMs() + this.#resendMs;
    this.#step();
  }

  fail(error: Error): void {
    this.#settle(error);
  }

  /** Does what is due and arms the timer for what comes next. */
  #step(): void {
    if (this.#isSettled) return;
    this.#disarm();
    const now = monotonicMs();
    if (now >= this.#deadlineMs) {
      this.#settle(this.#lateError());
      return;
    }
    if (!this.#parts.connection.isConnected) {
      // What was sent waits for the reconnect; what was not fails soon, as nothing has been done yet.
      const giveUpMs = this.#attempt === 0 ? Math.min(this.#deadlineMs, this.#startedMs + BUS_GRACE_MS) : this.#deadlineMs;
      if (now >= giveUpMs) this.#settle(this.#parts.connection.downError());
      else this.#disarm = armTimer(giveUpMs, () => this.#step());
      return;
    }
    if (now >= this.#sendAtMs && !this.#send(now)) return;
    this.#disarm = armTimer(Math.min(this.#sendAtMs, this.#deadlineMs), () => this.#step());
  }

  #send(now: number): boolean {
    const { connection, subject, body } = this.#parts;
    this.#attempt += 1;
    this.#sendAtMs = now + this.#silenceMs();
    try {
      const reply = this.#replyPath?.subject;
      connection.publish(subject, body, { headers: this.#headers(now), ...(reply === undefined ? {} : { reply }) });
      return true;
    } catch (error) {
      if (!connection.isConnected) {
        // Lost between the look and the act: the reconnect sends it.
        this.#attempt -= 1;
        this.#step();
      } else {
        this.#settle(error instanceof Error ? error : new Error(String(error)));
      }
      return false;
    }
  }

  /** How long to wait for a sign before the request is sent again. */
  #silenceMs(): number {
    if (this.#parts.connection.connectedForMs > RECONNECT_SETTLE_MS) return SILENCE_MS;
    const waitMs = this.#resendMs;
    this.#resendMs = Math.min(SILENCE_MS, waitMs * 2);
    return waitMs;
  }

  #headers(now: number): BusHeaders {
    const headers = new Map(this.#parts.options.headers ?? NO_HEADERS);
    headers.set(CallHeader.operation, this.#operationId);
    headers.set(CallHeader.attempt, String(this.#attempt));
    if (Number.isFinite(this.#deadlineMs)) {
      headers.set(CallHeader.deadline, this.#deadlineMs.toFixed(3));
      headers.set(CallHeader.timeout, String(Math.ceil(Math.max(0, this.#deadlineMs - now))));
    }
    if (this.#limitMs > this.#deadlineMs) {
      headers.set(CallHeader.limit, this.#limitMs.toFixed(3));
      headers.set(CallHeader.window, String(Math.ceil(this.#windowMs)));
    }
    return headers;
  }

  #onReply(message: BusMessage): void {
    if (this.#isSettled) return;
    const now = monotonicMs();
    if (message.status === 503) {
      // Nobody listens at this moment (newer servers say so). It is no answer: the callee may be reconnecting.
      this.#sendAtMs = Math.min(this.#sendAtMs, now + this.#resendMs);
      this.#resendMs = Math.min(SILENCE_MS, this.#resendMs * 2);
      this.#step();
      return;
    }
    const status = message.headers.get(CallHeader.status);
    const answer: CallAnswer = { headers: message.headers, body: message.body };
    if (status === 'ok') {
      this.#settle(answer);
    } else if (status === 'error') {
      this.#settle(this.#remoteError(answer));
    } else if (status === 'working' || status === 'progress') {
      this.#sendAtMs = now + SILENCE_MS;
      if (status === 'progress') this.#onProgress(answer, now);
      this.#step();
    }
    // Anything else is from a peer that speaks what we do not: as if nothing was heard.
  }

  #onProgress(progress: CallAnswer, now: number): void {
    this.#deadlineMs = Math.min(this.#limitMs, Math.max(this.#deadlineMs, now + this.#windowMs));
    try {
      this.#parts.options.onProgress?.(progress);
    } catch (error) {
      this.#cancelRemote();
      this.#settle(error instanceof Error ? error : new Error(String(error)));
    }
  }

  readonly #onAbort = (): void => {
    if (this.#isSettled) return;
    this.#cancelRemote();
    const reason: unknown = this.#parts.options.signal?.reason;
    if (reason instanceof CleatError) {
      this.#settle(reason);
      return;
    }
    const { title, options } = this.#parts;
    this.#settle(new CleatError('cancelled', 'BUS_CALL_CANCELLED', `${title} was cancelled`, { plugin: options.plugin, cause: reason }));
  };

  /** Tells the callee that nobody waits any more. It may not arrive; the deadline stands. */
  #cancelRemote(): void {
    const { connection, subject } = this.#parts;
    if (this.#attempt === 0 || !connection.isConnected) return;
    const headers = new Map([
      [CallHeader.operation, this.#operationId],
      [CallHeader.status, 'cancel'],
    ]);
    try {
      connection.publish(subject, NO_BODY, { headers });
    } catch (error) {
      if (connection.isConnected) throw error;
    }
  }

  #remoteError(answer: CallAnswer): Error {
    try {
      return this.#parts.decodeError(answer.body, answer.headers);
    } catch (cause) {
      const { title, options } = this.#parts;
      const message = `${title} failed, with an error that cannot be read`;
      return new CleatError('internal', 'BUS_BAD_ANSWER', message, { plugin: options.plugin, cause });
    }
  }

  #lateError(): CleatError {
    const { connection, title, options } = this.#parts;
    if (!connection.isConnected) return connection.downError();
    const seconds = ((monotonicMs() - this.#startedMs) / 1000).toFixed(1);
    return new CleatError('deadline_exceeded', 'BUS_CALL_TIMEOUT', `${title} was not answered within ${seconds} s`, {
      plugin: options.plugin,
    });
  }

  #settle(outcome: CallAnswer | Error): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#disarm();
    this.#replyPath?.close();
    this.#parts.options.signal?.removeEventListener('abort', this.#onAbort);
    this.#parts.settle(outcome);
  }
}
