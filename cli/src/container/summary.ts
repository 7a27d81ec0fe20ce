import type { container } from '@cleat/schemas';
import type { BoundPort } from '@cleat/sdk/container';
import { isRecord, numberAt, parseObject, textAt } from '../output/json.ts';
import { span } from '../output/time.ts';

/** What "cleat ps" tells of a container. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  /** Reference or directory that it was made from. */
  readonly image: string;
  readonly command: readonly string[];
  readonly status: container.Info['state']['status'];
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly pid: number;
  readonly restartCount: number;
  readonly createdAt: bigint;
  readonly startedAt: bigint;
  readonly finishedAt: bigint;
  readonly ports: readonly BoundPort[];
  readonly networks: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export function summaryOf(info: container.Info): ContainerSummary {
  const { state, spec } = info;
  const endpoints = info.claims.filter(({ claim }) => claim.kind === 'network').map(({ status }) => parseObject(status));
  return {
    ...{ id: info.id, name: info.name, image: imageOf(info), command: spec.process.args },
    ...{ status: state.status, exitCode: state.exitCode, oomKilled: state.oomKilled, pid: state.pid, restartCount: state.restartCount },
    ...{ createdAt: info.createdAt, startedAt: state.startedAt, finishedAt: state.finishedAt },
    ports: hasProcess(info) ? endpoints.flatMap(boundPorts) : [],
    networks: endpoints.map((endpoint) => textAt(endpoint, 'networkName')).filter((name) => name !== ''),
    labels: spec.labels,
  };
}

/** States in which there is a process, or is about to be one again. */
export function hasProcess(info: Pick<container.Info, 'state'>): boolean {
  return !['created', 'exited', 'dead', 'removing', 'UNKNOWN'].includes(info.state.status);
}

function imageOf(info: container.Info): string {
  const root = info.claims.find(({ claim }) => claim.kind === 'root');
  return (
    info.attributes['image'] ?? (root === undefined ? info.spec.rootfs : textAt(parseObject(root.claim.options), 'image').slice(0, 19))
  );
}

function boundPorts(endpoint: Readonly<Record<string, unknown>>): readonly BoundPort[] {
  const ports = endpoint['ports'];
  if (!Array.isArray(ports)) return [];
  return ports.filter(isRecord).map((port) => {
    const protocol = textAt(port, 'protocol');
    return {
      containerPort: numberAt(port, 'containerPort'),
      protocol: protocol === 'udp' || protocol === 'sctp' ? protocol : 'tcp',
      hostIp: textAt(port, 'hostIp'),
      hostPort: numberAt(port, 'hostPort'),
    };
  });
}

/** "127.0.0.1:8080->80/tcp, ..." */
export function portText(ports: readonly BoundPort[]): string {
  return ports
    .map(
      ({ hostIp, hostPort, containerPort, protocol }) =>
        `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:${hostPort}->${containerPort}/${protocol}`,
    )
    .join(', ');
}

/** "running 5 minutes", "exited (1) 2 hours ago". */
export function statusText(summary: ContainerSummary, now: bigint): string {
  const { status, exitCode, startedAt, finishedAt } = summary;
  switch (status) {
    case 'running':
    case 'pausing':
    case 'paused':
    case 'stopping':
      return `${status} ${span(now - startedAt)}`;
    case 'exited':
    case 'restarting':
      return finishedAt === 0n ? status : `${status} (${exitCode}) ${span(now - finishedAt)} ago`;
    case 'created':
    case 'starting':
    case 'removing':
    case 'dead':
    case 'UNKNOWN':
      return status;
  }
}
