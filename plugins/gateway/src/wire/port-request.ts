import { isIP } from 'node:net';
import type { ExposedPort, PublishedPort } from '@cleat/sdk/container';
import { parseExposedPorts } from '@cleat/sdk/container';
import { badRequest } from '../errors.ts';
import type { Fields } from './fields.ts';

const HOST_PORT = /^(\d{1,5})(?:-(\d{1,5}))?$/;

function exposedOf(text: string): ExposedPort {
  if (!/^\d/.test(text)) throw badRequest(`invalid port specification: "${text.split('/')[0]}"`);
  const [port, more] = parseExposedPorts(text);
  if (port === undefined || more !== undefined || port.port === 0) throw badRequest(`invalid port specification: "${text}"`);
  return port;
}

function bindingOf(port: ExposedPort, binding: Fields): PublishedPort {
  const hostIp = binding.string('HostIp');
  if (hostIp !== '' && isIP(hostIp) === 0) throw badRequest(`invalid IP address: ${hostIp}`);
  const text = binding.string('HostPort');
  const base = { containerPort: port.port, protocol: port.protocol, ...(hostIp === '' ? {} : { hostIp }) };
  if (text === '' || text === '0') return base;
  const match = HOST_PORT.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first === 0 || last < first || last > 65_535) throw badRequest(`invalid port specification: "${text}"`);
  return { ...base, hostPort: first, ...(last > first ? { hostPortEnd: last } : {}) };
}

/** HostConfig.PortBindings. A port with an empty list gets any free port of the host, as one empty binding does. */
export function publishedPorts(host: Fields): readonly PublishedPort[] {
  const published: PublishedPort[] = [];
  for (const [text, bindings] of host.objectLists('PortBindings')) {
    const port = exposedOf(text);
    if (bindings.length === 0) published.push({ containerPort: port.port, protocol: port.protocol });
    for (const binding of bindings) published.push(bindingOf(port, binding));
  }
  return published;
}

export function exposedPorts(config: Fields): readonly ExposedPort[] {
  return config.keys('ExposedPorts').map(exposedOf);
}
