import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readManifest } from '@cleat/sdk';
import { providerSuite } from '@cleat/sdk/testing';

const directory = new URL('../../', import.meta.url).pathname;

providerSuite(
  { test },
  {
    manifest: readManifest(join(directory, 'manifest.json')),
    command: [process.execPath, 'dist/src/main.js'],
    cwd: directory,
    target: 'log/plugin-name',
    options: '{}',
    refused: '{"colour":"blue"}',
    pairs: { reserve: true, attach: false },
    holdings: ({ plugin }) => readdir(join(plugin.entry.stateDir, 'cursors')),
  },
);
