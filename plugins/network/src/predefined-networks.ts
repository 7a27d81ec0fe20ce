import { createHash } from 'node:crypto';
import { completePool } from './address-pool.ts';
import { pickSubnet } from './default-pools.ts';
import type { InstanceNames } from './instance-names.ts';
import type { DriverName, NetworkDefinition } from './model.ts';
import type { PluginConfig } from './plugin-config.ts';
import type { Subnet } from './subnet.ts';

interface PredefinedContext {
  readonly instanceId: string;
  readonly names: InstanceNames;
  readonly config: PluginConfig;
  readonly existing: readonly NetworkDefinition[];
  readonly occupied: () => readonly Subnet[];
  readonly now: bigint;
}

/** The networks that are always there and are not there yet: bridge, host, none. Their ids stay the same for an instance. */
export function missingPredefined(context: PredefinedContext): readonly NetworkDefinition[] {
  const isThere = new Set(context.existing.map((network) => network.name));
  const missing: NetworkDefinition[] = [];
  if (!isThere.has('bridge')) missing.push(defaultBridge(context));
  if (!isThere.has('host')) missing.push(plain('host', 'host', context));
  if (!isThere.has('none')) missing.push(plain('none', 'null', context));
  return missing;
}

function plain(name: string, driver: DriverName, context: PredefinedContext): NetworkDefinition {
  return {
    id: createHash('sha256').update(`${context.instanceId}/network/${name}`).digest('hex'),
    name,
    driver,
    createdAt: context.now.toString(),
    internal: false,
    attachable: false,
    ipv4: true,
    ipv6: false,
    ipamOptions: {},
    pools: [],
    isPoolPicked: false,
    options: {},
    labels: {},
    isPredefined: true,
    bridge: '',
  };
}

function defaultBridge(context: PredefinedContext): NetworkDefinition {
  const { bridge } = context.config;
  const base = plain('bridge', 'bridge', context);
  const isPicked = bridge.subnet === '';
  const pool = isPicked
    ? { subnet: pickSubnet(context.occupied()), range: '', gateway: '', auxiliary: {} }
    : { subnet: bridge.subnet, range: bridge.range, gateway: bridge.gateway, auxiliary: {} };
  const linkName = context.names.bridge(base.id, 0);
  return {
    ...base,
    pools: [completePool(pool)],
    isPoolPicked: isPicked,
    bridge: linkName,
    options: {
      'com.docker.network.bridge.default_bridge': 'true',
      'com.docker.network.bridge.enable_icc': String(bridge.canTalkToEachOther),
      'com.docker.network.bridge.enable_ip_masquerade': 'true',
      'com.docker.network.bridge.host_binding_ipv4': bridge.hostIp === '' ? '0.0.0.0' : bridge.hostIp,
      'com.docker.network.bridge.name': linkName,
      'com.docker.network.driver.mtu': String(bridge.mtu),
    },
  };
}
