import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const IPV4 = '/proc/sys/net/ipv4';
const IPV6 = '/proc/sys/net/ipv6';
const BRIDGE_FILTER = '/proc/sys/net/bridge';

/** Sets a kernel parameter unless it has that value; false when this kernel does not have it. */
function set(path: string, value: string): boolean {
  try {
    if (readFileSync(path, 'utf8').trim() !== value) writeFileSync(path, value);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

export function hasIpv6(): boolean {
  return read(join(IPV6, 'conf/all/disable_ipv6')) === '0';
}

export function isIpv4Forwarding(): boolean {
  return read(join(IPV4, 'ip_forward')) === '1';
}

/** Lets the host pass packets on between containers and the outside. */
export function enableIpv4Forwarding(): void {
  set(join(IPV4, 'ip_forward'), '1');
}

/** A host that forwards IPv6 no longer listens to router advertisements unless told to: its own default route would expire. */
export function enableIpv6Forwarding(): void {
  const forwarding = join(IPV6, 'conf/all/forwarding');
  if (read(forwarding) !== '0') return;
  for (const link of readdirSync(join(IPV6, 'conf'))) {
    const path = join(IPV6, 'conf', link, 'accept_ra');
    if (link !== 'lo' && read(path) === '1') set(path, '2');
  }
  set(forwarding, '1');
}

/** Lets 127.0.0.1 lead to published ports. Only with the guard of the firewall's table in place. */
export function allowLoopbackRouting(link: string): void {
  set(join(IPV4, 'conf', link, 'route_localnet'), '1');
}

/** Bridged packets pass the firewall of the host too, which needs other settings of bridge ports. */
export function isBridgeTrafficFiltered(): boolean {
  return read(join(BRIDGE_FILTER, 'bridge-nf-call-iptables')) === '1';
}

/**
 * Of a link in the namespace of the calling thread, before it is set up. Without IPv6 it has none at all; with it, no
 * second is lost looking for others with its addresses: who gives them out knows that there are none.
 */
export function setIpv6(link: string, isEnabled: boolean): void {
  const path = join(IPV6, 'conf', link);
  set(join(path, 'disable_ipv6'), isEnabled ? '0' : '1');
  if (isEnabled) set(join(path, 'accept_dad'), '0');
}

/** A container must not be able to offer itself to the host as a router. */
export function refuseRouterAdvertisements(link: string): void {
  set(join(IPV6, 'conf', link, 'accept_ra'), '0');
}

/** The range that the kernel takes ports from for connections without a port of their own. */
export function ephemeralPorts(): { readonly first: number; readonly last: number } {
  const [first, last] = (read(join(IPV4, 'ip_local_port_range')) ?? '').split(/\s+/).map(Number);
  return first !== undefined && last !== undefined && last > first ? { first, last } : { first: 49153, last: 65535 };
}
