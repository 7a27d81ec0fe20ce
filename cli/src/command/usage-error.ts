import { CleatError, isCleatError } from '@cleat/schemas/errors';

const CODE = 'USAGE';
/** The commands of the platform read their flags by themselves. */
const PLATFORM_CODE = 'FLAGS_INVALID';

/** The command line itself is wrong. The hint is added by who knows which command it was for. */
export function usageError(message: string, hint?: string): CleatError {
  return new CleatError('invalid_argument', CODE, message, { hint });
}

export function isUsageError(error: unknown): error is CleatError {
  return isCleatError(error) && (error.code === CODE || error.code === PLATFORM_CODE);
}
