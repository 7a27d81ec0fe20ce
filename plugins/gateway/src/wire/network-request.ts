import { isIP } from 'node:net';
import type { container } from '@cleat/schemas';
import type { NetworkLink, NetworkOptions } from '@cleat/sdk/container';
import { badRequest } from '../errors.ts';
import type { Fields } from './fields.ts';

/** Finds another container by name or id; 404 in Docker's words when there is none. */
export type FindContainer = (nameOrId: string) => Promise<container.Info>;

export interface NetworkRequest {
  /** For `namespaces.network`. */
  readonly namespace: string;
  readonly networks: readonly NetworkOptions[];
}

const OTHER_CONTAINER = 'container:';
/** Networks without a server for names: aliases and addresses of the user are refused on them. */
const DEFAULT_BRIDGE: ReadonlySet<string> = new Set(['bridge', 'default', '']);

function refuseWith(host: Fields, config: Fields, mode: string): void {
  const isContainer = mode.startsWith(OTHER_CONTAINER);
  const hasPorts = host.keys('PortBindings').length > 0 || host.boolean('PublishAllPorts');
  if (mode === 'host' && host.strings('Links').length > 0) {
    throw badRequest("conflicting options: host type networking can't be used with links. This would result in undefined behavior");
  }
  if (!isContainer) return;
  if (host.strings('Links').length > 0) {
    throw badRequest("conflicting options: container type network can't be used with links. This would result in undefined behavior");
  }
  if (config.string('Hostname') !== '') throw badRequest('conflicting options: hostname and the network mode');
  if (host.strings('Dns').length > 0) throw badRequest('conflicting options: dns and the network mode');
  if (host.strings('ExtraHosts').length > 0) {
    throw badRequest('conflicting options: custom host-to-IP mapping and the network mode');
  }
  if (hasPorts) throw badRequest('conflicting options: port publishing and the container type network mode');
  if (config.keys('ExposedPorts').length > 0) throw badRequest('conflicting options: port exposing and the container type network mode');
}

const MAC = /^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$/;

function address(fields: Fields, name: string, family: 4 | 6): string | undefined {
  const value = fields.string(name);
  if (value === '') return undefined;
  if (isIP(value) !== family) throw badRequest(`invalid IPv${family} address: ${value}`);
  return value;
}

/** EndpointSettings of the client, for a container at create or for `network connect`. */
export function endpointRequest(network: string, settings: Fields | undefined): NetworkOptions {
  if (settings === undefined) return { network };
  const ipam = settings.object('IPAMConfig');
  const mac = settings.string('MacAddress');
  if (mac !== '' && !MAC.test(mac)) throw badRequest(`invalid MAC address: ${mac}`);
  const ipv4 = address(ipam, 'IPv4Address', 4);
  const ipv6 = address(ipam, 'IPv6Address', 6);
  const aliases = settings.strings('Aliases');
  if (DEFAULT_BRIDGE.has(network) && (ipv4 !== undefined || ipv6 !== undefined)) {
    throw badRequest('user specified IP address is supported on user defined networks only');
  }
  return {
    network,
    ...(aliases.length > 0 ? { aliases } : {}),
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(ipam.strings('LinkLocalIPs').length > 0 ? { linkLocal: ipam.strings('LinkLocalIPs') } : {}),
    ...(mac === '' ? {} : { mac }),
    ...(settings.integer('GwPriority') === 0 ? {} : { gatewayPriority: settings.integer('GwPriority') }),
    ...(settings.has('DriverOpts') ? { driverOptions: settings.stringMap('DriverOpts') } : {}),
  };
}

/** "name", "name:alias". */
export async function linksOf(links: readonly string[], find: FindContainer): Promise<readonly NetworkLink[]> {
  return await Promise.all(
    links.map(async (link) => {
      const [name = '', alias] = link.split(':');
      if (name === '' || alias === '') throw badRequest(`bad format for links: ${link}`);
      const other = await findLinked(name, find);
      return { container: other.id, alias: alias ?? other.name };
    }),
  );
}

async function findLinked(name: string, find: FindContainer): Promise<container.Info> {
  try {
    return await find(name.replace(/^\//, ''));
  } catch (error) {
    throw badRequest(`could not get container for ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export interface NetworkRequestParts {
  readonly config: Fields;
  readonly host: Fields;
  readonly networking: Fields;
  readonly find: FindContainer;
}

/** NetworkMode and the endpoints of a create request. */
export async function networkRequest({ config, host, networking, find }: NetworkRequestParts): Promise<NetworkRequest> {
  const mode = host.string('NetworkMode') || 'default';
  refuseWith(host, config, mode);
  if (config.boolean('NetworkDisabled') || mode === 'none') return { namespace: 'private', networks: [] };
  if (mode.startsWith(OTHER_CONTAINER)) {
    const name = mode.slice(OTHER_CONTAINER.length);
    if (name === '') throw badRequest('Invalid network mode: invalid container format container:<name|id>');
    return { namespace: `${OTHER_CONTAINER}${(await find(name)).id}`, networks: [] };
  }
  const endpoints = networking.objectMap('EndpointsConfig');
  if (mode === 'host') {
    if (endpoints.size > 1) throw badRequest('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
    return { namespace: 'host', networks: [{ network: 'host' }] };
  }
  const name = mode === 'default' ? 'bridge' : mode;
  // Settings for "default" and "bridge" are those of the same network.
  const own = endpoints.get(mode) ?? endpoints.get(name) ?? endpoints.get('default');
  const others = [...endpoints].filter(([network, settings]) => settings !== own && network !== name);
  const links = await linksOf([...host.strings('Links'), ...(own?.strings('Links') ?? [])], find);
  const first = { ...endpointRequest(name, own), ...(links.length > 0 ? { links } : {}) };
  return { namespace: 'private', networks: [first, ...others.map(([network, settings]) => endpointRequest(network, settings))] };
}
