import { addressesOf, type Grant } from '@cleat/schemas';
import type { BusGrant } from './bus-port.ts';
import type { InstalledPlugin } from './installed.ts';

/** Contracts that the kernel itself answers. */
export const KERNEL_SERVICES: readonly string[] = [
  'container',
  'exec',
  'claim',
  'view',
  'event',
  'sys',
  'plugin',
  'node',
  'logdata',
];
export const KERNEL = 'kernel';

/** Who answers a contract's operations. */
function servers(plugins: readonly InstalledPlugin[]): ReadonlyMap<string, string> {
  const homes = new Map(KERNEL_SERVICES.map((contract) => [contract, KERNEL]));
  for (const { manifest } of plugins)
    for (const contract of manifest.services ?? []) if (!homes.has(contract)) homes.set(contract, manifest.name);
  return homes;
}

/** What a participant may call and see on the bus: exactly what its grant names, straight from each provider. */
export function busGrant(grant: Grant, plugins: readonly InstalledPlugin[], nodeId: string): BusGrant {
  const homes = servers(plugins);
  const calls: CallRight[] = [
    { provider: KERNEL, address: 'sys' },
    { provider: KERNEL, address: 'hello' },
  ];
  for (const use of grant.uses) {
    if (use.startsWith('driver:')) calls.push(...driversOf(use.slice('driver:'.length), plugins));
    else calls.push(...servicesOf(use, homes));
  }
  // Whoever executes operations asks those who judge them.
  for (const { manifest } of plugins) {
    if ((manifest.intercepts ?? []).length > 0)
      calls.push({ provider: manifest.name, address: `interceptor.${manifest.name}`, ops: ['judge'] });
  }
  // Who sees events reads on after a reconnect, and asks where its consumer stands.
  if (grant.consumes.length > 0) calls.push({ provider: KERNEL, address: 'event' });
  // Everybody hears of plugins that come and go, and of a kernel that was restarted.
  const events = grant.consumes.includes('*') ? ['*'] : [...new Set([...grant.consumes, 'plugin.*', 'node.*'])];
  return { calls: merged(calls), events, eventsNode: nodeId, durable: grant.durable };
}

/** One entry an address: the server refuses an account whose imports overlap. */
function merged(calls: readonly CallRight[]): readonly CallRight[] {
  const byAddress = new Map<string, CallRight>();
  for (const call of calls) {
    const key = `${call.provider} ${call.address}`;
    const known = byAddress.get(key);
    if (known === undefined || call.ops === undefined) byAddress.set(key, call);
    else if (known.ops !== undefined) byAddress.set(key, { ...known, ops: [...new Set([...known.ops, ...call.ops])] });
  }
  return [...byAddress.values()];
}

interface CallRight {
  readonly provider: string;
  readonly address: string;
  readonly ops?: readonly string[];
}

/** The kernel calls every provider of a kind, and whoever judges. */
export function kernelGrant(plugins: readonly InstalledPlugin[], nodeId: string): BusGrant {
  const calls = plugins.flatMap(({ manifest }) =>
    addressesOf(manifest)
      .filter((address) => /^(provider\.[a-z0-9-]+|interceptor\..*)$/.test(address))
      .map((address) => ({ provider: manifest.name, address })),
  );
  return { calls, events: [], eventsNode: nodeId, durable: false };
}

function servicesOf(
  use: string,
  homes: ReadonlyMap<string, string>,
): readonly { provider: string; address: string; ops?: readonly string[] }[] {
  if (use === '*')
    return [...homes].filter(([contract]) => contract !== 'sys').map(([address, provider]) => ({ provider, address }));
  const [contract = '', operation = '*'] = use.split('.');
  const provider = homes.get(contract);
  if (provider === undefined) return [];
  return [operation === '*' ? { provider, address: contract } : { provider, address: contract, ops: [operation] }];
}

function driversOf(
  kind: string,
  plugins: readonly InstalledPlugin[],
): readonly { provider: string; address: string }[] {
  return plugins.flatMap(({ manifest }) =>
    (manifest.drives ?? [])
      .filter((driven) => driven.kind === kind)
      .map(({ name }) => ({ provider: manifest.name, address: `provider.${kind}-driver.${name}` })),
  );
}
