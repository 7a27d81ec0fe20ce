// node --test: every rule of the contract, against this plugin on a bus of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readManifest } from '@cleat/sdk';
import { providerSuite } from '@cleat/sdk/testing';

const directory = fileURLToPath(new URL('.', import.meta.url));

providerSuite({ test }, {
  manifest: readManifest(new URL('manifest.json', import.meta.url)),
  command: [process.execPath, 'plugin.js'],
  cwd: directory,
  target: 'greeting',
  options: '{"to":"world"}',
  pairs: { reserve: false, attach: true },
  checkContribution: async ({ environment }) => assert.deepEqual(environment, ['GREETING=Hello, world!']),
});
