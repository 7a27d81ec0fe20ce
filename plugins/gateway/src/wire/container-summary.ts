import type { container } from '@cleat/schemas';
import { imageIdOf, imageNameOf } from './container-inspect.ts';
import {
  boundPorts,
  claimsOf,
  dockerState,
  endpointsOf,
  exposedPortsOf,
  mountPointsOf,
  networkModeOf,
  networksOf,
} from './container-parts.ts';
import { type JsonObject, parseObject, stringAt } from './json.ts';
import { humanDuration, unixSeconds } from './time.ts';

/** One line of the list: its JSON, and what filters and the running time need beside it. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly createdAt: bigint;
  readonly state: string;
  readonly exitCode: number;
  readonly startedAt: bigint;
  readonly finishedAt: bigint;
  readonly health: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly imageId: string;
  /** "80/tcp" */
  readonly exposed: readonly string[];
  readonly published: readonly string[];
  /** Names and places of mounts. */
  readonly volumes: readonly string[];
  /** Names and ids. */
  readonly networks: readonly string[];
  /** Directory of the writable layer, when the image driver tells. */
  readonly upperDir: string;
  /** Everything but Status, whose text changes with time. */
  readonly json: JsonObject;
}

function commandText([path = '', ...args]: readonly string[]): string {
  if (args.length === 0) return path;
  return `${path} ${args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg)).join(' ')}`;
}

interface PortSummary {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: string;
}

function portsOf(info: container.Info): readonly PortSummary[] {
  const endpoints = endpointsOf(info);
  if (!endpoints.some((endpoint) => endpoint.isAttached)) return [];
  const bound = boundPorts(endpoints);
  const taken = new Set(bound.map((port) => `${port.containerPort}/${port.protocol}`));
  return [
    ...exposedPortsOf(endpoints)
      .filter((port) => !taken.has(`${port.port}/${port.protocol}`))
      .map((port) => ({ PrivatePort: port.port, Type: port.protocol })),
    ...bound.map((port) => ({ IP: port.hostIp, PrivatePort: port.containerPort, PublicPort: port.hostPort, Type: port.protocol })),
  ];
}

export function containerSummary(info: container.Info): ContainerSummary {
  const networks = networksOf(info);
  const mounts = mountPointsOf(info);
  const endpoints = endpointsOf(info);
  const health = stringAt(parseObject(claimsOf(info, 'health')[0]?.status ?? ''), 'Status');
  const mode = networkModeOf(info);
  const annotations = info.spec.annotations;
  const root = parseObject(claimsOf(info, 'root')[0]?.status ?? '');
  return {
    id: info.id,
    name: info.name,
    createdAt: info.createdAt,
    state: dockerState(info.state.status),
    exitCode: info.state.exitCode,
    startedAt: info.state.startedAt,
    finishedAt: info.state.finishedAt,
    health,
    labels: info.spec.labels,
    image: imageNameOf(info),
    imageId: imageIdOf(info),
    exposed: exposedPortsOf(endpoints).map((port) => `${port.port}/${port.protocol}`),
    published: boundPorts(endpoints).map((port) => `${port.containerPort}/${port.protocol}`),
    volumes: mounts.flatMap((mount) => [mount.Name ?? '', mount.Source, mount.Destination]).filter((name) => name !== ''),
    networks: [...Object.keys(networks), ...endpoints.map((endpoint) => endpoint.networkId)],
    upperDir: stringAt(root['data'], 'UpperDir'),
    json: {
      Id: info.id,
      Names: [`/${info.name}`],
      Image: imageNameOf(info),
      ImageID: imageIdOf(info),
      Command: commandText(info.spec.process.args),
      Created: unixSeconds(info.createdAt),
      Ports: portsOf(info),
      Labels: info.spec.labels,
      State: dockerState(info.state.status),
      HostConfig: { NetworkMode: mode, ...(Object.keys(annotations).length > 0 ? { Annotations: annotations } : {}) },
      NetworkSettings: { Networks: networks },
      Mounts: mounts,
    },
  };
}

/** "Up 5 minutes (Paused)": Docker's words for a state at a time. */
export function statusText(summary: ContainerSummary, now: bigint): string {
  const since = (time: bigint): string => humanDuration(Number(now - time) / 1e9);
  switch (summary.state) {
    case 'running':
      return `Up ${since(summary.startedAt)}${healthText(summary.health)}`;
    case 'paused':
      return `Up ${since(summary.startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${summary.exitCode}) ${since(summary.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'created':
      return 'Created';
    default:
      return summary.finishedAt === 0n ? '' : `Exited (${summary.exitCode}) ${since(summary.finishedAt)} ago`;
  }
}

function healthText(health: string): string {
  if (health === '' || health === 'none') return '';
  return health === 'starting' ? ' (health: starting)' : ` (${health})`;
}
