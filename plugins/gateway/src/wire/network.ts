import type { network } from '@cleat/schemas';
import { badRequest, unsupported } from '../errors.ts';
import type { Fields } from './fields.ts';
import type { JsonObject } from './json.ts';
import { rfc3339 } from './time.ts';

function poolObject(pool: network.Pool): JsonObject {
  return {
    Subnet: pool.subnet,
    ...(pool.range === '' ? {} : { IPRange: pool.range }),
    ...(pool.gateway === '' ? {} : { Gateway: pool.gateway }),
    ...(Object.keys(pool.auxiliary).length === 0 ? {} : { AuxiliaryAddresses: pool.auxiliary }),
  };
}

function endpointObject(endpoint: network.Endpoint): JsonObject {
  return { Name: endpoint.name, EndpointID: endpoint.id, MacAddress: endpoint.mac, IPv4Address: endpoint.ipv4, IPv6Address: endpoint.ipv6 };
}

/** A network without its containers, as the list has it. */
export function networkSummary(info: network.Info): JsonObject {
  return {
    Name: info.name,
    Id: info.id,
    Created: rfc3339(info.createdAt),
    Scope: info.scope,
    Driver: info.driver,
    EnableIPv4: info.ipv4,
    EnableIPv6: info.ipv6,
    IPAM: {
      Driver: info.ipamDriver,
      Options: Object.keys(info.ipamOptions).length > 0 ? info.ipamOptions : null,
      Config: info.pools.map(poolObject),
    },
    Internal: info.internal,
    Attachable: info.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Options: info.options,
    Labels: info.labels,
  };
}

export function networkInspect(info: network.Info): JsonObject {
  return {
    ...networkSummary(info),
    Containers: Object.fromEntries(info.endpoints.map((endpoint) => [endpoint.container || `ep-${endpoint.id}`, endpointObject(endpoint)])),
  };
}

function poolRequest(pool: Fields): network.PoolInput {
  return {
    subnet: pool.string('Subnet'),
    range: pool.string('IPRange'),
    gateway: pool.string('Gateway'),
    auxiliary: pool.stringMap('AuxiliaryAddresses'),
  };
}

/** The body of POST /networks/create. */
export function networkRequest(body: Fields): network.CreateRequestInput {
  const name = body.string('Name');
  const ipam = body.object('IPAM');
  if (name.trim() === '') throw badRequest('invalid network name: name is empty');
  for (const option of ['Ingress', 'ConfigOnly']) {
    if (body.boolean(option)) throw unsupported(`network option ${option} is not supported: it belongs to a swarm`);
  }
  if (body.object('ConfigFrom').string('Network') !== '')
    throw unsupported('network option ConfigFrom is not supported: it belongs to a swarm');
  const scope = body.string('Scope');
  if (scope !== '' && scope !== 'local') throw unsupported(`networks of scope "${scope}" are not supported`);
  return {
    name,
    driver: body.string('Driver') || 'bridge',
    internal: body.boolean('Internal'),
    attachable: body.boolean('Attachable'),
    ipv4: body.optionalBoolean('EnableIPv4') ?? true,
    ipv6: body.boolean('EnableIPv6'),
    ipamDriver: ipam.string('Driver') || 'default',
    ipamOptions: ipam.stringMap('Options'),
    pools: ipam.objects('Config').map(poolRequest),
    options: body.stringMap('Options'),
    labels: body.stringMap('Labels'),
  };
}
