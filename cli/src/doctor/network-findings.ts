import type { Finding, HostLook } from './finding.ts';

/** What bridge networks need of the kernel. */
export async function networkFindings(look: HostLook): Promise<readonly Finding[]> {
  return [await nftables(look), forwarding(look), bridgeFilter(look)];
}

async function nftables(look: HostLook): Promise<Finding> {
  const base = { area: 'network', name: 'nftables' } as const;
  if (await look.nftWorks()) return { ...base, verdict: 'ok', found: 'works', means: 'bridge networks and published ports work' };
  const why = look.isRoot ? 'this kernel, or its container, does not allow it' : 'it can only be tried as root';
  return {
    ...base,
    verdict: 'limited',
    found: 'cannot be used from here',
    means: `no bridge networks and published ports, unless ${look.isRoot ? 'that changes' : 'root finds otherwise'}: ${why}`,
  };
}

function forwarding(look: HostLook): Finding {
  const isOn = look.read('/proc/sys/net/ipv4/ip_forward') === '1';
  return {
    area: 'network',
    name: 'IP forwarding',
    verdict: 'ok',
    found: isOn ? 'on' : 'off',
    means: isOn ? 'containers reach other hosts' : 'Cleat switches it on with its first bridge network',
  };
}

function bridgeFilter(look: HostLook): Finding {
  const isOn = look.read('/proc/sys/net/bridge/bridge-nf-call-iptables') === '1';
  return {
    area: 'network',
    name: 'bridge filter',
    verdict: 'ok',
    found: isOn ? 'on' : 'off',
    means: isOn
      ? "rules of the host's own firewall hold between containers of one network too"
      : 'containers of one network reach each other without passing a firewall',
  };
}
