const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000n;

/** Nanoseconds since 1970, all nine digits: texts of one length sort as the times do. */
export function rfc3339(time: bigint): string {
  const seconds = new Date(Number(time / NS_PER_MS)).toISOString().slice(0, 19);
  return `${seconds}.${(time % NS_PER_S).toString().padStart(9, '0')}Z`;
}

export function nowNs(): bigint {
  return BigInt(Date.now()) * NS_PER_MS;
}

const STEPS: readonly (readonly [seconds: number, name: string])[] = [
  [365 * 86_400, 'year'],
  [30 * 86_400, 'month'],
  [7 * 86_400, 'week'],
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
];

/** "5 minutes", "2 days": two of the larger unit before it is used, so that no number is too coarse. */
export function span(ns: bigint): string {
  const seconds = Number(ns) / 1e9;
  if (seconds < 1) return 'less than a second';
  const [size, name] = STEPS.find(([length]) => seconds >= length * 2) ?? [1, 'second'];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

const NUMBER = /^(\d+)(?:\.(\d{1,9}))?$/;
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const DURATION_PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;
const UNIT_NS: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9, d: 86_400e9 };
const RFC3339 = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?)?$/;

/** What users may write for a time: seconds since 1970, a duration before now ("10m", "1h30m"), or RFC 3339 (without zone: UTC). */
export function parseTime(text: string, now: bigint): bigint | undefined {
  const number = NUMBER.exec(text);
  if (number !== null) return BigInt(number[1] ?? '0') * NS_PER_S + BigInt((number[2] ?? '').padEnd(9, '0'));
  if (DURATION.test(text)) return now - BigInt(Math.round(durationNs(text)));
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const time = match[2] ?? '00:00:00';
  const ms = Date.parse(`${match[1]}T${time.length === 5 ? `${time}:00` : time}${match[4] ?? 'Z'}`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * NS_PER_MS + BigInt((match[3] ?? '').padEnd(9, '0'));
}

function durationNs(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(DURATION_PART)) total += Number(amount) * (UNIT_NS[unit ?? ''] ?? 0);
  return total;
}
