import { isIP } from 'node:net';
import type { KeyPart, SetElement, TableName } from '@cleat/sdk/netlink';
import { addressText, key, keyBytes, subnetRange } from '@cleat/sdk/netlink';
import type { BridgeSettings } from './bridge-settings.ts';
import type { BoundPort, NetworkDefinition } from './model.ts';

/** Every network, endpoint and port is an element of these. No rule is ever added, so a packet's way does not grow with their number. */
const SETS = `	# one element per network
	set bridges { type ifname; }
	set internal { type ifname; }
	# the host's own links, when forwarding was off before this plugin needed it
	set uplinks { type ifname; }
	map pairs { type ifname . ifname : verdict; }
	set hairpin4 { type ifname . ipv4_addr; flags interval; }
	set hairpin6 { type ifname . ipv6_addr; flags interval; }
	set masq4 { type ipv4_addr; flags interval; }
	set masq6 { type ipv6_addr; flags interval; }
	# one element per published port
	map any4 { type inet_proto . inet_service : ipv4_addr . inet_service; }
	map pub4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
	map any6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
	map pub6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }
`;

const CHAINS = `	chain raw {
		type filter hook prerouting priority raw; policy accept;
		# Bridges have route_localnet, and destination NAT comes before the check for martians: without this line
		# a neighbour of the host could reach what is published on 127.0.0.1.
		iifname != "lo" ip daddr 127.0.0.0/8 drop
	}
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local jump publish
	}
	chain output {
		type nat hook output priority -100; policy accept;
		# ::1 cannot be translated; a listener of the plugin passes it on.
		ip6 daddr ::1 return
		fib daddr type local jump publish
	}
	chain publish {
		dnat ip to ip daddr . meta l4proto . th dport map @pub4
		dnat ip to meta l4proto . th dport map @any4
		dnat ip6 to ip6 daddr . meta l4proto . th dport map @pub6
		dnat ip6 to meta l4proto . th dport map @any6
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname @bridges ip saddr 127.0.0.0/8 masquerade
		ct status dnat oifname . ip saddr @hairpin4 masquerade
		ct status dnat oifname . ip6 saddr @hairpin6 masquerade
		ip saddr @masq4 oifname != @bridges masquerade
		ip6 saddr @masq6 oifname != @bridges masquerade
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		ct state vmap { established : accept, related : accept }
		iifname . oifname vmap @pairs
		iifname @internal drop
		oifname @internal drop
		oifname @bridges ct status dnat accept
		oifname @bridges drop
		iifname @bridges accept
		# The host is no router between its networks only because containers need forwarding.
		iifname @uplinks oifname @uplinks drop
	}
`;

/** The script that replaces the table, if there is one, by a new one with these elements, in one transaction. */
export function replaceTableText(table: TableName, elements: readonly SetElement[]): string {
  const name = `${table.family} ${table.name}`;
  // The first line makes the second one work when there is no table yet.
  const lines = [`table ${name}`, `delete table ${name}`, `table ${name} {\n${SETS}${CHAINS}}`];
  for (const [set, members] of bySet(elements)) lines.push(`add element ${name} ${set} { ${members.map(elementText).join(', ')} }`);
  return `${lines.join('\n')}\n`;
}

function bySet(elements: readonly SetElement[]): ReadonlyMap<string, readonly SetElement[]> {
  const sets = new Map<string, SetElement[]>();
  for (const element of elements) {
    const members = sets.get(element.set);
    if (members === undefined) sets.set(element.set, [element]);
    else members.push(element);
  }
  return sets;
}

function elementText(element: SetElement): string {
  const parts = element.key.map(partText);
  if (element.range !== undefined) parts.push(`${addressText(element.range.first)}-${addressText(element.range.last)}`);
  const { value } = element;
  if (value === undefined) return parts.join(' . ');
  return `${parts.join(' . ')} : ${'parts' in value ? value.parts.map(partText).join(' . ') : value.verdict}`;
}

function partText(part: KeyPart): string {
  switch (part.type) {
    case 'interface':
      return `"${part.name}"`;
    case 'address':
      return part.address;
    case 'protocol':
      return part.protocol;
    case 'port':
      return String(part.port);
  }
}

/** Tells elements apart: two with the same identity are the same element to the kernel. */
export function elementIdentity(element: SetElement): string {
  const range = element.range === undefined ? '' : `${element.range.first.toString('hex')}-${element.range.last.toString('hex')}`;
  return `${element.set} ${keyBytes(element.key).toString('hex')} ${range}`;
}

/** Links of the host that packets are not forwarded between. */
export function guardElements(uplinks: readonly string[]): readonly SetElement[] {
  return uplinks.map((name) => ({ set: 'uplinks', key: [key.interface(name)] }));
}

/** What a bridge network has in the table. */
export function networkElements(network: NetworkDefinition, settings: BridgeSettings): readonly SetElement[] {
  const bridge = key.interface(network.bridge);
  const elements: SetElement[] = [
    { set: 'bridges', key: [bridge] },
    { set: 'pairs', key: [bridge, bridge], value: { verdict: 'accept' } },
  ];
  if (network.internal) elements.push({ set: 'internal', key: [bridge] });
  for (const pool of network.pools) {
    const [address = '', length = ''] = pool.subnet.split('/');
    const family = isIP(address);
    const range = subnetRange(address, Number(length));
    elements.push({ set: `hairpin${family}`, key: [bridge], range });
    if (settings.isMasqueraded && !network.internal) elements.push({ set: `masq${family}`, key: [], range });
  }
  return elements;
}

/** What a published port has in the table; none for an address that only the plugin's own listener serves. */
export function portElements(port: BoundPort, target: { readonly ipv4: string; readonly ipv6: string }): readonly SetElement[] {
  const isV4 = isIP(port.hostIp) === 4;
  const address = isV4 ? target.ipv4 : target.ipv6;
  if (address === '' || port.hostIp === '::1') return [];
  const service = [key.protocol(port.protocol), key.port(port.hostPort)];
  const value = { parts: [key.address(address), key.port(port.containerPort)] };
  const isAny = port.hostIp === '0.0.0.0' || port.hostIp === '::';
  return isAny
    ? [{ set: isV4 ? 'any4' : 'any6', key: service, value }]
    : [{ set: isV4 ? 'pub4' : 'pub6', key: [key.address(port.hostIp), ...service], value }];
}
