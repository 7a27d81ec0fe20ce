import type { common } from '@cleat/schemas';
import { CleatError, type SchemaBook } from '@cleat/schemas';
import type { BusConnection } from '../bus/connection.ts';
import { type BusLog, CallHeader } from '../bus/message.ts';
import { BusCallee, type CallRequest, type CallResult } from '../bus/serve.ts';
import type { Deadline } from '../deadlines/index.ts';
import { ErrorCodec } from './error-codec.ts';

/** What a handler knows of the call it answers. */
export interface ContractCall {
  readonly contract: string;
  readonly operation: string;
  readonly operationId: string;
  /** The importing account of who calls, put in by the server. */
  readonly callerKey: string;
  readonly actor: common.Actor;
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
  /** Fingerprint and bytes of the request, for who judges it. */
  readonly request: { readonly schema: string; readonly body: Uint8Array };
  progress(progress: common.ProgressInput): void;
}

export type ContractHandler = (request: never, call: ContractCall) => Promise<unknown>;

/** An account as whoever answers it knows it. */
export interface Caller {
  readonly name: string;
  readonly speaksFor: boolean;
}

export interface ContractCalleeOptions {
  readonly log: BusLog;
  readonly book: SchemaBook;
  /** Named in errors. */
  readonly plugin: string;
  /** Who an account is, and whether it may speak for others. */
  readonly whoIs: (callerKey: string) => Caller | undefined | Promise<Caller | undefined>;
  /** Asked before an operation is executed; throws to refuse it. */
  readonly judge?: ((call: ContractCall) => Promise<void>) | undefined;
}

/** Answers operations of contracts over a connection of an exporting account. */
export class ContractCallee {
  readonly #bus: BusCallee;
  readonly #options: ContractCalleeOptions;

  constructor(connection: BusConnection, options: ContractCalleeOptions) {
    const errors = new ErrorCodec(options.book);
    this.#options = options;
    this.#bus = new BusCallee(connection, { log: options.log, encodeError: (error) => errors.encode(error, options.plugin) });
  }

  /** Answers a contract at an address. Returns the function that stops taking new calls. */
  serve(contract: string, address: string, handlers: Readonly<Record<string, ContractHandler>>): () => void {
    return this.#bus.serve(address, (request) => this.#answer(contract, handlers, request));
  }

  ready(deadline: Deadline): Promise<void> {
    return this.#bus.ready(deadline);
  }

  drain(deadline: Deadline): Promise<number> {
    return this.#bus.drain(deadline);
  }

  async #answer(contract: string, handlers: Readonly<Record<string, ContractHandler>>, request: CallRequest): Promise<CallResult> {
    const { book, judge } = this.#options;
    const codecs = book.anyOperation(contract, request.op, this.#version(contract, request));
    const schema = request.headers.get(CallHeader.schema) ?? '';
    const decoded = book.decode(book.anyOperation(contract, request.op).request, schema, request.body);
    const handler = Object.hasOwn(handlers, request.op) ? handlers[request.op] : undefined;
    const call = this.#callOf(contract, request, schema, await this.#options.whoIs(request.callerKey));
    if (handler === undefined) throw unanswered(contract, request.op);
    await judge?.(call);
    const answer = await handler(decoded as never, call);
    return { body: codecs.response.encode(answer), headers: new Map([[CallHeader.schema, codecs.response.fingerprint]]) };
  }

  /** The version that the caller wrote, when this side knows it: it can then read the answer. */
  #version(contract: string, request: CallRequest): string | undefined {
    const version = request.headers.get(CallHeader.contract)?.split('@')[1];
    return version !== undefined && this.#options.book.versionsOf(contract).includes(version) ? version : undefined;
  }

  #callOf(contract: string, request: CallRequest, schema: string, caller: Caller | undefined): ContractCall {
    const { book } = this.#options;
    const named = request.headers.get(CallHeader.principal);
    const own = `plugin:${caller?.name ?? request.callerKey}`;
    const principal = caller?.speaksFor === true && named !== undefined ? decodeURIComponent(named) : own;
    return {
      contract,
      operation: request.op,
      operationId: request.operationId,
      callerKey: request.callerKey,
      actor: { principal, caller: caller?.name ?? '', operation: request.operationId },
      get deadline(): Deadline {
        return request.deadline;
      },
      signal: request.signal,
      request: { schema, body: request.body },
      progress: (progress) =>
        request.progress(book.record<common.Progress, common.ProgressInput>('common', 'cleat.common.v1.Progress').encode(progress)),
    };
  }
}

function unanswered(contract: string, operation: string): CleatError {
  return new CleatError('unimplemented', 'OPERATION_UNKNOWN', `${contract}.${operation} is not answered here`);
}

/** Answers an operation by the method of that name. Throws for a service that has none. */
export function methodHandler(service: object, contract: string, name: string): ContractHandler {
  const method: unknown = Reflect.get(service, name);
  if (typeof method !== 'function') throw unanswered(contract, name);
  return (request: never, call: ContractCall) => Promise.resolve(Reflect.apply(method, service, [request, call]));
}
