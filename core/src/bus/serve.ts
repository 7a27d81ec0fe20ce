import { CleatError, toCleatError } from '@cleat/schemas';
import { type Deadline, monotonicMs } from '../deadlines/index.ts';
import type { BusConnection, BusSubscription } from './connection.ts';
import { MAX_MESSAGE_BYTES, RUNNING_PER_CALLER } from './limits.ts';
import { type BusHeaders, type BusLog, type BusMessage, CallHeader, type CallStatus, NO_BODY } from './message.ts';
import { type FinalAnswer, OperationMemory } from './operation-memory.ts';
import { RunningOperation } from './running-operation.ts';
import { addressSubject, parseCallSubject } from './subjects.ts';
import { headerBytes } from './wire.ts';

/** One operation, whatever number of requests asked for it. */
export interface CallRequest {
  readonly address: string;
  readonly op: string;
  readonly body: Buffer;
  readonly headers: BusHeaders;
  /** The caller's importing account, put in by the server. */
  readonly callerKey: string;
  readonly operationId: string;
  /** As renewed so far. */
  readonly deadline: Deadline;
  /** Aborts at the deadline, and when the caller cancels. */
  readonly signal: AbortSignal;
  /** Tells the caller how far it is, and renews the deadline up to the operation's limit. */
  progress(body: Uint8Array, headers?: BusHeaders): void;
}

export interface CallResult {
  readonly body: Uint8Array;
  readonly headers?: BusHeaders | undefined;
}

export type CallHandler = (request: CallRequest) => Promise<CallResult>;

export interface BusCalleeOptions {
  readonly log: BusLog;
  /** Writes an error as the body (and headers) of an answer. */
  readonly encodeError: (error: CleatError) => CallResult;
}

export interface ServeOptions {
  /** False refuses the request with `permission_denied`, unread. */
  readonly allow?: ((callerKey: string, op: string) => boolean) | undefined;
}

interface Address {
  readonly name: string;
  readonly handler: CallHandler;
  readonly allow: (callerKey: string, op: string) => boolean;
}

interface ReadRequest {
  readonly operationId: string;
  readonly deadlineMs: number;
  readonly limitMs: number;
  readonly windowMs: number;
}

/** The answering half: joins repeated requests, remembers answers, keeps callers from wondering. */
export class BusCallee {
  readonly #connection: BusConnection;
  readonly #options: BusCalleeOptions;
  readonly #running = new Map<string, RunningOperation>();
  readonly #runningPerCaller = new Map<string, number>();
  readonly #memory = new OperationMemory();
  readonly #subscriptions = new Set<BusSubscription>();

  /** The connection is one of an exporting account. */
  constructor(connection: BusConnection, options: BusCalleeOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Answers all operations of an address. Returns the function that stops taking new ones. */
  serve(address: string, handler: CallHandler, options: ServeOptions = {}): () => void {
    const entry: Address = { name: address, handler, allow: options.allow ?? (() => true) };
    const subject = addressSubject('*', address);
    const subscription = this.#connection.subscribe(subject, (message) => this.#onRequest(entry, message), { queue: 'q' });
    this.#subscriptions.add(subscription);
    return () => {
      this.#subscriptions.delete(subscription);
      subscription.close();
    };
  }

  /** Waits until the server knows what is served. */
  async ready(deadline: Deadline): Promise<void> {
    await this.#connection.flush(deadline);
  }

  /** Takes nothing new, finishes what runs; what still runs at the deadline is told to stop and its number returned. */
  async drain(deadline: Deadline): Promise<number> {
    for (const subscription of this.#subscriptions) subscription.close();
    this.#subscriptions.clear();
    // With the connection down nothing more can arrive.
    if (this.#connection.isConnected) await this.#connection.flush(deadline).catch(() => undefined);
    const settled = Promise.all([...this.#running.values()].map((operation) => operation.settled));
    const stopping = new CleatError('unavailable', 'BUS_DRAINED', 'the callee is shutting down', { retryable: true });
    await deadline.race(settled, () => stopping).catch(() => undefined);
    const left = this.#running.size;
    for (const operation of this.#running.values()) operation.abort(stopping);
    return left;
  }

  #onRequest(address: Address, message: BusMessage): void {
    const parsed = parseCallSubject(message.subject);
    if (parsed === undefined) return;
    const { callerKey, op } = parsed;
    const request = readRequest(message);
    if (request instanceof CleatError) {
      this.#answerError(message.reply, request);
      return;
    }
    const key = `${callerKey} ${address.name} ${request.operationId}`;
    if (message.headers.get(CallHeader.status) === 'cancel') {
      this.#running.get(key)?.abort(new CleatError('cancelled', 'BUS_CALL_CANCELLED', 'the caller cancelled the call'));
      return;
    }
    if (!address.allow(callerKey, op)) {
      const what = `this caller may not use ${address.name}.${op}`;
      this.#answerError(message.reply, new CleatError('permission_denied', 'BUS_CALL_NOT_GRANTED', what));
      return;
    }
    if (this.#joined(key, op, message, request)) return;
    // Its caller has given up already.
    if (monotonicMs() >= request.deadlineMs) return;
    this.#begin(address, key, { callerKey, op, message, request });
  }

  /** True when the operation runs or has ended: the newest request's reply path gets the answer. */
  #joined(key: string, op: string, message: BusMessage, request: ReadRequest): boolean {
    const running = this.#running.get(key);
    const answer = running === undefined ? this.#memory.get(key) : undefined;
    const known = running?.op ?? answer?.op;
    if (known === undefined) return false;
    if (known !== op) {
      const what = `operation id ${request.operationId} is one of ${known}, not of ${op}`;
      this.#answerError(message.reply, new CleatError('conflict', 'BUS_OPERATION_REUSED', what));
    } else if (answer !== undefined) {
      this.#send(message.reply, answer.body, answer.headers);
    } else {
      running?.join(message.reply, request);
    }
    return true;
  }

  #begin(address: Address, key: string, call: { callerKey: string; op: string; message: BusMessage; request: ReadRequest }): void {
    const { callerKey, op, message, request } = call;
    const count = this.#runningPerCaller.get(callerKey) ?? 0;
    if (count >= RUNNING_PER_CALLER) {
      const what = `this caller has ${count} operations running already`;
      const error = new CleatError('resource_exhausted', 'BUS_TOO_MANY_CALLS', what, { retryable: true });
      this.#answerError(message.reply, error);
      return;
    }
    this.#runningPerCaller.set(callerKey, count + 1);
    const operation = new RunningOperation({
      ...request,
      op,
      reply: message.reply,
      send: (reply, status, body, headers) => this.#send(reply, body, withStatus(headers, status)),
    });
    this.#running.set(key, operation);
    const handed: CallRequest = {
      address: address.name,
      op,
      body: message.body,
      headers: message.headers,
      callerKey,
      operationId: request.operationId,
      signal: operation.signal,
      get deadline(): Deadline {
        return operation.deadline;
      },
      progress: (body, headers) => operation.progress(body, headers),
    };
    operation.run(
      () => address.handler(handed),
      (result) => this.#finish(key, callerKey, operation, result),
    );
  }

  #finish(key: string, callerKey: string, operation: RunningOperation, result: CallResult | Error): void {
    this.#running.delete(key);
    const count = (this.#runningPerCaller.get(callerKey) ?? 1) - 1;
    if (count === 0) this.#runningPerCaller.delete(callerKey);
    else this.#runningPerCaller.set(callerKey, count);
    const answer = this.#finalAnswer(operation.op, result);
    this.#memory.remember(key, answer);
    this.#send(operation.reply, answer.body, answer.headers);
  }

  #finalAnswer(op: string, result: CallResult | Error): FinalAnswer {
    if (result instanceof Error) return { op, ...this.#encodedError(result) };
    const headers = withStatus(result.headers, 'ok');
    const bytes = result.body.length + headerBytes(headers);
    if (bytes <= MAX_MESSAGE_BYTES) return { op, headers, body: result.body };
    const what = `the answer of ${op} has ${bytes} bytes, more than a message holds`;
    return { op, ...this.#encodedError(new CleatError('resource_exhausted', 'BUS_MESSAGE_TOO_LARGE', what)) };
  }

  #encodedError(error: Error): { headers: BusHeaders; body: Uint8Array } {
    try {
      const { body, headers } = this.#options.encodeError(toCleatError(error));
      return { headers: withStatus(headers, 'error'), body };
    } catch (cause) {
      this.#options.log.error('an error could not be encoded', { error, cause });
      return { headers: withStatus(undefined, 'error'), body: NO_BODY };
    }
  }

  #answerError(reply: string | undefined, error: CleatError): void {
    const { headers, body } = this.#encodedError(error);
    this.#send(reply, body, headers);
  }

  #send(reply: string | undefined, body: Uint8Array, headers: BusHeaders): void {
    if (reply === undefined) return;
    try {
      this.#connection.publish(reply, body, { headers });
    } catch (error) {
      // With the bus down the caller asks again after its reconnect; anything else is a fault on this side.
      if (this.#connection.isConnected) this.#options.log.error('an answer could not be sent', { error });
    }
  }
}

function withStatus(headers: BusHeaders | undefined, status: CallStatus): BusHeaders {
  return new Map(headers ?? []).set(CallHeader.status, status);
}

/** Reads what the protocol needs; the contract's part is the handler's. */
function readRequest(message: BusMessage): ReadRequest | CleatError {
  const { headers } = message;
  const operationId = headers.get(CallHeader.operation) ?? '';
  if (!/^[!-~]{1,128}$/.test(operationId)) return malformed(CallHeader.operation);
  const now = monotonicMs();
  // Across hosts there is no common clock: then only the time left is told.
  const timeoutMs = readNumber(headers, CallHeader.timeout, Number.POSITIVE_INFINITY);
  if (timeoutMs === undefined) return malformed(CallHeader.timeout);
  const deadlineMs = readNumber(headers, CallHeader.deadline, now + timeoutMs);
  if (deadlineMs === undefined) return malformed(CallHeader.deadline);
  const limitMs = readNumber(headers, CallHeader.limit, deadlineMs);
  if (limitMs === undefined) return malformed(CallHeader.limit);
  const windowMs = readNumber(headers, CallHeader.window, 0);
  if (windowMs === undefined) return malformed(CallHeader.window);
  return { operationId, deadlineMs, limitMs: Math.max(limitMs, deadlineMs), windowMs };
}

function readNumber(headers: BusHeaders, name: string, absent: number): number | undefined {
  const text = headers.get(name);
  if (text === undefined) return absent;
  return /^\d{1,16}(\.\d{1,6})?$/.test(text) ? Number(text) : undefined;
}

function malformed(header: string): CleatError {
  return new CleatError('invalid_argument', 'BUS_REQUEST_MALFORMED', `the header ${header} is missing or not valid`);
}
