const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000n;

/** What Docker shows for "never". */
export const ZERO_TIME = '0001-01-01T00:00:00Z';

/** Nanoseconds since 1970 as Go writes them: RFC 3339, as many digits as are needed. */
export function rfc3339(time: bigint): string {
  if (time === 0n) return ZERO_TIME;
  const seconds = new Date(Number(time / NS_PER_MS)).toISOString().slice(0, 19);
  const fraction = (time % NS_PER_S).toString().padStart(9, '0').replace(/0+$/, '');
  return fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}

export function unixSeconds(time: bigint): number {
  return Number(time / NS_PER_S);
}

const UNITS: readonly (readonly [limitS: number, sizeS: number, name: string])[] = [
  [48 * 3600, 3600, 'hours'],
  [14 * 86_400, 86_400, 'days'],
  [60 * 86_400, 7 * 86_400, 'weeks'],
  [2 * 365 * 86_400, 30 * 86_400, 'months'],
];

/** "5 minutes", "About an hour": Docker's words for a duration. */
export function humanDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 1) return 'Less than a second';
  if (whole === 1) return '1 second';
  if (whole < 60) return `${whole} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  if (Math.round(seconds / 3600) === 1) return 'About an hour';
  const hours = Math.round(seconds / 3600);
  if (hours < 48) return `${hours} hours`;
  const unit = UNITS.find(([limit]) => hours * 3600 < limit);
  if (unit === undefined) return `${Math.floor(hours / 24 / 365)} years`;
  return `${Math.floor((hours * 3600) / unit[1])} ${unit[2]}`;
}

const NUMBER = /^(\d+)(?:\.(\d{1,9}))?$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g;
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/;
const UNIT_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** A duration of Go ("1h30m") in nanoseconds, or undefined. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART)) total += Number(amount) * (UNIT_NS[unit ?? ''] ?? 0);
  return total;
}

/** Docker's time arguments: seconds with a fraction, RFC 3339, or a duration before now. Undefined when it is none. */
export function parseTime(text: string, nowMs: number): bigint | undefined {
  const number = NUMBER.exec(text);
  if (number !== null) return BigInt(number[1] ?? '0') * NS_PER_S + BigInt((number[2] ?? '').padEnd(9, '0'));
  const duration = parseDuration(text);
  if (duration !== undefined) return BigInt(nowMs) * NS_PER_MS - BigInt(Math.round(duration));
  return parseRfc3339(text);
}

const RFC3339 = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?)?$/;

function parseRfc3339(text: string): bigint | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const time = match[2] ?? '00:00:00';
  const ms = Date.parse(`${match[1]}T${time.length === 5 ? `${time}:00` : time}${match[4] ?? 'Z'}`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * NS_PER_MS + BigInt((match[3] ?? '').padEnd(9, '0'));
}
