import { badRequest } from '../errors.ts';
import { isObject, type JsonObject, objectAt, stringAt } from '../wire/json.ts';
import type { Adapter } from './adapter.ts';

function withHost(body: JsonObject, change: (host: JsonObject) => JsonObject): JsonObject {
  const host = body['HostConfig'];
  return isObject(host) ? { ...body, HostConfig: change(host) } : body;
}

function without(value: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
}

function withMounts(body: JsonObject, change: (mount: JsonObject) => JsonObject): JsonObject {
  return withHost(body, (host) => {
    const mounts = host['Mounts'];
    return Array.isArray(mounts) ? { ...host, Mounts: mounts.map((mount: unknown) => (isObject(mount) ? change(mount) : mount)) } : host;
  });
}

/** The address of the container was that of its one endpoint. */
function moveMacAddress(body: JsonObject): JsonObject {
  const mac = stringAt(body, 'MacAddress');
  if (mac === '') return body;
  const mode = stringAt(body['HostConfig'], 'NetworkMode') || 'default';
  const networking = objectAt(body, 'NetworkingConfig');
  const endpoints = objectAt(networking, 'EndpointsConfig');
  const own = objectAt(endpoints, mode);
  return {
    ...without(body, 'MacAddress'),
    NetworkingConfig: { ...networking, EndpointsConfig: { ...endpoints, [mode]: { MacAddress: mac, ...own } } },
  };
}

function refuseManyEndpoints(body: JsonObject): JsonObject {
  const names = Object.keys(objectAt(objectAt(body, 'NetworkingConfig'), 'EndpointsConfig'));
  if (names.length > 1) throw badRequest(`Container cannot be connected to network endpoints: ${names.join(', ')}`);
  return body;
}

function refuseSubpath(mount: JsonObject): JsonObject {
  if (stringAt(mount['VolumeOptions'], 'Subpath') !== '') throw badRequest('VolumeOptions.Subpath needs API v1.45 or later');
  return mount;
}

function withoutStartInterval(body: JsonObject): JsonObject {
  const check = body['Healthcheck'];
  return isObject(check) ? { ...body, Healthcheck: without(check, 'StartInterval') } : body;
}

/** Mounts below a read-only one stayed writable. */
function nonRecursive(mount: JsonObject): JsonObject {
  if (mount['Type'] !== 'bind' || mount['ReadOnly'] !== true) return mount;
  return { ...mount, BindOptions: { ...without(objectAt(mount, 'BindOptions'), 'ReadOnlyForceRecursive'), ReadOnlyNonRecursive: true } };
}

/** Newest first; a request meets them the other way round. */
export const REQUESTS: readonly Adapter[] = [
  { since: '1.54', shape: 'network.connect', what: 'MacAddress was ignored', adapt: (body) => withEndpoint(body, 'MacAddress') },
  { since: '1.53', shape: 'disk-usage', what: 'lists are always there', adapt: (query) => ({ ...query, verbose: true }) },
  { since: '1.52', shape: 'container.create', what: 'MacAddress of the container', adapt: moveMacAddress },
  { since: '1.48', shape: 'network.create', what: 'no EnableIPv4', adapt: (body) => without(body, 'EnableIPv4') },
  { since: '1.45', shape: 'container.create', what: 'no subpath of a volume', adapt: (body) => withMounts(body, refuseSubpath) },
  { since: '1.44', shape: 'container.create', what: 'one endpoint', adapt: refuseManyEndpoints },
  { since: '1.44', shape: 'container.create', what: 'no start interval of a check', adapt: withoutStartInterval },
  { since: '1.44', shape: 'container.create', what: 'read-only binds are not recursive', adapt: (body) => withMounts(body, nonRecursive) },
  {
    since: '1.43',
    shape: 'container.create',
    what: 'no annotations',
    adapt: (body) => withHost(body, (host) => without(host, 'Annotations')),
  },
  { since: '1.42', shape: 'volume.prune', what: 'all unused volumes, named ones too', adapt: (filters) => ({ all: ['true'], ...filters }) },
  {
    since: '1.42',
    shape: 'container.create',
    what: 'no console size; kernel memory was given up and is ignored',
    adapt: (body) => withHost(body, (host) => without(without(without(host, 'ConsoleSize'), 'KernelMemory'), 'KernelMemoryTCP')),
  },
  {
    since: '1.42',
    shape: 'container.wait',
    what: 'an unknown condition is the default',
    adapt: (query) =>
      ['', 'not-running', 'next-exit', 'removed'].includes(stringAt(query, 'condition')) ? query : { ...query, condition: '' },
  },
  {
    since: '1.41',
    shape: 'container.create',
    what: 'no cgroup namespace',
    adapt: (body) => withHost(body, (host) => without(host, 'CgroupnsMode')),
  },
  {
    since: '1.40',
    shape: 'container.create',
    what: 'the IPC namespace can be joined',
    adapt: (body) => withHost(body, (host) => (stringAt(host, 'IpcMode') === '' ? { ...host, IpcMode: 'shareable' } : host)),
  },
];

function withEndpoint(body: JsonObject, name: string): JsonObject {
  const endpoint = body['EndpointConfig'];
  return isObject(endpoint) ? { ...body, EndpointConfig: without(endpoint, name) } : body;
}
