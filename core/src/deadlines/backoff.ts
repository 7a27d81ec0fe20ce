export interface BackoffOptions {
  /** The wait before the first repetition. */
  readonly baseMs: number;
  /** What each further wait is multiplied by. */
  readonly factor: number;
  readonly maxMs: number;
}

/** The wait before repetition number `attempt`, counted from 0. */
export function backoff(attempt: number, options: BackoffOptions): number {
  // A large attempt makes the power infinite, and 0 * Infinity is NaN.
  if (options.baseMs <= 0) return 0;
  return Math.min(options.maxMs, options.baseMs * options.factor ** Math.max(0, attempt));
}
