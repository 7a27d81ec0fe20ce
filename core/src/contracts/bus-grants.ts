import { addressesOf, type Grant, type Manifest } from '@cleat/schemas';
import { type Grant as BusGrant, type CallGrant, KERNEL } from '../bus/index.ts';

/** Who may answer: what is installed and enabled. */
interface Participant {
  readonly manifest: Manifest;
}

/** Contracts that the kernel itself answers. */
export const KERNEL_SERVICES: readonly string[] = ['container', 'exec', 'claim', 'view', 'event', 'sys', 'plugin', 'node', 'logdata'];

/** Who answers a contract's operations. */
function servers(plugins: readonly Participant[]): ReadonlyMap<string, string> {
  const homes = new Map(KERNEL_SERVICES.map((contract) => [contract, KERNEL]));
  for (const { manifest } of plugins)
    for (const contract of manifest.services ?? []) if (!homes.has(contract)) homes.set(contract, manifest.name);
  return homes;
}

/** What a participant may call and see on the bus: exactly what its grant names, straight from each provider. */
export function busGrant(grant: Grant, plugins: readonly Participant[], nodeId: string): BusGrant {
  const homes = servers(plugins);
  const calls: CallGrant[] = [
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
function merged(calls: readonly CallGrant[]): readonly CallGrant[] {
  const byAddress = new Map<string, CallGrant>();
  for (const call of calls) {
    const key = `${call.provider} ${call.address}`;
    const known = byAddress.get(key);
    if (known === undefined || call.ops === undefined) byAddress.set(key, call);
    else if (known.ops !== undefined) byAddress.set(key, { ...known, ops: [...new Set([...known.ops, ...call.ops])] });
  }
  return [...byAddress.values()];
}

/** The kernel calls every provider of a kind, and whoever judges. */
export function kernelGrant(plugins: readonly Participant[], nodeId: string): BusGrant {
  const calls = plugins.flatMap(({ manifest }) =>
    addressesOf(manifest)
      .filter((address) => /^(provider\.[a-z0-9-]+|interceptor\..*)$/.test(address))
      .map((address) => ({ provider: manifest.name, address })),
  );
  return { calls, events: [], eventsNode: nodeId, durable: false };
}

function servicesOf(use: string, homes: ReadonlyMap<string, string>): readonly CallGrant[] {
  if (use === '*') return [...homes].filter(([contract]) => contract !== 'sys').map(([address, provider]) => ({ provider, address }));
  const [contract = '', operation = '*'] = use.split('.');
  const provider = homes.get(contract);
  if (provider === undefined) return [];
  return [operation === '*' ? { provider, address: contract } : { provider, address: contract, ops: [operation] }];
}

function driversOf(kind: string, plugins: readonly Participant[]): readonly CallGrant[] {
  return plugins.flatMap(({ manifest }) =>
    (manifest.drives ?? [])
      .filter((driven) => driven.kind === kind)
      .map(({ name }) => ({ provider: manifest.name, address: `provider.${kind}-driver.${name}` })),
  );
}
