import { CleatError } from '@cleat/schemas';
import type { Volume } from './volume.ts';

export type Filters = Readonly<Record<string, readonly string[]>>;

type Test = (volume: Volume) => boolean;

/** Docker's filters of `volume ls`. Throws `invalid_argument` VOLUME_FILTER_INVALID. */
export function listFilter(filters: Filters, isUsed: (volume: Volume) => boolean): Test {
  const tests = given(filters).map(([name, values]): Test => {
    switch (name) {
      case 'name':
        return nameTest(values);
      case 'driver':
        return (volume) => values.includes(volume.driver);
      case 'label':
        return (volume) => values.every((value) => hasLabel(volume, value));
      case 'dangling': {
        const isWanted = danglingOf(values);
        return (volume) => isWanted !== isUsed(volume);
      }
      default:
        throw filterError(`invalid filter '${name}'`);
    }
  });
  return (volume) => tests.every((test) => test(volume));
}

/** Docker's filters of `volume prune`. Throws `invalid_argument` VOLUME_FILTER_INVALID. */
export function pruneFilter(filters: Filters): Test {
  const tests = given(filters).map(([name, values]): Test => {
    if (name === 'label') return (volume) => values.every((value) => hasLabel(volume, value));
    // Kept is what has all of them, as Docker does it.
    if (name === 'label!') return (volume) => !values.every((value) => hasLabel(volume, value));
    throw filterError(`invalid filter '${name}'`);
  });
  return (volume) => tests.every((test) => test(volume));
}

function given(filters: Filters): readonly (readonly [string, readonly string[]])[] {
  return Object.entries(filters).filter(([, values]) => values.length > 0);
}

/** The name itself, or a regular expression that fits anywhere in it. */
function nameTest(values: readonly string[]): Test {
  const patterns = values.map((value) => {
    try {
      return new RegExp(value);
    } catch {
      // Docker passes over a pattern that is none.
      return undefined;
    }
  });
  return ({ name }) => values.includes(name) || patterns.some((pattern) => pattern?.test(name) === true);
}

/** "key" or "key=value". */
function hasLabel(volume: Volume, wanted: string): boolean {
  const at = wanted.indexOf('=');
  const value = volume.labels[at < 0 ? wanted : wanted.slice(0, at)];
  return value !== undefined && (at < 0 || value === wanted.slice(at + 1));
}

function danglingOf(values: readonly string[]): boolean {
  const isTrue = values.some((value) => value === '1' || value === 'true');
  const isFalse = values.some((value) => value === '0' || value === 'false');
  if (isTrue === isFalse || values.length > 1) throw filterError(`invalid filter 'dangling=[${values.join(' ')}]'`);
  return isTrue;
}

function filterError(message: string): CleatError {
  return new CleatError('invalid_argument', 'VOLUME_FILTER_INVALID', message);
}
