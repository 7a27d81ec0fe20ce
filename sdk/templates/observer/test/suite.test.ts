import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readManifest } from '@cleat/sdk';
import { observerSuite } from '@cleat/sdk/testing';

const directory = new URL('../../', import.meta.url).pathname;

observerSuite(
  { test },
  {
    manifest: readManifest(join(directory, 'manifest.json')),
    command: [process.execPath, 'dist/src/main.js'],
    cwd: directory,
    event: (index) => ({ type: 'container.started', subject: `c${index}`, record: 'Container', data: { name: `n${index}` } }),
    seen: async ({ plugin }) => {
      const text = await readFile(join(plugin.entry.stateDir, 'events.jsonl'), 'utf8').catch(() => '');
      const lines = text.split('\n').slice(0, -1);
      return lines.map((line) => Number(/"subject":"c(\d+)"/.exec(line)?.[1]));
    },
  },
);
