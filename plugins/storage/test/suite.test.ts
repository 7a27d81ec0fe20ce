import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mountPoints, needs } from '@cleat/harness';
import type { providerTypes } from '@cleat/schemas';
import { type PluginUnderTest, providerSuite, serviceSuite } from '@cleat/sdk/testing';
import t from 'tap';
import { manifest } from '../src/index.ts';

const PROGRAM = fileURLToPath(new URL('plugin-process.js', import.meta.url));
const PLUGIN = { manifest, command: [process.execPath, PROGRAM] };

t.setTimeout(600_000);

function entries(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** Mounts, and volumes that go with their claim. */
function holdings({ plugin }: PluginUnderTest): Promise<readonly string[]> {
  const { stateDir } = plugin.entry;
  const mounts = mountPoints().filter((point) => point.startsWith(`${stateDir}/`));
  const anonymous = entries(join(stateDir, 'volumes')).filter((name) => name.length === 64);
  return Promise.resolve([...mounts, ...anonymous, ...entries(join(stateDir, 'mounts'))]);
}

function writable({ mounts }: providerTypes.Contribution): Promise<void> {
  writeFileSync(join(mounts[0]?.source ?? '', 'file'), 'data');
  return Promise.resolve();
}

if (needs(t, 'root', 'nats-server')) {
  t.test('a named volume with something mounted at it', (t) => {
    providerSuite(t, {
      ...PLUGIN,
      target: 'volume',
      options: JSON.stringify({ name: 'suite', target: '/data', options: { type: 'tmpfs', device: 'tmpfs' } }),
      refused: JSON.stringify({ name: 'other', target: '/data', options: { size: '1g' } }),
      checkContribution: writable,
      holdings,
    });
    t.end();
  });
  t.test('the service', (t) => {
    serviceSuite(t, {
      ...PLUGIN,
      contract: 'volume',
      examples: [
        { operation: 'create', request: { name: 'suite', labels: { a: '1' } } },
        { operation: 'inspect', request: { name: 'suite' } },
        { operation: 'list', request: { filters: { dangling: ['true'] }, sizes: true } },
        { operation: 'prune', request: { all: true } },
        { operation: 'remove', request: { name: 'suite', force: true } },
      ],
      changing: { operation: 'create', request: {} },
    });
    t.end();
  });
}
