import type { Manifest } from '@cleat/schemas';

/** What the plugin says of itself. */
export const manifest: Manifest = {
  cleat: 1,
  name: 'gateway',
  version: '0.1.0',
  description: 'The Docker Engine HTTP API',
  contracts: {
    claim: ['1.0'],
    container: ['1.0'],
    event: ['1.0'],
    exec: ['1.0'],
    image: ['1.0'],
    log: ['1.0'],
    network: ['1.0'],
    node: ['1.0'],
    plugin: ['1.0'],
    view: ['1.0'],
    volume: ['1.0'],
  },
  uses: [
    'claim.*',
    'container.*',
    'event.list',
    'exec.*',
    'image.*',
    'log.*',
    'network.*',
    'node.info',
    'plugin.list',
    'view.*',
    'volume.*',
  ],
  events: { consumes: ['*'] },
  permissions: { speakFor: true },
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      listen: {
        type: 'array',
        description: 'Where clients connect.',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['kind'],
          properties: {
            kind: { type: 'string', enum: ['unix', 'tcp'] },
            fd: { type: 'integer', minimum: 3, description: 'An inherited listening socket.' },
            path: { type: 'string', description: 'Of a unix socket that the gateway makes itself.' },
            host: { type: 'string', description: 'Address to listen at by TCP. There is no authentication: whoever reaches it is root.' },
            port: { type: 'integer', minimum: 0, maximum: 65535 },
          },
        },
      },
    },
  },
};
