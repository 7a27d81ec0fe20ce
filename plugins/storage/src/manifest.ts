import type { JsonSchema, Manifest } from '@cleat/schemas';

const TEXTS: JsonSchema = { type: 'object', additionalProperties: { type: 'string' } };

/** What a claim of the kind `volume` may say: one volume at one place. */
const CLAIM_OPTIONS: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['target'],
  properties: {
    name: { type: 'string', description: 'Absent: an anonymous volume is made.' },
    target: { type: 'string', minLength: 1, description: 'Absolute path in the container.' },
    readonly: { type: 'boolean' },
    nocopy: { type: 'boolean', description: 'Do not fill an empty volume from the image.' },
    subpath: { type: 'string', description: 'A file or directory in the volume to mount instead of all of it.' },
    driver: { type: 'string', description: 'Used when the volume has to be made; another one than the volume has is refused.' },
    options: { ...TEXTS, description: 'For the driver, when the volume has to be made.' },
    labels: { ...TEXTS, description: 'Of the volume, when it has to be made.' },
    anonymous: { type: 'boolean', description: 'The volume goes with the last container that has it, when that is asked for.' },
    propagation: { enum: ['', 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] },
  },
};

/** What is shown of a volume in a container. */
const STATUS: JsonSchema = {
  type: 'object',
  required: ['name', 'driver', 'mountpoint'],
  properties: {
    name: { type: 'string' },
    driver: { type: 'string' },
    mountpoint: { type: 'string', description: 'Path on the host.' },
    anonymous: { type: 'boolean' },
  },
};

/** What the plugin says of itself; `manifest.json` beside it says the same. */
export const manifest: Manifest = {
  cleat: 1,
  name: 'storage',
  version: '0.1.0',
  description: 'Volumes: directories of this host, and whatever volume drivers of other plugins bring',
  contracts: { provider: ['1.0'], volume: ['1.0'] },
  provides: [{ kind: 'volume', reserve: true, attach: true, options: CLAIM_OPTIONS, status: STATUS }],
  services: ['volume'],
  uses: ['driver:volume'],
  events: { publishes: ['volume.created', 'volume.removed', 'volume.mounted', 'volume.unmounted'] },
  permissions: { contribution: ['mounts'], mountRoots: ['$STATE'] },
  config: { type: 'object', additionalProperties: false, properties: {} },
};
