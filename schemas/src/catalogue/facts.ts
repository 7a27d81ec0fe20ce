import type { ErrorClass } from '../errors.ts';

/** What is to be known of an error code. */
export interface ErrorFacts {
  /** Usually one. Empty: it follows the errno of Linux. */
  readonly classes: readonly ErrorClass[];
  readonly meaning: string;
  /** What the user can do about it. */
  readonly cure: string;
}
