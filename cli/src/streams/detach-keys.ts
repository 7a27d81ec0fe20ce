import { isCleatError } from '@cleat/schemas';
import { parseDetachKeys } from '@cleat/sdk/streams';
import { usageError } from '../command/usage-error.ts';

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** What the flag --detach-keys says, or the keys that hold without it. */
export function detachKeysFlag(text: string | undefined): readonly number[] {
  try {
    return parseDetachKeys(text ?? DEFAULT_DETACH_KEYS);
  } catch (error) {
    throw isCleatError(error) ? usageError(`--detach-keys: ${error.message}`) : error;
  }
}
