import type { JsonSchema, Manifest } from '@cleat/schemas';

const TEXTS: JsonSchema = { type: 'object', additionalProperties: { type: 'string' } };

/** What the plugin says of itself; `manifest.json` beside it says the same. */
export const manifest: Manifest = {
  cleat: 1,
  name: 'logging',
  version: '0.1.0',
  description: 'What becomes of the output of containers, and reading it again',
  contracts: { provider: ['1.0'], log: ['1.0'], logdata: ['1.0'], container: ['1.0'], event: ['1.0'] },
  provides: [
    {
      kind: 'log',
      reserve: true,
      attach: false,
      options: {
        type: 'object',
        additionalProperties: false,
        properties: {
          driver: { type: 'string', description: 'Absent: the default of the node.' },
          options: { ...TEXTS, description: 'Options of the driver: max-size, max-file, ...' },
        },
      },
      status: {
        type: 'object',
        required: ['driver'],
        properties: {
          driver: { type: 'string' },
          options: { ...TEXTS, description: 'With the defaults of the node filled in.' },
          path: { type: 'string', description: "File in Docker's json-file format, when the driver keeps one." },
        },
      },
    },
  ],
  services: ['log'],
  uses: ['container.inspect', 'logdata.segments', 'driver:log'],
  events: { consumes: ['container.exited', 'container.removed'] },
  permissions: { contribution: ['log'] },
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      driver: { type: 'string', enum: ['json-file', 'local'], default: 'json-file', description: 'Of containers that name none.' },
      options: {
        ...TEXTS,
        description: 'Options of that driver, for containers that do not give them: {"max-size": "10m", "max-file": "3"}.',
      },
    },
  },
};
