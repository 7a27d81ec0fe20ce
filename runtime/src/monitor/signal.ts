import { signalProcess } from '@cleat/core/syscalls';
import type { MonitorIdentity } from './monitor.ts';

/** Sends a signal, by number, to a container's first process or an exec's. False when it is gone. */
export function signalInit(init: MonitorIdentity, signal: number): boolean {
  return signalProcess(init.pid, init.startTime, signal);
}
