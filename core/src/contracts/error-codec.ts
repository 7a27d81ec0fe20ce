import type { Codec, common } from '@cleat/schemas';
import { CleatError, parseErrorClass, type SchemaBook } from '@cleat/schemas';
import type { CallResult } from '../bus/serve.ts';

/** Errors as they travel: `cleat.common.v1.ErrorInfo`, without cause or stack. */
export class ErrorCodec {
  readonly #codec: Codec<common.ErrorInfo, common.ErrorInfoInput>;

  constructor(book: SchemaBook) {
    this.#codec = book.record('common', 'cleat.common.v1.ErrorInfo');
  }

  encode(error: CleatError, plugin: string): CallResult {
    const { code, message, hint, retryable, details } = error;
    return {
      body: this.#codec.encode({
        class: error.class,
        code,
        message,
        hint: hint ?? null,
        plugin: error.plugin ?? plugin,
        retryable,
        details,
      }),
    };
  }

  decode(body: Buffer): CleatError {
    if (body.length === 0) return new CleatError('internal', 'ERROR_UNREADABLE', 'the callee failed and could not say why');
    const { class: name, code, message, hint, plugin, retryable, details } = this.#codec.decode(body);
    return new CleatError(parseErrorClass(name), code, message, {
      hint: hint ?? undefined,
      plugin: plugin ?? undefined,
      retryable,
      details,
    });
  }
}
