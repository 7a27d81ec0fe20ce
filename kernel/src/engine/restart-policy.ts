import type { containerTypes } from '@cleat/schemas';
import { RESTART_FIRST_MS, RESTART_FORGET_MS, RESTART_MOST_MS } from './limits.ts';

/** What Docker's restart policies say about the end of a run: how long to wait, or undefined for staying down. */
export function restartDelayMs(policy: containerTypes.RestartPolicy, state: containerTypes.State, ranMs: number): number | undefined {
  if (state.stoppedByClient) return undefined;
  if (!wantsRestart(policy, state)) return undefined;
  if (ranMs >= RESTART_FORGET_MS) return RESTART_FIRST_MS;
  return Math.min(RESTART_MOST_MS, RESTART_FIRST_MS * 2 ** Math.min(state.restartCount, 16));
}

function wantsRestart(policy: containerTypes.RestartPolicy, state: containerTypes.State): boolean {
  switch (policy.name) {
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return state.exitCode !== 0 && (policy.maximumRetries === 0 || state.restartCount < policy.maximumRetries);
    default:
      return false;
  }
}

/** Whether the container is to be started when the host has been booted. */
export function startsAtBoot(policy: containerTypes.RestartPolicy, state: containerTypes.State): boolean {
  const wasUp = ['starting', 'running', 'pausing', 'paused', 'restarting', 'stopping'].includes(state.status);
  switch (policy.name) {
    case 'always':
      return state.run > 0;
    case 'unless-stopped':
      return state.run > 0 && !state.stoppedByClient;
    case 'on-failure':
      return wasUp;
    default:
      return false;
  }
}
