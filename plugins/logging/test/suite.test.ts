import { fileURLToPath } from 'node:url';
import { needs } from '@cleat/harness';
import { providerSuite, serviceSuite } from '@cleat/sdk/testing';
import t from 'tap';
import { manifest } from '../src/index.ts';

const PROGRAM = fileURLToPath(new URL('plugin-process.js', import.meta.url));
const PLUGIN = { manifest, command: [process.execPath, PROGRAM] };

t.setTimeout(600_000);

if (needs(t, 'nats-server')) {
  t.test('the kind log', (t) => {
    providerSuite(t, {
      ...PLUGIN,
      target: 'log',
      pairs: { reserve: true, attach: false },
      options: JSON.stringify({ driver: 'json-file', options: { 'max-size': '1m' } }),
      refused: JSON.stringify({ options: { 'max-size': 'a lot' } }),
    });
    t.end();
  });
  t.test('the service log', (t) => {
    serviceSuite(t, { ...PLUGIN, contract: 'log', examples: [{ operation: 'drivers', request: {} }] });
    t.end();
  });
}
