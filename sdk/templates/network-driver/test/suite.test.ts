import { join } from 'node:path';
import { after, test } from 'node:test';
import { readManifest } from '@cleat/sdk';
import { openNetworkNamespace, providerSuite } from '@cleat/sdk/testing';

const directory = new URL('../../', import.meta.url).pathname;
const namespace = await openNetworkNamespace();
after(() => namespace.close());

providerSuite(
  { test },
  {
    manifest: readManifest(join(directory, 'manifest.json')),
    command: [process.execPath, 'dist/src/main.js'],
    cwd: directory,
    target: 'network/plugin-name',
    options: '{}',
    attach: async () => ({ networkNamespace: namespace.path }),
  },
);
