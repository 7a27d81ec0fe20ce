import type { PoolDefinition } from './address-pool.ts';
import type { ClaimOptions, Protocol } from './claim-options.ts';

/** `plugin`: a driver that another plugin is, under a name of its own. */
export type DriverName = 'bridge' | 'host' | 'null' | 'plugin';

/** A network as it is kept. */
export interface NetworkDefinition {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly driver: DriverName;
  /** Name of the driver that another plugin is. */
  readonly plugin?: string;
  /** Nanoseconds since 1970, in decimal. */
  readonly createdAt: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly ipamOptions: Readonly<Record<string, string>>;
  readonly pools: readonly PoolDefinition[];
  /** The IPv4 subnet was picked, not named: it may be picked anew as long as the bridge is not there. */
  readonly isPoolPicked: boolean;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** One of the networks that are always there. */
  readonly isPredefined: boolean;
  /** Name of the host's bridge; empty for other drivers. */
  readonly bridge: string;
}

export interface BoundPort {
  readonly containerPort: number;
  readonly protocol: Protocol;
  readonly hostIp: string;
  readonly hostPort: number;
}

/** An address and the length of its subnet's prefix. */
export interface AssignedAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly gateway: string;
}

/** What an endpoint has while it is attached. */
export interface Attachment {
  /** 64 hexadecimal digits, new with every attach. */
  readonly endpointId: string;
  readonly number: number;
  readonly bootId: string;
  /** Path of the container's network namespace. */
  readonly namespace: string;
  readonly hostLink: string;
  readonly interfaceName: string;
  readonly ipv4: AssignedAddress | undefined;
  readonly ipv6: AssignedAddress | undefined;
  readonly mac: string;
  readonly ports: readonly BoundPort[];
  /** Lines for /etc/hosts, of a driver that gives its own. */
  readonly hosts?: readonly string[];
  /** False until everything of it is in place: what a crash leaves behind is taken down. */
  readonly isComplete: boolean;
}

/** A claim of a container on a network. */
export interface Endpoint {
  /** `<container>/<claim>`. */
  readonly key: string;
  readonly container: string;
  readonly claim: string;
  readonly containerName: string;
  readonly hostname: string;
  readonly networkId: string;
  readonly options: ClaimOptions;
  readonly attachment: Attachment | undefined;
}

export function endpointKey(container: string, claim: string): string {
  return `${container}/${claim}`;
}

/** Names by which other containers of a user-defined network find this one. */
export function dnsNames(endpoint: Endpoint): readonly string[] {
  const names = [endpoint.containerName, ...endpoint.options.aliases, endpoint.container.slice(0, 12), endpoint.hostname];
  return [...new Set(names.filter((name) => name !== ''))];
}

/** The driver as clients name it. */
export function driverOf(network: NetworkDefinition): string {
  return network.plugin ?? network.driver;
}

/** True for networks whose containers find each other by the embedded name server. */
export function hasNameServer(network: NetworkDefinition): boolean {
  return network.driver === 'bridge' && !network.isPredefined;
}
