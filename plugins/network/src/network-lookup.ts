import { CleatError } from '@cleat/schemas';
import { driverOf, type NetworkDefinition } from './model.ts';

/** The network that a name, an id or the beginning of an id means; `default` is the default bridge. */
export function findNetwork(networks: readonly NetworkDefinition[], reference: string): NetworkDefinition {
  const wanted = reference === 'default' ? 'bridge' : reference;
  const exact = networks.find((network) => network.id === wanted) ?? networks.find((network) => network.name === wanted);
  if (exact !== undefined) return exact;
  const byPrefix = wanted === '' ? [] : networks.filter((network) => network.id.startsWith(wanted));
  const [only] = byPrefix;
  if (only === undefined) throw new CleatError('not_found', 'NETWORK_NOT_FOUND', `network ${reference} not found`);
  if (byPrefix.length > 1) {
    throw new CleatError(
      'invalid_argument',
      'NETWORK_AMBIGUOUS',
      `network ${reference} is ambiguous (${byPrefix.length} matches found based on ID prefix)`,
    );
  }
  return only;
}

type Filters = Readonly<Record<string, readonly string[]>>;

/** Docker's filters of `network ls`; within one filter any value may fit, of several filters all must. */
export function filterNetworks(
  networks: readonly NetworkDefinition[],
  filters: Filters,
  isUsed: (network: NetworkDefinition) => boolean,
): readonly NetworkDefinition[] {
  return networks.filter((network) => Object.entries(filters).every(([name, values]) => fits(network, name, values, isUsed)));
}

function fits(
  network: NetworkDefinition,
  name: string,
  values: readonly string[],
  isUsed: (network: NetworkDefinition) => boolean,
): boolean {
  switch (name) {
    case 'name':
      return values.some((value) => network.name.includes(value));
    case 'id':
      return values.some((value) => network.id.startsWith(value));
    case 'driver':
      return values.includes(driverOf(network));
    case 'scope':
      return values.includes('local');
    case 'label':
      return values.every((value) => hasLabel(network, value));
    case 'type':
      return values.some((value) => typeFits(network, value));
    case 'dangling':
      return values.some((value) => (isTrue(value) ? !isUsed(network) && !network.isPredefined : isUsed(network) || network.isPredefined));
    default:
      throw new CleatError('invalid_argument', 'NETWORK_FILTER_INVALID', `invalid filter '${name}'`);
  }
}

function typeFits(network: NetworkDefinition, value: string): boolean {
  if (value === 'builtin') return network.isPredefined;
  if (value === 'custom') return !network.isPredefined;
  throw new CleatError('invalid_argument', 'NETWORK_FILTER_INVALID', `invalid filter: 'type'='${value}'`);
}

function isTrue(value: string): boolean {
  if (['1', 'true'].includes(value)) return true;
  if (['0', 'false'].includes(value)) return false;
  throw new CleatError('invalid_argument', 'NETWORK_FILTER_INVALID', `invalid filter 'dangling=${value}'`);
}

/** Which networks `network prune` takes, of those that nothing uses. */
export function prunable(network: NetworkDefinition, filters: Filters, nowMs: number): boolean {
  return Object.entries(filters).every(([name, values]) => {
    switch (name) {
      case 'label':
        return values.every((value) => hasLabel(network, value));
      case 'label!':
        return values.every((value) => !hasLabel(network, value));
      case 'until':
        return values.every((value) => Number(BigInt(network.createdAt) / 1_000_000n) < untilMs(value, nowMs));
      default:
        throw new CleatError('invalid_argument', 'NETWORK_FILTER_INVALID', `invalid filter '${name}'`);
    }
  });
}

/** `key` or `key=value`. */
function hasLabel(network: NetworkDefinition, wanted: string): boolean {
  const [key = '', ...rest] = wanted.split('=');
  const labels = new Map(Object.entries(network.labels));
  return rest.length === 0 ? labels.has(key) : labels.get(key) === rest.join('=');
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A moment as clients write it: seconds since 1970, an ISO date, or how long ago (`1h30m`). */
function untilMs(value: string, nowMs: number): number {
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  if (/^(\d+[smhd])+$/.test(value)) {
    const parts = value.matchAll(/(\d+)([smhd])/g);
    return nowMs - [...parts].reduce((sum, part) => sum + Number(part[1]) * (UNIT_MS[part[2] ?? ''] ?? 0), 0);
  }
  const date = Date.parse(value);
  if (Number.isNaN(date)) throw new CleatError('invalid_argument', 'NETWORK_FILTER_INVALID', `invalid filter 'until=${value}'`);
  return date;
}
