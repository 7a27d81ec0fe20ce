import { type Filters, matchesLabels, parseFilters } from './filters.ts';
import type { DockerEvent } from './wire/event.ts';

const KNOWN = [
  'config',
  'container',
  'daemon',
  'event',
  'image',
  'label',
  'network',
  'node',
  'plugin',
  'scope',
  'secret',
  'service',
  'type',
  'volume',
] as const;

export function parseEventFilters(text: string | undefined): Filters {
  return parseFilters(text, KNOWN);
}

/** Objects by id, prefix of an id, or name. */
function matchesObject(event: DockerEvent, type: string, wanted: readonly string[]): boolean {
  if (event.type !== type) return type === 'image' && event.type === 'container' && matchesImage(event.attributes['image'] ?? '', wanted);
  const name = event.attributes['name'] ?? '';
  return wanted.some(
    (value) => event.id === value || name === value || event.id.startsWith(value) || (type === 'image' && matchesImage(event.id, [value])),
  );
}

function withoutTag(reference: string): string {
  const colon = reference.lastIndexOf(':');
  return colon > reference.lastIndexOf('/') ? reference.slice(0, colon) : reference;
}

function matchesImage(reference: string, wanted: readonly string[]): boolean {
  return wanted.some((value) => reference === value || withoutTag(reference) === value);
}

const OBJECTS = ['container', 'image', 'volume', 'network', 'daemon', 'plugin', 'service', 'node', 'secret', 'config'] as const;

/** `exec_start` matches `exec_start: sh`. */
function matchesAction(action: string, wanted: readonly string[]): boolean {
  const colon = action.indexOf(':');
  return wanted.some((value) => action === value || (colon > 0 && action.slice(0, colon) === value));
}

/** Values of one filter are alternatives, filters are all to hold. */
export function matchesEvent(filters: Filters, event: DockerEvent): boolean {
  const has = (name: string, matches: (wanted: readonly string[]) => boolean): boolean => {
    const wanted = filters.get(name);
    return wanted === undefined || wanted.length === 0 || matches(wanted);
  };
  return (
    has('type', (wanted) => wanted.includes(event.type)) &&
    has('event', (wanted) => matchesAction(event.action, wanted)) &&
    has('scope', (wanted) => wanted.includes('local')) &&
    has('label', (wanted) => matchesLabels(wanted, event.attributes)) &&
    OBJECTS.every((type) => has(type, (wanted) => matchesObject(event, type, wanted)))
  );
}
