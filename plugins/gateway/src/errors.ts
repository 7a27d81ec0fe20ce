import { CleatError, type ErrorClass, isCleatError } from '@cleat/schemas';

/** STYLE's table: one status for each class. `cancelled` has nobody left to answer; 499 is what proxies log for it. */
const STATUS: Readonly<Record<ErrorClass, number>> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  conflict: 409,
  resource_exhausted: 500,
  deadline_exceeded: 500,
  internal: 500,
  unimplemented: 501,
  unavailable: 503,
  cancelled: 499,
};

/** An answer of Docker's that no class has: "not modified", "not acceptable". */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
  }
}

export interface ErrorAnswer {
  readonly status: number;
  readonly message: string;
}

/** Failures that Docker has no words for: there the hint helps. Elsewhere the message is Docker's, to the letter. */
const HINTED: ReadonlySet<ErrorClass> = new Set(['unavailable', 'unimplemented', 'deadline_exceeded']);

/** Status and text of any thrown value. A hint follows the message, since Docker clients show one string. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof HttpError) return { status: error.status, message: error.message };
  if (isCleatError(error)) {
    const hint = HINTED.has(error.class) ? error.hint : undefined;
    return { status: STATUS[error.class] ?? 500, message: withHint(error.message, hint) };
  }
  const status: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return { status: typeof status === 'number' && status >= 400 ? status : 500, message };
}

function withHint(message: string, hint: string | undefined): string {
  const isSaid = hint === undefined || message.toLowerCase().includes(hint.toLowerCase().replace(/\.$/, ''));
  return isSaid ? message : `${message} (${hint})`;
}

export function badRequest(message: string): CleatError {
  return new CleatError('invalid_argument', 'REQUEST_INVALID', message);
}

export function unsupported(message: string): CleatError {
  return new CleatError('unimplemented', 'NOT_SUPPORTED', message);
}

/** The same failure in Docker's words, when it is of that class. */
export function reworded(error: unknown, errorClass: ErrorClass, message: string): unknown {
  if (!isCleatError(error) || error.class !== errorClass) return error;
  return new CleatError(errorClass, error.code, message, { plugin: error.plugin, cause: error });
}
