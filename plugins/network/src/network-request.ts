import { randomBytes } from 'node:crypto';
import type { network as contract } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';
import type { PoolDefinition } from './address-pool.ts';
import { completePool } from './address-pool.ts';
import { parseBridgeSettings } from './bridge-settings.ts';
import { pickSubnet, uniqueLocalSubnet } from './default-pools.ts';
import type { InstanceNames } from './instance-names.ts';
import type { NetworkDefinition } from './model.ts';
import type { Subnet } from './subnet.ts';
import { overlaps, parseSubnet, subnetText } from './subnet.ts';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const RESERVED_NAMES: ReadonlySet<string> = new Set(['bridge', 'host', 'none', 'default', 'container']);
const NOT_YET: ReadonlySet<string> = new Set(['overlay', 'macvlan', 'ipvlan']);

export interface NewNetworkContext {
  readonly instanceId: string;
  readonly names: InstanceNames;
  readonly existing: readonly NetworkDefinition[];
  /** Subnets of the host's routes and name servers. */
  readonly occupied: () => readonly Subnet[];
  readonly now: bigint;
  /** Another plugin is the driver of that name. */
  readonly isPlugin: (driver: string) => boolean;
}

/** A network as a client asked for it, checked and with every choice made. */
export function newNetwork(request: contract.CreateRequest, context: NewNetworkContext): NetworkDefinition {
  checkName(request.name, context.existing);
  if (context.isPlugin(request.driver)) return pluginNetwork(request, context);
  checkSupported(request);
  const settings = parseBridgeSettings(request.options);
  const id = randomBytes(32).toString('hex');
  const { pools, isPicked } = choosePools(request, id, context);
  return {
    id,
    name: request.name,
    driver: 'bridge',
    createdAt: context.now.toString(),
    internal: request.internal,
    attachable: request.attachable,
    ipv4: request.ipv4,
    ipv6: request.ipv6,
    ipamOptions: request.ipamOptions,
    pools,
    isPoolPicked: isPicked,
    options: request.options,
    labels: request.labels,
    isPredefined: false,
    bridge: settings.bridgeName ?? freeBridgeName(id, context),
  };
}

/** Addresses are the driver's own affair: what it is told of a network are its options. */
function pluginNetwork(request: contract.CreateRequest, context: NewNetworkContext): NetworkDefinition {
  checkIpam(request);
  // Docker's clients send a pool without anything in it when none is asked for.
  const hasPool = request.pools.some(({ subnet, gateway, range }) => `${subnet}${gateway}${range}` !== '');
  if (hasPool || request.internal) {
    throw new CleatError(
      'invalid_argument',
      'NETWORK_POOL_INVALID',
      `the driver ${request.driver} takes neither subnets nor --internal; what it can do it has options for`,
    );
  }
  const { name, driver: plugin, attachable, ipv4, ipv6, options, labels } = request;
  return {
    id: randomBytes(32).toString('hex'),
    driver: 'plugin',
    createdAt: context.now.toString(),
    ...{ name, plugin, attachable, ipv4, ipv6, options, labels },
    ...{ internal: false, ipamOptions: {}, pools: [], isPoolPicked: false, isPredefined: false, bridge: '' },
  };
}

function checkName(name: string, existing: readonly NetworkDefinition[]): void {
  if (!NAME.test(name)) {
    throw new CleatError(
      'invalid_argument',
      'NETWORK_NAME_INVALID',
      `invalid network name "${name}": only letters, digits, and _ . - after the first are allowed`,
    );
  }
  if (RESERVED_NAMES.has(name)) {
    throw new CleatError('permission_denied', 'NETWORK_PREDEFINED', `operation is not permitted on predefined ${name} network`);
  }
  if (existing.some((network) => network.name === name)) {
    throw new CleatError('already_exists', 'NETWORK_NAME_TAKEN', `network with name ${name} already exists`);
  }
}

function checkSupported(request: contract.CreateRequest): void {
  if (request.driver !== 'bridge') {
    if (request.driver === 'host' || request.driver === 'null') {
      throw new CleatError('permission_denied', 'NETWORK_SINGLE_INSTANCE', `only one instance of "${request.driver}" network is allowed`);
    }
    throw NOT_YET.has(request.driver)
      ? new CleatError('unimplemented', 'NETWORK_DRIVER_UNSUPPORTED', `the network driver ${request.driver} is not supported; bridge is`)
      : new CleatError(
          'not_found',
          'NETWORK_DRIVER_NOT_FOUND',
          `plugin "${request.driver}" not found: there is no network driver of that name`,
        );
  }
  checkIpam(request);
  if (!request.ipv4 && !request.ipv6) {
    throw new CleatError('invalid_argument', 'NETWORK_NO_FAMILY', 'a network without IPv4 and IPv6 connects nothing');
  }
}

function checkIpam(request: contract.CreateRequest): void {
  if (request.ipamDriver !== 'default' && request.ipamDriver !== '') {
    throw new CleatError('unimplemented', 'NETWORK_IPAM_DRIVER', `the IPAM driver ${request.ipamDriver} is not supported; default is`);
  }
  if (Object.keys(request.ipamOptions).length > 0) {
    throw new CleatError('unimplemented', 'NETWORK_IPAM_OPTIONS', 'the default IPAM driver has no options');
  }
}

function choosePools(
  request: contract.CreateRequest,
  id: string,
  context: NewNetworkContext,
): { readonly pools: readonly PoolDefinition[]; readonly isPicked: boolean } {
  const named = request.pools.filter((pool) => pool.subnet !== '').map(completePool);
  const ofNetworks = context.existing.flatMap((network) => network.pools.map((pool) => parseSubnet(pool.subnet)));
  named.forEach((pool, index) => {
    const subnet = parseSubnet(pool.subnet);
    checkFamily(request, subnet);
    const others = [...ofNetworks, ...named.slice(0, index).map((other) => parseSubnet(other.subnet))];
    if (others.some((other) => overlaps(other, subnet))) {
      throw new CleatError(
        'conflict',
        'NETWORK_POOL_OVERLAPS',
        `Pool overlaps with other one on this address space: ${subnetText(subnet)}`,
      );
    }
  });
  const pools = [...named];
  const hasFamily = (family: 4 | 6): boolean => named.some((pool) => parseSubnet(pool.subnet).family === family);
  const isPicked = request.ipv4 && !hasFamily(4);
  if (isPicked) {
    const unnamed = request.pools.find((pool) => pool.subnet === '');
    if (unnamed !== undefined && (unnamed.gateway !== '' || unnamed.range !== '' || Object.keys(unnamed.auxiliary).length > 0)) {
      throw new CleatError('invalid_argument', 'NETWORK_POOL_INVALID', 'a gateway, range or auxiliary address needs a subnet');
    }
    const subnet = pickSubnet([...context.occupied(), ...ofNetworks, ...named.map((pool) => parseSubnet(pool.subnet))]);
    pools.unshift(completePool({ subnet, range: '', gateway: '', auxiliary: {} }));
  }
  if (request.ipv6 && !hasFamily(6)) {
    pools.push(completePool({ subnet: uniqueLocalSubnet(context.instanceId, id), range: '', gateway: '', auxiliary: {} }));
  }
  return { pools, isPicked };
}

function checkFamily(request: contract.CreateRequest, subnet: Subnet): void {
  const isWanted = subnet.family === 4 ? request.ipv4 : request.ipv6;
  if (!isWanted) {
    throw new CleatError(
      'invalid_argument',
      'NETWORK_POOL_INVALID',
      `the subnet ${subnetText(subnet)} is of a family that the network does not have`,
      { hint: subnet.family === 6 ? 'Create the network with --ipv6.' : undefined },
    );
  }
}

function freeBridgeName(id: string, context: NewNetworkContext): string {
  const taken = new Set(context.existing.map((network) => network.bridge));
  for (let attempt = 0; ; attempt += 1) {
    const name = context.names.bridge(id, attempt);
    if (!taken.has(name)) return name;
  }
}
