import { setTimeout as delay } from 'node:timers/promises';

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_INTERVAL_MS = 20;

export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/** Every deadline of a test is multiplied by this: 10 in an emulated machine, by CLEAT_TEST_SLOW=10. */
export function slowFactor(): number {
  const factor = Number(process.env['CLEAT_TEST_SLOW'] ?? '1');
  return Number.isFinite(factor) && factor >= 1 ? factor : 1;
}

/**
 * Polls until `probe` gives something other than `undefined` or `false`, and returns that.
 * What `probe` throws counts as "not yet"; the last of it is the cause of the error at the deadline.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  options: WaitOptions = {},
): Promise<T> {
  const timeoutMs = (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) * slowFactor();
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause });
    await delay(options.intervalMs ?? DEFAULT_INTERVAL_MS);
  }
}
