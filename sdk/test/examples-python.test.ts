import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { readManifest } from '../src/index.ts';
import { observerSuite, providerSuite } from '../src/testing/index.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url));

t.test('the observer in Python', async (t) => {
  const directory = join(EXAMPLES, 'observer-py');
  observerSuite(t, {
    manifest: readManifest(join(directory, 'manifest.json')),
    command: ['python3', 'observer.py'],
    cwd: directory,
    event: (index) => ({ type: 'container.started', subject: `c${index}`, record: 'Container', data: { name: `n${index}` } }),
    seen: async ({ plugin }) => {
      const text = await readFile(join(plugin.entry.stateDir, 'events.jsonl'), 'utf8').catch(() => '');
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => Number(/"subject":"c(\d+)"/.exec(line)?.[1]));
    },
  });
});

t.test('the log driver in Python', async (t) => {
  const directory = join(EXAMPLES, 'log-driver-py');
  providerSuite(t, {
    manifest: readManifest(join(directory, 'manifest.json')),
    command: ['python3', 'log_driver.py'],
    cwd: directory,
    target: 'log/log-driver-py',
    options: '{}',
    refused: '{"colour":"blue"}',
    pairs: { reserve: true, attach: false },
    holdings: ({ plugin }) => readdir(join(plugin.entry.stateDir, 'cursors')),
  });
});
