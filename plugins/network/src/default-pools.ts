import { createHash } from 'node:crypto';
import { CleatError } from '@cleat/schemas';
import type { Subnet } from './subnet.ts';
import { overlaps, parseSubnet, subnetText } from './subnet.ts';

/** Where subnets come from when the user names none: Docker's pools, in Docker's order. */
const DEFAULT_POOLS: readonly { readonly within: string; readonly prefixLength: number }[] = [
  ...Array.from({ length: 15 }, (_, index) => ({ within: `172.${17 + index}.0.0/16`, prefixLength: 16 })),
  { within: '192.168.0.0/16', prefixLength: 20 },
];

/** The first default IPv4 subnet that meets none of `occupied`: pools of other networks, routes of the host, its name servers. */
export function pickSubnet(occupied: readonly Subnet[]): string {
  for (const pool of DEFAULT_POOLS) {
    const within = parseSubnet(pool.within);
    const size = 1n << BigInt(32 - pool.prefixLength);
    for (let base = within.base; base < within.base + within.size; base += size) {
      const candidate: Subnet = { family: 4, base, prefixLength: pool.prefixLength, size };
      if (!occupied.some((subnet) => overlaps(subnet, candidate))) return subnetText(candidate);
    }
  }
  throw new CleatError(
    'resource_exhausted',
    'NETWORK_POOLS_EMPTY',
    'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
    { hint: 'Remove unused networks, or name a subnet of your own with --subnet.' },
  );
}

/** A unique local /64 (RFC 4193) that only this network of this instance has. */
export function uniqueLocalSubnet(instanceId: string, networkId: string): string {
  const digest = createHash('sha256').update(`${instanceId}/${networkId}`).digest('hex');
  return subnetText(parseSubnet(`fd${digest.slice(0, 2)}:${digest.slice(2, 6)}:${digest.slice(6, 10)}:${digest.slice(10, 14)}::/64`));
}
