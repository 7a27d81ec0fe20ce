/** The classes of error. A class decides the HTTP status and whether trying again can help; see docs/reference/errors.md. */
export type ErrorClass =
  | 'invalid_argument'
  | 'unauthenticated'
  | 'permission_denied'
  | 'not_found'
  | 'already_exists'
  | 'conflict'
  | 'resource_exhausted'
  | 'deadline_exceeded'
  | 'unavailable'
  | 'unimplemented'
  | 'cancelled'
  | 'internal';

const CLASSES: readonly ErrorClass[] = [
  'invalid_argument',
  'unauthenticated',
  'permission_denied',
  'not_found',
  'already_exists',
  'conflict',
  'resource_exhausted',
  'deadline_exceeded',
  'unavailable',
  'unimplemented',
  'cancelled',
  'internal',
];

/** What an error may carry besides class, code and message. */
export interface ErrorExtras {
  /** What the user can do about it, one sentence. */
  readonly hint?: string | undefined;
  /** The plugin that raised it or that failed to answer. */
  readonly plugin?: string | undefined;
  /** The same request, sent again, may succeed. */
  readonly retryable?: boolean | undefined;
  readonly details?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
}

/** The one error class of Cleat. Decide by `class` and `code`; never by message text. */
export class CleatError extends Error {
  readonly class: ErrorClass;
  /** Stable, upper case, owned by one package: `NETWORK_ADDRESS_POOL_EMPTY`. */
  readonly code: string;
  readonly hint: string | undefined;
  readonly plugin: string | undefined;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, string>>;

  constructor(errorClass: ErrorClass, code: string, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'CleatError';
    this.class = errorClass;
    this.code = code;
    this.hint = extras.hint;
    this.plugin = extras.plugin;
    this.retryable = extras.retryable ?? false;
    this.details = extras.details ?? {};
  }
}

/** True for a CleatError, also one made by another copy of this package. */
export function isCleatError(value: unknown): value is CleatError {
  return value instanceof Error && value.name === 'CleatError' && 'class' in value && 'code' in value;
}

/** Any thrown value as a CleatError; what is not one becomes `internal` with the original as its cause. */
export function toCleatError(value: unknown, code = 'INTERNAL'): CleatError {
  if (isCleatError(value)) return value;
  const message = value instanceof Error ? value.message : String(value);
  return new CleatError('internal', code, message, { cause: value });
}

/** The class of that name; an unknown name (from a newer peer) is `internal`. */
export function parseErrorClass(name: string): ErrorClass {
  return CLASSES.find((known) => known === name) ?? 'internal';
}
