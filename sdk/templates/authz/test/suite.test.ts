import { join } from 'node:path';
import { test } from 'node:test';
import { readManifest } from '@cleat/sdk';
import { interceptorSuite } from '@cleat/sdk/testing';

const directory = new URL('../../', import.meta.url).pathname;

function create(capabilities: readonly string[]): object {
  return { id: 'a'.repeat(64), name: 'web', spec: { process: { args: ['true'], capabilities } } };
}

interceptorSuite(
  { test },
  {
    manifest: readManifest(join(directory, 'manifest.json')),
    command: [process.execPath, 'dist/src/main.js'],
    cwd: directory,
    allowed: [
      { operation: 'container.create', request: create(['CAP_CHOWN']), principal: 'uid:1000' },
      { operation: 'container.create', request: create(['CAP_SYS_ADMIN']), principal: 'uid:0' },
    ],
    denied: [{ operation: 'container.create', request: create(['CAP_SYS_ADMIN']), principal: 'uid:1000' }],
  },
);
