import { CleatError } from '@cleat/schemas';
import { badRequest } from '../errors.ts';
import { booleanFilter, type Filters, matchesLabels, parseFilters } from '../filters.ts';
import type { ContainerSummary } from '../wire/container-summary.ts';

const KNOWN = [
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'is-task',
  'isolation',
  'label',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
] as const;

const STATES: ReadonlySet<string> = new Set(['created', 'restarting', 'running', 'removing', 'paused', 'exited', 'dead']);
const HEALTHS: ReadonlySet<string> = new Set(['starting', 'healthy', 'unhealthy', 'none']);

export function parseContainerFilters(text: string | undefined): Filters {
  const filters = parseFilters(text, KNOWN);
  check(filters, 'status', (value) => STATES.has(value));
  check(filters, 'health', (value) => HEALTHS.has(value));
  check(filters, 'exited', (value) => /^-?\d+$/.test(value));
  for (const name of ['expose', 'publish']) check(filters, name, (value) => /^\d+(-\d+)?(\/(tcp|udp|sctp))?$/.test(value));
  return filters;
}

function check(filters: Filters, name: string, isValid: (value: string) => boolean): void {
  const wrong = filters.get(name)?.find((value) => !isValid(value));
  if (wrong !== undefined) throw badRequest(`invalid filter '${name}=${wrong}'`);
}

type Test = (summary: ContainerSummary) => boolean;

/** Names match anywhere, as a pattern, as in Docker; a pattern that is none is compared as text. */
function nameTest(wanted: readonly string[]): Test {
  const tests = wanted.map((value): ((name: string) => boolean) => {
    const bare = value.replace(/^\//, '');
    try {
      const pattern = new RegExp(bare);
      return (name) => pattern.test(name) || pattern.test(`/${name}`);
    } catch {
      return (name) => name.includes(bare);
    }
  });
  return (summary) => tests.some((test) => test(summary.name));
}

/** "80", "80/tcp", "8000-8010/udp" against a list of "80/tcp". */
function portTest(wanted: readonly string[], portsOf: (summary: ContainerSummary) => readonly string[]): Test {
  const ranges = wanted.map((value) => {
    const [range = '', protocol = 'tcp'] = value.split('/');
    const [first, last] = range.split('-').map(Number);
    return { first: first ?? 0, last: last ?? first ?? 0, protocol };
  });
  return (summary) =>
    portsOf(summary).some((port) => {
      const [number, protocol] = port.split('/');
      return ranges.some((range) => protocol === range.protocol && Number(number) >= range.first && Number(number) <= range.last);
    });
}

function imageTest(wanted: readonly string[]): Test {
  return ({ image, imageId }) =>
    wanted.some((value) => {
      const digits = value.replace(/^sha256:/, '');
      const isId = /^[0-9a-f]{3,64}$/.test(digits) && imageId.startsWith(`sha256:${digits}`);
      return isId || image === value || image === `${value}:latest` || `${image}:latest` === value;
    });
}

/** The moment of another container, by which the list is cut. */
function reference(name: string, all: readonly ContainerSummary[]): ContainerSummary {
  const bare = name.replace(/^\//, '');
  const found = all.find((one) => one.id === bare || one.name === bare) ?? all.find((one) => bare !== '' && one.id.startsWith(bare));
  if (found === undefined) throw new CleatError('not_found', 'CONTAINER_NOT_FOUND', `No such container: ${name}`);
  return found;
}

function testOf(name: string, wanted: readonly string[], all: readonly ContainerSummary[]): Test {
  switch (name) {
    case 'id':
      return (one) => wanted.some((value) => one.id.startsWith(value));
    case 'name':
      return nameTest(wanted);
    case 'label':
      return (one) => matchesLabels(wanted, one.labels);
    case 'status':
      return (one) => wanted.includes(one.state);
    case 'exited':
      return (one) => one.state === 'exited' && one.finishedAt !== 0n && wanted.includes(String(one.exitCode));
    case 'health':
      return (one) => wanted.includes(one.health === '' ? 'none' : one.health);
    case 'volume':
      return (one) => wanted.some((value) => one.volumes.includes(value));
    case 'network':
      return (one) =>
        wanted.some((value) => one.networks.some((network) => network === value || (value.length >= 12 && network.startsWith(value))));
    case 'ancestor':
      return imageTest(wanted);
    case 'expose':
      return portTest(wanted, (one) => one.exposed);
    case 'publish':
      return portTest(wanted, (one) => one.published);
    case 'before': {
      const bounds = wanted.map((value) => reference(value, all));
      return (one) => bounds.every((bound) => one.createdAt < bound.createdAt);
    }
    case 'since': {
      const bounds = wanted.map((value) => reference(value, all));
      return (one) => bounds.every((bound) => one.createdAt > bound.createdAt);
    }
    default:
      return () => true;
  }
}

/** Everything that Docker's `ps --filter` can say. */
export function containerFilter(filters: Filters, all: readonly ContainerSummary[], options: { readonly all: boolean }): Test {
  const tests = [...filters].filter(([, wanted]) => wanted.length > 0).map(([name, wanted]) => testOf(name, wanted, all));
  if (booleanFilter(filters, 'is-task') === true) return () => false;
  const isEveryState = options.all || ['status', 'exited', 'before', 'since'].some((name) => filters.has(name));
  const isShown: Test = isEveryState ? () => true : ({ state }) => state === 'running' || state === 'paused' || state === 'restarting';
  return (one) => isShown(one) && tests.every((test) => test(one));
}
