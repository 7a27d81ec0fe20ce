import { isObject, type JsonObject, numberAt, objectAt, stringAt, stringsAt } from '../wire/json.ts';
import type { Adapter } from './adapter.ts';

function without(value: JsonObject, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

function withMember(value: JsonObject, name: string, change: (member: JsonObject) => JsonObject): JsonObject {
  const member = value[name];
  return isObject(member) ? { ...value, [name]: change(member) } : value;
}

/** The same change for every member of an object. */
function forEachMember(value: JsonObject, change: (member: JsonObject) => JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, isObject(member) ? change(member) : member]));
}

/** The address on the default bridge once stood beside the networks as well. */
function bridgeSettings(settings: JsonObject): JsonObject {
  const bridge = objectAt(settings['Networks'], 'bridge');
  return {
    ...settings,
    Bridge: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: stringAt(bridge, 'EndpointID'),
    Gateway: stringAt(bridge, 'Gateway'),
    GlobalIPv6Address: stringAt(bridge, 'GlobalIPv6Address'),
    GlobalIPv6PrefixLen: numberAt(bridge, 'GlobalIPv6PrefixLen'),
    IPAddress: stringAt(bridge, 'IPAddress'),
    IPPrefixLen: numberAt(bridge, 'IPPrefixLen'),
    IPv6Gateway: stringAt(bridge, 'IPv6Gateway'),
    MacAddress: stringAt(bridge, 'MacAddress'),
  };
}

/** What an image's Config held when it was written as a container's. */
const CONTAINER_ONLY: JsonObject = {
  Hostname: '',
  Domainname: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: '',
};
const IMAGE_CONFIG: JsonObject = {
  User: '',
  Env: [],
  Cmd: null,
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

/** The text that tells of an event, as the first versions had it: "exec_start: sh". */
function legacyEvent(event: JsonObject): JsonObject {
  const action = stringAt(event, 'Action');
  const actor = objectAt(event, 'Actor');
  const type = stringAt(event, 'Type');
  if (type !== 'container' && type !== 'image') return { status: action, ...event };
  const from = stringAt(objectAt(actor, 'Attributes'), 'image');
  return { status: action, id: stringAt(actor, 'ID'), ...(from === '' ? {} : { from }), ...event };
}

function items(value: JsonObject, name: string): readonly unknown[] {
  const list = objectAt(value, name)['Items'];
  return Array.isArray(list) ? list : [];
}

function legacyDiskUsage(value: JsonObject): JsonObject {
  return {
    ...value,
    LayersSize: numberAt(objectAt(value, 'ImageUsage'), 'TotalSize'),
    Images: items(value, 'ImageUsage'),
    Containers: items(value, 'ContainerUsage'),
    Volumes: items(value, 'VolumeUsage'),
    BuildCache: items(value, 'BuildCacheUsage'),
  };
}

/** Aliases were those of the user and the short id. */
function withShortId(settings: JsonObject, id: string): JsonObject {
  return withMember(settings, 'Networks', (networks) =>
    forEachMember(networks, (endpoint) => {
      const aliases = stringsAt(endpoint, 'Aliases');
      const isUserDefined = stringsAt(endpoint, 'DNSNames').length > 0;
      const all = isUserDefined ? [...new Set([...aliases, id.slice(0, 12)])] : aliases;
      return { ...without(endpoint, 'DNSNames'), Aliases: all.length > 0 ? all : null };
    }),
  );
}

/** Newest first. */
export const RESPONSES: readonly Adapter[] = [
  { since: '1.53', shape: 'disk-usage', what: 'lists beside the sums', adapt: legacyDiskUsage },
  {
    since: '1.52',
    shape: 'disk-usage',
    what: 'lists only',
    adapt: (value) => without(value, 'ImageUsage', 'ContainerUsage', 'VolumeUsage', 'BuildCacheUsage'),
  },
  {
    since: '1.52',
    shape: 'container.inspect',
    what: 'addresses on the default bridge beside the networks',
    adapt: (value) => withMember(value, 'NetworkSettings', bridgeSettings),
  },
  { since: '1.52', shape: 'event', what: 'status, id and from', adapt: legacyEvent },
  { since: '1.52', shape: 'stats', what: 'no os_type', adapt: (value) => without(value, 'os_type') },
  {
    since: '1.52',
    shape: 'image.inspect',
    what: 'empty members are there',
    adapt: (value) =>
      withMember({ Parent: '', Comment: '', DockerVersion: '', Author: '', ...value }, 'Config', (config) => ({
        ...IMAGE_CONFIG,
        ...config,
      })),
  },
  { since: '1.51', shape: 'image.summary', what: 'containers are not counted', adapt: (value) => ({ ...value, Containers: -1 }) },
  {
    since: '1.50',
    shape: 'image.inspect',
    what: 'members of a container in Config',
    adapt: (value) => withMember(value, 'Config', (config) => ({ ...CONTAINER_ONLY, ...config })),
  },
  {
    since: '1.50',
    shape: 'info',
    what: 'bridge netfilter switches, no discovered devices',
    adapt: (value) => ({ ...without(value, 'DiscoveredDevices'), BridgeNfIptables: false, BridgeNfIp6tables: false }),
  },
  { since: '1.49', shape: 'info', what: 'no firewall backend', adapt: (value) => without(value, 'FirewallBackend') },
  {
    since: '1.46',
    shape: 'container.summary',
    what: 'no annotations',
    adapt: (value) => withMember(value, 'HostConfig', (host) => without(host, 'Annotations')),
  },
  {
    since: '1.45',
    shape: 'container.inspect',
    what: 'the short id among the aliases',
    adapt: (value) => withMember(value, 'NetworkSettings', (settings) => withShortId(settings, stringAt(value, 'Id'))),
  },
  {
    since: '1.45',
    shape: 'image.inspect',
    what: 'the container that it was committed from',
    // docker-compose 1 reads ContainerConfig of every image.
    adapt: (value) => ({ ...value, Container: '', ContainerConfig: { ...IMAGE_CONFIG, ...objectAt(value, 'Config') } }),
  },
  { since: '1.44', shape: 'image.inspect', what: 'VirtualSize', adapt: (value) => ({ ...value, VirtualSize: numberAt(value, 'Size') }) },
  { since: '1.44', shape: 'image.summary', what: 'VirtualSize', adapt: (value) => ({ ...value, VirtualSize: numberAt(value, 'Size') }) },
  {
    since: '1.44',
    shape: 'info',
    what: 'no CDI directories, runtimes without status',
    adapt: (value) =>
      withMember(without(value, 'CDISpecDirs'), 'Runtimes', (runtimes) => forEachMember(runtimes, (runtime) => without(runtime, 'status'))),
  },
  {
    since: '1.43',
    shape: 'image.summary',
    what: 'an untagged image is named <none>',
    adapt: (value) => {
      const hasTags = stringsAt(value, 'RepoTags').length > 0;
      const hasDigests = stringsAt(value, 'RepoDigests').length > 0;
      return {
        ...value,
        ...(hasTags || hasDigests ? {} : { RepoTags: ['<none>:<none>'] }),
        ...(hasTags || hasDigests ? {} : { RepoDigests: ['<none>@<none>'] }),
      };
    },
  },
  {
    since: '1.42',
    shape: 'stream',
    what: 'one media type for every stream',
    adapt: (value) => ({ ...value, type: 'application/vnd.docker.raw-stream' }),
  },
  { since: '1.41', shape: 'info', what: 'no address pools', adapt: (value) => without(value, 'DefaultAddressPools') },
];
