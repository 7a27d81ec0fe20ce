import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CleatError, isCleatError, type plugin } from '@cleat/schemas';
import type { OperatorClient } from '@cleat/sdk/client';

const POLL_MS = 50;
const ASK_MS = 5_000;
/** A plugin that has never been ready and ends each time it is started does not get better by waiting. */
const HOPELESS_RESTARTS = 4;

/** Waits until the plugins of a platform whose API answers are ready. Throws PLUGINS_NOT_READY, which names those that are not. */
export async function platformReady(
  { runDir, names }: { readonly runDir: string; readonly names: readonly string[] },
  timeoutMs: number,
): Promise<void> {
  const until = Date.now() + timeoutMs;
  // Written when the bus knows everybody; the gateway may be faster.
  while (!existsSync(join(runDir, 'operator.json')) && Date.now() < until) await pause();
  const { connectOperator } = await import('@cleat/sdk/client');
  for (;;) {
    try {
      const node = await connectOperator(runDir);
      try {
        return await pluginsReady(node, names, until - Date.now());
      } finally {
        await node.close();
      }
    } catch (error) {
      // One that is busy with its start answers late.
      if (Date.now() >= until || !isBusy(error)) throw error;
      await pause();
    }
  }
}

function isBusy(error: unknown): boolean {
  return isCleatError(error) && (error.class === 'unavailable' || error.class === 'deadline_exceeded');
}

/** Waits until plugins are ready; those that are disabled are not waited for. Throws PLUGINS_NOT_READY. */
export async function pluginsReady(node: Pick<OperatorClient, 'call'>, names: readonly string[], timeoutMs: number): Promise<void> {
  const until = Date.now() + timeoutMs;
  while (true) {
    const { plugins } = await node.call('plugin', 'list', {}, { timeoutMs: ASK_MS });
    const late = plugins.filter(({ name, enabled, state }) => enabled && names.includes(name) && state !== 'ready');
    if (late.length === 0) return;
    const isHopeless = late.some(({ restarts, readySince }) => restarts >= HOPELESS_RESTARTS && readySince === 0n);
    if (isHopeless || Date.now() >= until) throw notReady(late);
    await pause();
  }
}

function notReady(late: readonly plugin.Info[]): CleatError {
  const each = late.map(({ name, state, reason }) => `${name} (${reason === '' ? state : `${state}: ${reason}`})`);
  return new CleatError('unavailable', 'PLUGINS_NOT_READY', `not ready: ${each.join(', ')}`, {
    hint: `The platform is up, and goes on trying. See cleat plugin logs ${late[0]?.name ?? ''}.`,
  });
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
