const NAMES = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** "12.3 MB", decimal, as disks and Docker have it. */
export function byteText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < NAMES.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${NAMES[unit] ?? ''}`;
}

const SIZE = /^(\d+(?:\.\d+)?)\s*([bkmgt])?(?:i?b)?$/i;
const POWERS: Readonly<Record<string, number>> = { b: 0, k: 1, m: 2, g: 3, t: 4 };

/** "512m", "1.5g", "4096": binary units, as of a limit. Undefined for what is none. */
export function parseBytes(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * 1024 ** (POWERS[(match[2] ?? 'b').toLowerCase()] ?? 0));
}
