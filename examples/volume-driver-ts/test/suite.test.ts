import assert from 'node:assert/strict';
import { statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readManifest } from '@cleat/sdk';
import { providerSuite } from '@cleat/sdk/testing';
import { MemoryMounts } from '../src/mounts.ts';

const directory = fileURLToPath(new URL('../../', import.meta.url));

providerSuite(
  { test },
  {
    manifest: readManifest(join(directory, 'manifest.json')),
    command: [process.execPath, 'dist/src/main.js'],
    cwd: directory,
    target: 'volume/memory',
    options: '{"size":"1m"}',
    refused: '{"size":"a lot"}',
    checkContribution: async ({ mounts }) => {
      const source = mounts[0]?.source ?? '';
      await writeFile(join(source, 'file'), 'data');
      const { blocks, bsize } = await statfs(source);
      assert.equal(blocks * bsize, 1_048_576);
    },
    holdings: ({ plugin }) => new MemoryMounts(join(plugin.entry.stateDir, 'volumes')).volumes(),
  },
);
