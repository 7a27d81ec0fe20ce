import { sleep } from '@cleat/core';
import { Deadline } from '@cleat/core/deadlines';
import { isCleatError } from '@cleat/schemas';
import { JOURNAL_LOCK_MS } from './limits.ts';

const LOCK_POLL_MS = 100;

/** Opens a store with one writer: at an upgrade the old instance has it until its last call is answered. */
export async function openWhenUnlocked<T>(open: () => T, signal: AbortSignal): Promise<T> {
  const deadline = Deadline.after(JOURNAL_LOCK_MS);
  for (;;) {
    try {
      return open();
    } catch (error) {
      if (!isCleatError(error) || error.code !== 'JOURNAL_LOCKED' || deadline.isExpired) throw error;
    }
    await sleep(LOCK_POLL_MS, signal);
  }
}
