import type { Manifest } from '@cleat/schemas';

/** What the plugin says of itself. */
export const manifest: Manifest = {
  cleat: 1,
  name: 'images',
  version: '0.1.0',
  description: 'Images and the root file systems that containers get from them',
  contracts: { provider: ['1.0'], image: ['1.0'] },
  provides: [
    {
      kind: 'root',
      reserve: true,
      attach: true,
      options: {
        type: 'object',
        required: ['image'],
        additionalProperties: false,
        properties: {
          image: { type: 'string', minLength: 1, description: 'Id (sha256:...) or name of the image; pinned at reserve.' },
          reference: { type: 'string', description: 'What the user wrote, for messages.' },
          storage: {
            type: 'object',
            additionalProperties: { type: 'string' },
            description: 'Options of the storage driver; none is supported yet.',
          },
        },
      },
      status: {
        type: 'object',
        required: ['image', 'driver'],
        properties: {
          image: { type: 'string' },
          driver: { type: 'string', enum: ['overlay2', 'vfs'] },
          data: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
    },
  ],
  services: ['image'],
  events: { publishes: ['image.imported', 'image.loaded', 'image.saved', 'image.tagged', 'image.untagged', 'image.deleted'] },
  permissions: { contribution: ['root'], mountRoots: ['$STATE'] },
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      driver: {
        type: 'string',
        enum: ['auto', 'overlay', 'vfs'],
        default: 'auto',
        description: 'How layers are put together. auto: overlay where the state directory allows it.',
      },
      unpacksAtOnce: {
        type: 'integer',
        minimum: 1,
        maximum: 16,
        default: 2,
        description: 'How many layers are unpacked at the same time.',
      },
    },
  },
};
