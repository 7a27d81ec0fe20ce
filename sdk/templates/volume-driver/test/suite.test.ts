import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
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
    target: 'volume/plugin-name',
    options: '{}',
    refused: '{"colour":"blue"}',
    checkContribution: async ({ mounts }) => {
      assert.equal(mounts.length, 1);
      await writeFile(join(mounts[0]?.source ?? '', 'file'), 'data');
    },
    holdings: ({ plugin }) => readdir(join(plugin.entry.stateDir, 'volumes')),
  },
);
