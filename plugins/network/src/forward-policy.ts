import { readFileSync } from 'node:fs';
import { Nftables } from '@cleat/sdk/netlink';
import { runCommand } from './command.ts';

/** Which iptables speaks to the chain that drops, by family. */
const COMMANDS = { nft: { 4: 'iptables-nft', 6: 'ip6tables-nft' }, legacy: { 4: 'iptables-legacy', 6: 'ip6tables-legacy' } } as const;
type Backend = keyof typeof COMMANDS;

/**
 * Another firewall's FORWARD policy of DROP (dockerd's, ufw's) wins over an accept of ours: every base chain of a hook
 * must let a packet pass. So there our bridges (`cl1a2b3c4d+` in iptables' way to write a prefix) are accepted, in front;
 * what may pass is decided by our own table.
 */
export async function passForwardPolicies(interfaces: string): Promise<void> {
  for (const { backend, family } of await droppingChains()) {
    const command = COMMANDS[backend][family];
    for (const rule of acceptRules(interfaces)) {
      const isThere = await runCommand(command, ['-w', '5', '-C', 'FORWARD', ...rule], '').then(
        () => true,
        () => false,
      );
      if (!isThere) await runCommand(command, ['-w', '5', '-I', 'FORWARD', '1', ...rule], '');
    }
  }
}

/** Takes our rules out again. */
export async function clearForwardPolicies(interfaces: string): Promise<void> {
  for (const { backend, family } of await droppingChains()) {
    for (const rule of acceptRules(interfaces)) {
      // Not there is what is wanted.
      await runCommand(COMMANDS[backend][family], ['-w', '5', '-D', 'FORWARD', ...rule], '').catch(() => undefined);
    }
  }
}

function acceptRules(interfaces: string): readonly (readonly string[])[] {
  return [
    ['-o', interfaces, '-j', 'ACCEPT'],
    ['-i', interfaces, '-j', 'ACCEPT'],
  ];
}

async function droppingChains(): Promise<readonly { readonly backend: Backend; readonly family: 4 | 6 }[]> {
  const found: { backend: Backend; family: 4 | 6 }[] = [];
  const nftables = Nftables.open();
  try {
    for (const family of [4, 6] as const) {
      const table = { family: family === 4 ? 'ip' : 'ip6', name: 'filter' } as const;
      if (nftables.dropsByPolicy(table, 'FORWARD')) found.push({ backend: 'nft', family });
    }
  } finally {
    nftables.close();
  }
  for (const family of [4, 6] as const) {
    if (hasLegacyFilter(family) && (await legacyDrops(family))) found.push({ backend: 'legacy', family });
  }
  return found;
}

/** Asked first, since the legacy command makes its tables by looking for them. */
function hasLegacyFilter(family: 4 | 6): boolean {
  try {
    return readFileSync(`/proc/net/${family === 4 ? 'ip' : 'ip6'}_tables_names`, 'utf8')
      .split('\n')
      .includes('filter');
  } catch {
    // The kernel has no legacy tables, or none was ever used.
    return false;
  }
}

async function legacyDrops(family: 4 | 6): Promise<boolean> {
  const rules = await runCommand(COMMANDS.legacy[family], ['-w', '5', '-S', 'FORWARD'], '').catch(() => '');
  return rules.split('\n').includes('-P FORWARD DROP');
}
