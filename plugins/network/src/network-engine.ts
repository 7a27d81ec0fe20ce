import type { Telling } from '@cleat/sdk';
import { Rtnetlink } from '@cleat/sdk/netlink';
import { AddressBook } from './address-book.ts';
import { BridgeDriver, forwardMatch } from './drivers/bridge-driver.ts';
import type { NetworkDriver } from './drivers/driver.ts';
import { occupiedSubnets } from './drivers/host-bridges.ts';
import { PlainDriver } from './drivers/plain-driver.ts';
import { type NetworkLedger, PluginDriver } from './drivers/plugin-driver.ts';
import { Firewall } from './firewall.ts';
import { clearForwardPolicies } from './forward-policy.ts';
import { type InstanceNames, instanceNames } from './instance-names.ts';
import type { DriverName, NetworkDefinition } from './model.ts';
import { NetworkProvider } from './network-provider.ts';
import type { NewNetworkContext } from './network-request.ts';
import { NetworkService } from './network-service.ts';
import type { OpenJournal } from './network-store.ts';
import { NetworkStore } from './network-store.ts';
import type { PluginConfig } from './plugin-config.ts';
import { PortBook } from './ports/port-book.ts';
import { missingPredefined } from './predefined-networks.ts';
import { Reconciliation } from './reconciliation.ts';
import { Sandboxes } from './sandboxes.ts';
import type { Subnet } from './subnet.ts';
import { parseSubnet } from './subnet.ts';

export interface EngineOptions {
  /** 8 hexadecimal digits. */
  readonly instanceId: string;
  readonly config: PluginConfig;
  readonly openJournal: OpenJournal;
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly publish: Telling['publish'];
  /** Drivers that other plugins are; absent: there are none. */
  readonly plugins?: { readonly ledger: NetworkLedger; readonly isDriver: (name: string) => boolean };
}

/** All parts of the plugin, put together. Nothing on the host is touched before the first network is used. */
export interface NetworkEngine {
  readonly provider: NetworkProvider;
  readonly service: NetworkService;
  readonly reconciliation: Reconciliation;
  close(): Promise<void>;
}

export async function openNetworkEngine(options: EngineOptions): Promise<NetworkEngine> {
  const { instanceId, config, warn } = options;
  const store = await NetworkStore.open(options.openJournal);
  const names = instanceNames(instanceId);
  const addresses = new AddressBook();
  const firewall = new Firewall(names.table);
  const sandboxes = new Sandboxes(store);
  const bridges = bridgeDriver({ names, addresses, firewall, sandboxes, store, warn });
  const drivers: Record<DriverName, NetworkDriver> = {
    bridge: bridges,
    host: new PlainDriver('host'),
    null: new PlainDriver('null'),
    plugin: new PluginDriver(options.plugins?.ledger),
  };
  const predefined = missingPredefined({ instanceId, names, config, existing: store.networks(), occupied, now: nowNs() });
  for (const network of predefined) store.putNetwork(network);
  for (const network of store.networks()) addresses.open(network, store.endpointsOf(network.id));
  await store.sync();

  const provider = new NetworkProvider({ store, addresses, sandboxes, drivers });
  const { ledger, isDriver = () => false } = options.plugins ?? {};
  const now = (): NewNetworkContext => {
    return { instanceId, names, existing: store.networks(), occupied, now: nowNs(), isPlugin: isDriver };
  };
  const { publish } = options;
  return {
    provider,
    service: new NetworkService({ store, addresses, drivers, publish, warn, newNetworkContext: now }),
    reconciliation: new Reconciliation({ store, addresses, sandboxes, provider, bridges, firewall, warn, ledger }),
    close: async () => {
      sandboxes.closeAll();
      // Containers that run on keep their network; without any, nothing of this instance stays on the host.
      if (!store.endpoints().some((endpoint) => endpoint.attachment !== undefined))
        await clearHost({ store, names, bridges, firewall, warn });
      bridges.shutDown();
      firewall.close();
      await store.close();
    },
  };
}

interface BridgeParts {
  readonly names: InstanceNames;
  readonly addresses: AddressBook;
  readonly firewall: Firewall;
  readonly sandboxes: Sandboxes;
  readonly store: NetworkStore;
  readonly warn: EngineOptions['warn'];
}

function bridgeDriver({ store, sandboxes, ...parts }: BridgeParts): BridgeDriver {
  return new BridgeDriver({
    ...parts,
    ports: new PortBook(),
    otherPools: (networkId) => poolsOf(store.networks().filter((network) => network.id !== networkId)),
    hostLinks: (networkId) => store.endpointsOf(networkId).flatMap(({ attachment }) => attachment?.hostLink ?? []),
    guarded: (uplinks) => store.putForwardingGuard(uplinks),
    exists: (networkId) => store.network(networkId) !== undefined,
    changed: (network) => {
      store.putNetwork(network);
      parts.addresses.open(network, store.endpointsOf(network.id));
    },
    interfaceNumber: (container, prefix) => sandboxes.interfaceNumber(container, prefix),
  });
}

interface HostParts {
  readonly store: NetworkStore;
  readonly names: InstanceNames;
  readonly bridges: BridgeDriver;
  readonly firewall: Firewall;
  readonly warn: EngineOptions['warn'];
}

async function clearHost({ store, names, bridges, firewall, warn }: HostParts): Promise<void> {
  const used = store.networks().filter((network) => network.bridge !== '' && bridges.hasLink(network.bridge));
  for (const network of used) await bridges.close(network);
  bridges.sweep(new Set(), new Set());
  if (!firewall.isOnHost()) return;
  await firewall.clear();
  for (const match of new Set(used.map((network) => forwardMatch(network.bridge, names)))) {
    await clearForwardPolicies(match).catch((error: unknown) => warn('could not remove rules of iptables', { error }));
  }
}

function poolsOf(networks: readonly NetworkDefinition[]): readonly Subnet[] {
  return networks.flatMap((network) => network.pools.map((pool) => parseSubnet(pool.subnet)));
}

function occupied(): readonly Subnet[] {
  const routes = Rtnetlink.open();
  try {
    return occupiedSubnets(routes, undefined);
  } finally {
    routes.close();
  }
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
