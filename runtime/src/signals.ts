import { constants } from 'node:os';
import { CleatError } from '@cleat/schemas';

const FIRST_REALTIME = 34;
const LAST_REALTIME = 64;

/** The number of a signal given as "SIGTERM", "TERM", "term", "15" or "RTMIN+3". Throws `invalid_argument` SIGNAL with Docker's words. */
export function parseSignal(text: string): number {
  const wanted = text.trim().toUpperCase();
  if (/^\d+$/.test(wanted)) {
    const number = Number(wanted);
    if (number > 0 && number <= LAST_REALTIME) return number;
    throw unknownSignal(text);
  }
  const name = wanted.startsWith('SIG') ? wanted : `SIG${wanted}`;
  const known = Object.entries(constants.signals).find(([key]) => key === name)?.[1];
  return known ?? realtime(name) ?? fail(text);
}

function realtime(name: string): number | undefined {
  const match = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (match === null) return undefined;
  const base = match[1] === 'MIN' ? FIRST_REALTIME : LAST_REALTIME;
  const offset = Number(match[3] ?? 0) * (match[2] === '-' ? -1 : 1);
  const number = base + offset;
  return number >= FIRST_REALTIME && number <= LAST_REALTIME ? number : undefined;
}

function fail(text: string): never {
  throw unknownSignal(text);
}

function unknownSignal(text: string): CleatError {
  return new CleatError('invalid_argument', 'SIGNAL', `Invalid signal: ${text}`);
}
