import { CleatError } from '@cleat/sdk';

const DEFAULT_SIZE = '64m';

/** Options of `docker volume create -o`: `size`, as tmpfs takes it. */
export function sizeIn(text: string): string {
  const options: unknown = JSON.parse(text === '' ? '{}' : text);
  if (typeof options !== 'object' || options === null) throw refused('its options are not an object');
  for (const [name, value] of Object.entries(options)) {
    if (name !== 'size') throw refused(`it has no option ${name}`);
    if (typeof value !== 'string' || !/^[1-9]\d{0,11}[kmg]?$/i.test(value))
      throw refused(`"${String(value)}" is no size: a number, then k, m or g`);
    return value;
  }
  return DEFAULT_SIZE;
}

function refused(why: string): CleatError {
  return new CleatError('invalid_argument', 'MEMORY_OPTION', `the volume driver memory does not take that: ${why}`);
}
