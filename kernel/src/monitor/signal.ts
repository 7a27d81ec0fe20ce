import { constants } from 'node:os';
import { signalProcess } from '@cleat/core/syscalls';
import { CleatError } from '@cleat/schemas';

/** glibc keeps the first two real-time signals for itself. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** The number of a signal given by name (with or without SIG), number, or as RTMIN+3. */
export function signalNumber(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : numberOfName(text.toUpperCase().replace(/^SIG/, ''));
  if (number !== undefined && number > 0 && number <= SIGRTMAX) return number;
  throw new CleatError('invalid_argument', 'SIGNAL_INVALID', `invalid signal: ${text}`);
}

function numberOfName(name: string): number | undefined {
  const [, base, sign, offset] = /^(RTMIN|RTMAX)(?:([+-])(\d+))?$/.exec(name) ?? [];
  if (base !== undefined) {
    const distance = offset === undefined ? 0 : Number(`${sign ?? ''}${offset}`);
    const number = (base === 'RTMIN' ? SIGRTMIN : SIGRTMAX) + distance;
    return number >= SIGRTMIN ? number : undefined;
  }
  const known = Object.entries(constants.signals).find(([key]) => key === `SIG${name}`);
  return known?.[1];
}

/** Sends a signal to a container's first process, or an exec's. False when it is gone. */
export function signalInit(init: { readonly pid: number; readonly startTime: number }, signal: number): boolean {
  return signalProcess(init.pid, init.startTime, signal);
}
