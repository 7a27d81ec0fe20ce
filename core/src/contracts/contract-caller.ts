import type { common } from '@cleat/schemas';
import { CleatError, isCleatError, type SchemaBook } from '@cleat/schemas';
import { BusCaller } from '../bus/call.ts';
import type { BusConnection } from '../bus/connection.ts';
import { CallHeader } from '../bus/message.ts';
import { Deadline } from '../deadlines/index.ts';
import { ErrorCodec } from './error-codec.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

export interface ContractCallOptions {
  readonly deadline?: Deadline | undefined;
  /** Default 30,000; not used with a deadline. */
  readonly timeoutMs?: number | undefined;
  /** The latest that progress can renew the deadline to. */
  readonly limit?: Deadline | undefined;
  readonly operationId?: string | undefined;
  /** On whose behalf; the callee believes it only from who may speak for others. */
  readonly principal?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: common.Progress) => void) | undefined;
  /** Version of the contract to write; the highest that this process knows when absent. */
  readonly version?: string | undefined;
  /** Named in errors that are made on this side. */
  readonly plugin?: string | undefined;
}

/** Calls operations of contracts over a connection of an importing account: typed on both ends, one error shape. */
export class ContractCaller {
  readonly #bus: BusCaller;
  readonly #book: SchemaBook;

  constructor(connection: BusConnection, book: SchemaBook) {
    const errors = new ErrorCodec(book);
    this.#book = book;
    this.#bus = new BusCaller(connection, { decodeError: (body) => errors.decode(body) });
  }

  /** The types of request and response are the caller's claim; the schemas of the contract check the values. */
  async call<Response>(
    contract: string,
    address: string,
    operation: string,
    request: unknown,
    options: ContractCallOptions = {},
  ): Promise<Response> {
    const codecs = this.#book.anyOperation(contract, operation, options.version);
    const version = options.version ?? this.#book.versionsOf(contract).at(-1) ?? '1.0';
    const headers = new Map<string, string>([
      [CallHeader.contract, `${contract}@${version}`],
      [CallHeader.schema, codecs.request.fingerprint],
    ]);
    if (options.principal !== undefined) headers.set(CallHeader.principal, headerText(options.principal));
    const { onProgress } = options;
    const answer = await this.#bus.call(address, operation, codecs.request.encode(request), {
      deadline: options.deadline ?? Deadline.after(options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
      limit: options.limit,
      operationId: options.operationId,
      headers,
      signal: options.signal,
      plugin: options.plugin,
      onProgress: onProgress === undefined ? undefined : (progress) => this.#progressed(progress.body, onProgress),
    });
    try {
      return this.#book.decode(codecs.response, answer.headers.get(CallHeader.schema) ?? '', answer.body) as Response;
    } catch (error) {
      if (isCleatError(error) && error.code === 'SCHEMA_UNKNOWN') throw error;
      throw new CleatError(
        'internal',
        'ANSWER_UNREADABLE',
        `${options.plugin ?? address} answered ${contract}.${operation} with something that is not its answer`,
        { plugin: options.plugin, cause: error },
      );
    }
  }

  /** A callee has come back: what is pending is sent again soon, instead of after the silence of one that may have died. */
  hurry(): void {
    this.#bus.hurry();
  }

  /** Fails what is pending. */
  close(reason: CleatError): void {
    this.#bus.close(reason);
  }

  #progressed(body: Buffer, listener: (progress: common.Progress) => void): void {
    if (body.length === 0) return;
    listener(this.#book.record<common.Progress>('common', 'cleat.common.v1.Progress').decode(body));
  }
}

/** What a header can carry: printable ASCII, the rest percent-encoded. */
function headerText(text: string): string {
  return text.replace(/[^\x21-\x7e]|%/g, (character) => encodeURIComponent(character));
}
