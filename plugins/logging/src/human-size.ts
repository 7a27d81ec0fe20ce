const UNITS = 'kmgtp';

/** "10m", "512", "1.5GB", as Docker reads the sizes of logs: powers of 1000. Undefined when it is no size. */
export function parseHumanSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?(i?b)?$/i.exec(text);
  if (match === null) return undefined;
  const [, number = '', unit = ''] = match;
  const power = unit === '' ? 0 : UNITS.indexOf(unit.toLowerCase()) + 1;
  return Math.floor(Number(number) * 1000 ** power);
}
