import { badRequest } from './errors.ts';
import { isObject } from './wire/json.ts';

/** Filters of a request: name -> values. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/** Both forms: {"label":["a"]} and the older {"label":{"a":true}}. */
export function parseFilters(text: string | undefined, known: readonly string[]): Filters {
  const filters = new Map<string, readonly string[]>();
  if (text === undefined || text === '') return filters;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`invalid filter: ${error instanceof Error ? error.message : 'not JSON'}`);
  }
  if (!isObject(value)) throw badRequest('invalid filter: a JSON object is expected');
  for (const [name, values] of Object.entries(value)) {
    if (!known.includes(name)) throw badRequest(`invalid filter '${name}'`);
    filters.set(name, valuesOf(name, values));
  }
  return filters;
}

function valuesOf(name: string, values: unknown): readonly string[] {
  if (Array.isArray(values) && values.every((item) => typeof item === 'string')) return values;
  if (isObject(values)) {
    return Object.entries(values)
      .filter(([, isSet]) => isSet === true)
      .map(([key]) => key);
  }
  throw badRequest(`invalid filter '${name}': a list of strings is expected`);
}

/** As the contracts take them. */
export function filterRecord(filters: Filters): Record<string, readonly string[]> {
  return Object.fromEntries(filters);
}

/** Every filter of labels must hold: "name" or "name=value". */
export function matchesLabels(wanted: readonly string[], labels: Readonly<Record<string, string>>): boolean {
  return wanted.every((filter) => {
    const equals = filter.indexOf('=');
    const name = equals < 0 ? filter : filter.slice(0, equals);
    if (!Object.hasOwn(labels, name)) return false;
    return equals < 0 || labels[name] === filter.slice(equals + 1);
  });
}

const TRUE: readonly string[] = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSE: readonly string[] = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/** A boolean among filters; undefined when it is absent. */
export function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name);
  if (values === undefined || values.length === 0) return undefined;
  const answers = new Set(values.map((value) => (TRUE.includes(value) ? true : FALSE.includes(value) ? false : undefined)));
  if (answers.size !== 1 || answers.has(undefined)) throw badRequest(`invalid filter '${name}=[${values.join(' ')}]'`);
  return answers.has(true);
}
