import type { providerTypes } from '@cleat/schemas';
import type { DnsOptions } from './claim-options.ts';
import { NAME_SERVER_ADDRESS } from './dns/name-server-address.ts';
import { containerDns, hostDns, isLoopback } from './dns/resolv-conf.ts';
import type { Endpoint, NetworkDefinition } from './model.ts';
import { dnsNames, driverOf, hasNameServer } from './model.ts';

/** What clients see of an endpoint; the same text comes back at the next reconcile, and says what to rebuild. */
export function statusText(endpoint: Endpoint, network: NetworkDefinition): string {
  const { attachment } = endpoint;
  return JSON.stringify({
    networkId: network.id,
    networkName: network.name,
    driver: driverOf(network),
    ...(hasNameServer(network) ? { dnsNames: dnsNames(endpoint) } : {}),
    ...(attachment === undefined
      ? {}
      : {
          endpointId: attachment.endpointId,
          ...(attachment.ipv4 === undefined
            ? {}
            : { ipv4: attachment.ipv4.address, ipv4PrefixLength: attachment.ipv4.prefixLength, gateway: attachment.ipv4.gateway }),
          ...(attachment.ipv6 === undefined
            ? {}
            : { ipv6: attachment.ipv6.address, ipv6PrefixLength: attachment.ipv6.prefixLength, ipv6Gateway: attachment.ipv6.gateway }),
          mac: attachment.mac,
          ports: attachment.ports,
          interface: attachment.interfaceName,
          hostLink: attachment.hostLink,
        }),
  });
}

/** The container's own lines of /etc/hosts, one an address. */
export function hostsLines({ hostname, attachment }: Endpoint): readonly string[] {
  if (attachment?.hosts !== undefined) return attachment.hosts;
  if (hostname === '') return [];
  return [attachment?.ipv4?.address, attachment?.ipv6?.address]
    .filter((address) => address !== undefined)
    .map((address) => `${address}\t${hostname}`);
}

/**
 * What the container's resolv.conf says; null for what the kernel writes by itself, the host's file, so that a network
 * with a name server, joined later, has its say.
 */
export async function containerResolver(
  { options: { dns: user } }: Endpoint,
  usesNameServer: boolean,
): Promise<providerTypes.ContributionInput['dns']> {
  const host = await hostDns();
  if (usesNameServer) {
    const { search, options } = merged(user, host);
    const hasDots = options.some((option) => option.startsWith('ndots:'));
    return { servers: [NAME_SERVER_ADDRESS], search, options: hasDots ? options : [...options, 'ndots:0'] };
  }
  const isUsersOwn = user.servers.length + user.search.length + user.options.length > 0;
  const isHostReachable = host.servers.some((server) => !isLoopback(server));
  return isUsersOwn || !isHostReachable ? merged(user, await containerDns()) : null;
}

function merged(user: DnsOptions, host: DnsOptions): { readonly servers: string[]; readonly search: string[]; readonly options: string[] } {
  const pick = (own: readonly string[], other: readonly string[]): string[] => [...(own.length > 0 ? own : other)];
  return { servers: pick(user.servers, host.servers), search: pick(user.search, host.search), options: pick(user.options, host.options) };
}
