import { isIP } from 'node:net';
import { CleatError } from '@cleat/schemas';
import { familyOf, macBytes, macText } from '@cleat/sdk/netlink';
import { canonicalAddress } from './subnet.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

export interface PublishedPort {
  readonly containerPort: number;
  readonly protocol: Protocol;
  /** Empty: every address of the host, of both families. */
  readonly hostIp: string;
  /** 0: one that is free. */
  readonly hostPort: number;
  /** With hostPort: any free one from hostPort to this. */
  readonly hostPortEnd: number;
}

export interface ExposedPort {
  readonly port: number;
  readonly protocol: Protocol;
}

/** Another container of the network under a name that only this one knows. */
export interface ContainerLink {
  readonly container: string;
  readonly alias: string;
}

export interface DnsOptions {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** The options of a network claim with every default filled in. */
export interface ClaimOptions {
  readonly network: string;
  readonly aliases: readonly string[];
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  readonly linkLocal: readonly string[];
  readonly mac: string | undefined;
  readonly publish: readonly PublishedPort[];
  readonly expose: readonly ExposedPort[];
  readonly publishAll: boolean;
  readonly links: readonly ContainerLink[];
  readonly dns: DnsOptions;
  readonly gatewayPriority: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads the options of a claim; the JSON schema of the manifest has its shape, here it gets its meaning. */
export function parseClaimOptions(text: string): ClaimOptions {
  const fields = parseObject(text);
  if (Object.keys(record(fields, 'driverOptions')).length > 0) {
    throw new CleatError('unimplemented', 'NETWORK_ENDPOINT_OPTIONS', 'options for the driver of one endpoint are not supported');
  }
  const dns = record(fields, 'dns');
  return {
    network: requiredText(fields, 'network'),
    aliases: texts(fields, 'aliases'),
    ipv4: address(fields, 'ipv4', 4),
    ipv6: address(fields, 'ipv6', 6),
    linkLocal: texts(fields, 'linkLocal').map((entry) => checkedAddress(entry, 'link-local address')),
    mac: mac(fields),
    publish: records(fields, 'publish').map(publishedPort),
    expose: records(fields, 'expose').map((entry) => ({ port: port(entry, 'port'), protocol: protocol(entry) })),
    publishAll: fields['publishAll'] === true,
    links: records(fields, 'links').map((entry) => ({ container: requiredText(entry, 'container'), alias: requiredText(entry, 'alias') })),
    dns: {
      servers: texts(dns, 'servers').map((entry) => checkedAddress(entry, 'DNS server')),
      search: texts(dns, 'search'),
      options: texts(dns, 'options'),
    },
    gatewayPriority: number(fields, 'gatewayPriority') ?? 0,
  };
}

function publishedPort(entry: Fields): PublishedPort {
  const hostIp = text(entry, 'hostIp') ?? '';
  const hostPort = number(entry, 'hostPort') ?? 0;
  const hostPortEnd = number(entry, 'hostPortEnd') ?? hostPort;
  if (hostPort < 0 || hostPort > 65535 || hostPortEnd < hostPort || hostPortEnd > 65535) {
    throw invalid(`invalid host port range ${hostPort}-${hostPortEnd}`);
  }
  return {
    containerPort: port(entry, 'containerPort'),
    protocol: protocol(entry),
    hostIp: hostIp === '' ? '' : checkedAddress(hostIp, 'host address'),
    hostPort,
    hostPortEnd,
  };
}

function parseObject(source: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(source === '' ? '{}' : source);
  } catch (error) {
    throw invalid('the options are not JSON', error);
  }
  if (!isFields(value)) throw invalid('the options are not a JSON object');
  return value;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw invalid(`${name} is not text`);
  return value;
}

function requiredText(fields: Fields, name: string): string {
  const value = text(fields, name);
  if (value === undefined) throw invalid(`${name} is missing`);
  return value;
}

function number(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw invalid(`${name} is not a whole number`);
  return value;
}

function port(fields: Fields, name: string): number {
  const value = number(fields, name);
  if (value === undefined || value < 1 || value > 65535) throw invalid(`invalid port ${String(fields[name])}`);
  return value;
}

function protocol(fields: Fields): Protocol {
  const value = fields['protocol'] ?? 'tcp';
  if (value === 'tcp' || value === 'udp' || value === 'sctp') return value;
  throw invalid(`invalid protocol ${String(value)}`);
}

function texts(fields: Fields, name: string): readonly string[] {
  const value = fields[name] ?? [];
  if (!Array.isArray(value)) throw invalid(`${name} is not a list`);
  return value.map((entry: unknown) => {
    if (typeof entry !== 'string') throw invalid(`${name} holds something that is not text`);
    return entry;
  });
}

function record(fields: Fields, name: string): Fields {
  const value = fields[name] ?? {};
  if (!isFields(value)) throw invalid(`${name} is not an object`);
  return value;
}

function records(fields: Fields, name: string): readonly Fields[] {
  const value = fields[name] ?? [];
  if (!Array.isArray(value)) throw invalid(`${name} is not a list`);
  return value.map((entry: unknown) => {
    if (!isFields(entry)) throw invalid(`${name} holds something that is not an object`);
    return entry;
  });
}

function address(fields: Fields, name: string, family: 4 | 6): string | undefined {
  const value = text(fields, name);
  if (value === undefined) return undefined;
  const checked = checkedAddress(value, 'address');
  if (familyOf(checked) !== family) throw invalid(`${value} is not an IPv${family} address`);
  return checked;
}

function checkedAddress(value: string, what: string): string {
  if (isIP(value) === 0 || value.includes('%')) throw invalid(`invalid ${what} ${value}`);
  return canonicalAddress(value);
}

function mac(fields: Fields): string | undefined {
  const value = text(fields, 'mac');
  if (value === undefined) return undefined;
  const bytes = macBytes(value);
  // Bit 0 of the first byte is a group's address; a link cannot have one.
  if (((bytes[0] ?? 0) & 1) !== 0) throw invalid(`invalid MAC address ${value}`);
  return macText(bytes);
}

function invalid(reason: string, cause?: unknown): CleatError {
  return new CleatError('invalid_argument', 'NETWORK_OPTIONS_INVALID', reason, { cause });
}
