import type { JsonSchema, Manifest } from '@cleat/schemas';
import { CONFIG_SCHEMA } from './plugin-config.ts';

const PORT: JsonSchema = { type: 'integer', minimum: 1, maximum: 65535 };
const PROTOCOL: JsonSchema = { enum: ['tcp', 'udp', 'sctp'] };
const TEXTS: JsonSchema = { type: 'array', items: { type: 'string' } };

/** What a claim of the kind `network` may say: one endpoint. */
const CLAIM_OPTIONS: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['network'],
  properties: {
    network: { type: 'string', minLength: 1, description: 'Name, id, or the beginning of an id.' },
    aliases: { ...TEXTS, description: 'More names for it on the network.' },
    ipv4: { type: 'string' },
    ipv6: { type: 'string' },
    linkLocal: { ...TEXTS, description: 'Addresses that are added to the interface beside its own.' },
    mac: { type: 'string' },
    publish: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['containerPort'],
        properties: {
          containerPort: PORT,
          protocol: PROTOCOL,
          hostIp: { type: 'string', description: 'Absent: every address of the host.' },
          hostPort: { type: 'integer', minimum: 0, maximum: 65535, description: 'Absent or 0: one that is free.' },
          hostPortEnd: { type: 'integer', minimum: 0, maximum: 65535, description: 'Any free one from hostPort to this.' },
        },
      },
    },
    expose: {
      type: 'array',
      items: { type: 'object', additionalProperties: false, required: ['port'], properties: { port: PORT, protocol: PROTOCOL } },
    },
    publishAll: { type: 'boolean', description: 'Publish every exposed port at one that is free.' },
    links: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['container', 'alias'],
        properties: { container: { type: 'string' }, alias: { type: 'string' } },
      },
    },
    dns: { type: 'object', additionalProperties: false, properties: { servers: TEXTS, search: TEXTS, options: TEXTS } },
    gatewayPriority: { type: 'integer', description: 'The default route leads through the network with the highest.' },
    driverOptions: { type: 'object', additionalProperties: { type: 'string' } },
  },
};

/** What is shown of an endpoint. */
const STATUS: JsonSchema = {
  type: 'object',
  required: ['networkId', 'networkName', 'driver'],
  properties: {
    networkId: { type: 'string' },
    networkName: { type: 'string' },
    driver: { type: 'string' },
    endpointId: { type: 'string' },
    ipv4: { type: 'string' },
    ipv4PrefixLength: { type: 'integer' },
    gateway: { type: 'string' },
    ipv6: { type: 'string' },
    ipv6PrefixLength: { type: 'integer' },
    ipv6Gateway: { type: 'string' },
    mac: { type: 'string' },
    interface: { type: 'string', description: 'Name of the interface in the container.' },
    hostLink: { type: 'string', description: 'Name of its other end on the host.' },
    dnsNames: TEXTS,
    ports: {
      type: 'array',
      items: { type: 'object', properties: { containerPort: PORT, protocol: PROTOCOL, hostIp: { type: 'string' }, hostPort: PORT } },
    },
  },
};

export const manifest: Manifest = {
  cleat: 1,
  name: 'network',
  version: '0.1.0',
  description: 'Networks of one host: bridges with addresses, NAT, published ports and names; the host’s own network.',
  contracts: { provider: ['1.0'], network: ['1.0'] },
  provides: [{ kind: 'network', reserve: true, attach: true, hearsUpdates: true, options: CLAIM_OPTIONS, status: STATUS }],
  services: ['network'],
  uses: ['driver:network'],
  events: { publishes: ['network.created', 'network.removed', 'network.connected', 'network.disconnected'] },
  permissions: { contribution: ['hosts', 'dns'] },
  config: CONFIG_SCHEMA,
};
