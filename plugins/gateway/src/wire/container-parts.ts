import type { container, containerTypes } from '@cleat/schemas';
import type { BoundPort, ExposedPort } from '@cleat/sdk/container';
import { isObject, type JsonObject, numberAt, parseObject, stringAt, stringsAt } from './json.ts';
import { remembered } from './remembered.ts';

/** Docker knows fewer states: what is on its way to one is shown as what it still is. */
export function dockerState(status: containerTypes.Status): string {
  switch (status) {
    case 'starting':
      return 'created';
    case 'pausing':
    case 'stopping':
      return 'running';
    case 'UNKNOWN':
      return 'dead';
    case 'created':
    case 'running':
    case 'paused':
    case 'restarting':
    case 'exited':
    case 'removing':
    case 'dead':
      return status;
  }
}

export function claimsOf(info: container.Info, kind: string): readonly container.ClaimState[] {
  return info.claims.filter((state) => state.claim.kind === kind);
}

/** A network claim as both sides know it. */
export interface Endpoint {
  readonly claim: string;
  readonly name: string;
  readonly options: JsonObject;
  /** Empty while the container does not run. */
  readonly status: JsonObject;
  readonly networkId: string;
  readonly isAttached: boolean;
}

export function endpointsOf(info: container.Info): readonly Endpoint[] {
  return claimsOf(info, 'network').map((state) => {
    const options = parseObject(state.claim.options);
    const status = parseObject(state.status);
    const isAttached = state.phase === 'attached';
    return {
      claim: state.claim.name,
      name: stringAt(status, 'networkName') || stringAt(options, 'network'),
      options,
      status: isAttached ? status : {},
      networkId: stringAt(status, 'networkId'),
      isAttached,
    };
  });
}

function portsAt(value: JsonObject, name: string): readonly JsonObject[] {
  const list = value[name];
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function protocolOf(value: JsonObject): 'tcp' | 'udp' | 'sctp' {
  const protocol = stringAt(value, 'protocol');
  return protocol === 'udp' || protocol === 'sctp' ? protocol : 'tcp';
}

export function boundPorts(endpoints: readonly Endpoint[]): readonly BoundPort[] {
  return endpoints.flatMap((endpoint) =>
    portsAt(endpoint.status, 'ports').map((port) => ({
      containerPort: numberAt(port, 'containerPort'),
      protocol: protocolOf(port),
      hostIp: stringAt(port, 'hostIp'),
      hostPort: numberAt(port, 'hostPort'),
    })),
  );
}

/** Ports of the claims: exposed ones, and those that are to be published. */
export function exposedPortsOf(endpoints: readonly Endpoint[]): readonly ExposedPort[] {
  const ports = new Map<string, ExposedPort>();
  for (const endpoint of endpoints) {
    for (const port of portsAt(endpoint.options, 'expose')) {
      ports.set(`${numberAt(port, 'port')}/${protocolOf(port)}`, { port: numberAt(port, 'port'), protocol: protocolOf(port) });
    }
    for (const port of portsAt(endpoint.options, 'publish')) {
      const number = numberAt(port, 'containerPort');
      ports.set(`${number}/${protocolOf(port)}`, { port: number, protocol: protocolOf(port) });
    }
  }
  return [...ports.values()];
}

/** As asked for; for a container of another client, as it is. */
export function networkModeOf(info: container.Info): string {
  const asked = stringAt(remembered(info.client).host, 'NetworkMode');
  if (asked !== '') return asked === 'default' ? 'bridge' : asked;
  const namespace = info.spec.namespaces.network;
  if (namespace !== 'private') return namespace;
  return endpointsOf(info)[0]?.name ?? (info.client === '' ? 'none' : 'bridge');
}

export interface MountPoint {
  readonly Type: string;
  readonly Name?: string;
  readonly Source: string;
  readonly Destination: string;
  readonly Driver?: string;
  readonly Mode: string;
  readonly RW: boolean;
  readonly Propagation: string;
}

function bindPoint(mount: containerTypes.Mount): MountPoint {
  const isReadonly = mount.options.includes('ro') || mount.options.includes('rro');
  return {
    Type: 'bind',
    Source: mount.source,
    Destination: mount.target,
    Mode: isReadonly ? 'ro' : '',
    RW: !isReadonly,
    Propagation: mount.options.find((option) => /^r?(private|shared|slave)$/.test(option)) ?? 'rprivate',
  };
}

function volumePoint(state: container.ClaimState): MountPoint {
  const options = parseObject(state.claim.options);
  const status = parseObject(state.status);
  const isReadonly = options['readonly'] === true;
  return {
    Type: 'volume',
    Name: stringAt(status, 'name') || stringAt(options, 'name'),
    Source: stringAt(status, 'mountpoint'),
    Destination: stringAt(options, 'target'),
    Driver: stringAt(status, 'driver') || stringAt(options, 'driver') || 'local',
    Mode: isReadonly ? 'ro' : '',
    RW: !isReadonly,
    Propagation: stringAt(options, 'propagation'),
  };
}

/** Binds, volumes, and the tmpfs mounts of the newer form; `--tmpfs` is not among them, as in Docker. */
export function mountPointsOf(info: container.Info): readonly MountPoint[] {
  const asked = remembered(info.client).host;
  const list = asked['Mounts'];
  const wanted = new Set(
    Array.isArray(list) ? list.filter((mount) => stringAt(mount, 'Type') === 'tmpfs').map((mount) => stringAt(mount, 'Target')) : [],
  );
  const tmpfs = info.spec.mounts
    .filter((mount) => mount.type === 'tmpfs' && wanted.has(mount.target))
    .map(
      (mount): MountPoint => ({
        Type: 'tmpfs',
        Source: '',
        Destination: mount.target,
        Mode: '',
        RW: !mount.options.includes('ro'),
        Propagation: '',
      }),
    );
  return [
    ...info.spec.mounts.filter((mount) => mount.type === 'bind').map(bindPoint),
    ...claimsOf(info, 'volume').map(volumePoint),
    ...tmpfs,
  ];
}

function stringsOrNull(value: JsonObject, name: string): readonly string[] | null {
  const list = stringsAt(value, name);
  return list.length > 0 ? list : null;
}

/** EndpointSettings of inspect and of the list. */
export function endpointSettings(endpoint: Endpoint, asked: JsonObject): JsonObject {
  const { options, status } = endpoint;
  const ipam = asked['IPAMConfig'];
  const links = options['links'];
  return {
    IPAMConfig: isObject(ipam) ? ipam : null,
    Links:
      Array.isArray(links) && links.length > 0 ? links.map((link) => `${stringAt(link, 'container')}:${stringAt(link, 'alias')}`) : null,
    Aliases: stringsOrNull(options, 'aliases'),
    MacAddress: stringAt(status, 'mac'),
    DriverOpts: isObject(options['driverOptions']) ? options['driverOptions'] : null,
    GwPriority: numberAt(options, 'gatewayPriority'),
    NetworkID: endpoint.networkId,
    EndpointID: stringAt(status, 'endpointId'),
    Gateway: stringAt(status, 'gateway'),
    IPAddress: stringAt(status, 'ipv4'),
    IPPrefixLen: numberAt(status, 'ipv4PrefixLength'),
    IPv6Gateway: stringAt(status, 'ipv6Gateway'),
    GlobalIPv6Address: stringAt(status, 'ipv6'),
    GlobalIPv6PrefixLen: numberAt(status, 'ipv6PrefixLength'),
    DNSNames: stringsOrNull(status, 'dnsNames'),
  };
}

/** Endpoints by network name; a container without a network is on "none". */
export function networksOf(info: container.Info): JsonObject {
  const asked = remembered(info.client).endpoints;
  const endpoints = endpointsOf(info);
  const settings = endpoints.map((endpoint) => {
    const own = asked[endpoint.name];
    return [endpoint.name, endpointSettings(endpoint, isObject(own) ? own : {})] as const;
  });
  if (endpoints.length === 0 && info.spec.namespaces.network === 'private') {
    const none: Endpoint = { claim: '', name: 'none', options: {}, status: {}, networkId: '', isAttached: false };
    return { none: endpointSettings(none, {}) };
  }
  return Object.fromEntries(settings);
}

/** Bound ports by port, exposed ones without a place on the host as null. */
export function portMapOf(endpoints: readonly Endpoint[]): JsonObject {
  if (!endpoints.some((endpoint) => endpoint.isAttached)) return {};
  const map: Record<string, { HostIp: string; HostPort: string }[] | null> = {};
  for (const port of exposedPortsOf(endpoints)) map[`${port.port}/${port.protocol}`] = null;
  for (const port of boundPorts(endpoints)) {
    const key = `${port.containerPort}/${port.protocol}`;
    (map[key] ??= []).push({ HostIp: port.hostIp, HostPort: String(port.hostPort) });
  }
  return map;
}
