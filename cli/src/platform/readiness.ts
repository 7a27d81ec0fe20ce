import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CleatError } from '@cleat/schemas';
import { connectOperator } from '@cleat/sdk/client';

const POLL_MS = 50;
const ASK_MS = 5_000;

/** Waits until the plugins of a platform whose API answers are ready. Throws PLUGINS_NOT_READY, which names those that are not. */
export async function pluginsReady(
  { runDir, names }: { readonly runDir: string; readonly names: readonly string[] },
  timeoutMs: number,
): Promise<void> {
  const until = Date.now() + timeoutMs;
  // Written when the bus knows everybody; the gateway may be faster.
  while (!existsSync(join(runDir, 'operator.json')) && Date.now() < until) await pause();
  const operator = await connectOperator(runDir);
  try {
    while (true) {
      const { plugins } = await operator.call('plugin', 'list', {}, { timeoutMs: ASK_MS });
      const late = plugins.filter(({ name, enabled, state }) => enabled && names.includes(name) && state !== 'ready');
      if (late.length === 0) return;
      if (Date.now() >= until) throw notReady(late, timeoutMs);
      await pause();
    }
  } finally {
    await operator.close();
  }
}

function notReady(
  late: readonly { readonly name: string; readonly state: string; readonly reason: string }[],
  timeoutMs: number,
): CleatError {
  const each = late.map(({ name, state, reason }) => `${name} (${reason === '' ? state : `${state}: ${reason}`})`);
  return new CleatError(
    'unavailable',
    'PLUGINS_NOT_READY',
    `Cleat is up, but not ready after ${timeoutMs / 1000} s: ${each.join(', ')}`,
    { hint: 'See cleat status. What needs none of them works; cleat down stops it.' },
  );
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
