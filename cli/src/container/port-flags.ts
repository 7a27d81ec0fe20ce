import { isIP } from 'node:net';
import { type ExposedPort, type PublishedPort, parseExposedPorts } from '@cleat/sdk/container';
import { usageError } from '../command/usage-error.ts';

const PORTS = /^(\d{1,5})(?:-(\d{1,5}))?$/;

interface PortRange {
  readonly first: number;
  readonly last: number;
}

/**
 * "-p [[IP:]PORT:]PORT[/PROTOCOL]". Ranges of one length on both sides are paired; one port of the container with a range of the host
 * gets any of them that is free.
 */
export function parsePublish(flag: string): readonly PublishedPort[] {
  const { hostIp, hostPorts, containerPorts } = split(flag);
  const ports = parseExposedPorts(containerPorts);
  const base = hostIp === '' ? {} : { hostIp };
  if (hostPorts === '') return ports.map(({ port, protocol }) => ({ containerPort: port, protocol, ...base }));
  const { first, last } = rangeOf(hostPorts, flag);
  const [only, second] = ports;
  if (only !== undefined && second === undefined && last > first) {
    return [{ containerPort: only.port, protocol: only.protocol, ...base, hostPort: first, hostPortEnd: last }];
  }
  if (last - first + 1 !== ports.length) throw usageError(`-p ${flag}: the ranges are not equally long`);
  return ports.map(({ port, protocol }, index) => ({ containerPort: port, protocol, ...base, hostPort: first + index }));
}

function split(flag: string): { readonly hostIp: string; readonly hostPorts: string; readonly containerPorts: string } {
  const at = flag.lastIndexOf(':');
  const containerPorts = flag.slice(at + 1);
  const host = at < 0 ? '' : flag.slice(0, at);
  const colon = host.lastIndexOf(':');
  const hostIp = colon < 0 ? '' : host.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  if (hostIp !== '' && isIP(hostIp) === 0) throw usageError(`-p ${flag}: "${hostIp}" is no IP address`);
  return { hostIp, hostPorts: host.slice(colon + 1), containerPorts };
}

function rangeOf(text: string, flag: string): PortRange {
  const match = PORTS.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first === 0 || last < first || last > 65_535) throw usageError(`-p ${flag}: "${text}" is no port of the host`);
  return { first, last };
}

/** "--expose". */
export function parseExpose(flag: string): readonly ExposedPort[] {
  return parseExposedPorts(flag);
}
