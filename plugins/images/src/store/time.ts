import { CleatError } from '@cleat/schemas';

const UNIT_NS: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['µs', 1e3],
  ['μs', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
  ['m', 60e9],
  ['h', 3600e9],
]);
const DURATION = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/u;
const DURATION_PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gu;
const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?)?(?:Z|[+-]\d{2}:\d{2})?$/;

/** A duration as Go writes it ("1h30m"), in nanoseconds; undefined for anything else. */
export function parseDurationNs(text: string): number | undefined {
  if (text === '0') return 0;
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART)) total += Number(amount) * (UNIT_NS.get(unit ?? '') ?? 0);
  return Math.round(text.startsWith('-') ? -total : total);
}

/** A time as Docker's filters take it: Unix seconds, a date with or without time and zone, or a duration before now. In milliseconds. */
export function parsePointInTime(text: string, nowMs: number): number {
  if (/^-?\d+(?:\.\d{1,9})?$/.test(text)) return Number(text) * 1000;
  const durationNs = parseDurationNs(text);
  if (durationNs !== undefined) return nowMs - durationNs / 1e6;
  const time = DATE.test(text) ? Date.parse(completeDate(text)) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new CleatError('invalid_argument', 'IMAGE_TIME_INVALID', `${JSON.stringify(text)} is neither a time nor a duration`, {
    hint: 'Examples: 24h, 2026-01-31, 2026-01-31T12:00:00Z, 1769860800.',
  });
}

/** Date.parse wants minutes where there is an hour; a date without a zone is local time, as with Docker. */
function completeDate(text: string): string {
  const withTime = text.includes('T') ? text : text.replace(/^(.{10})/, '$1T00:00');
  return withTime.replace(/T(\d{2})(?!:|\d)/, 'T$1:00');
}
