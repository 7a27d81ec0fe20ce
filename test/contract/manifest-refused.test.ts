import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs, tempDir } from '@cleat/harness';
import type { plugin } from '@cleat/schemas';
import t from 'tap';
import { BareKernel } from '../platform/bare-kernel.ts';

const GOOD = { cleat: 1, name: 'wrong', version: '1.0.0', contracts: { provider: ['1.0'] }, run: { command: ['true'] } };

const WRONG: readonly (readonly [string, unknown, RegExp])[] = [
  ['an unknown field', { ...GOOD, permisions: {} }, /must NOT have additional properties \(permisions\)/],
  ['events that are no list', { ...GOOD, events: { publishes: 'thing.made' } }, /events\/publishes: must be array/],
  [
    'a kind that does not say what it needs',
    { ...GOOD, provides: [{ kind: 'thing' }] },
    /provides\/0: must have required property 'reserve'/,
  ],
  ['a mount root that is not absolute', { ...GOOD, permissions: { mountRoots: ['data'] } }, /permissions\/mountRoots\/0/],
  ['a newer format', { ...GOOD, cleat: 2 }, /no manifest of the format 1/],
  ['a list', [GOOD], /no manifest of the format 1/],
];

t.test('a plugin whose manifest is wrong is not installed, and the fault is named', async (t) => {
  if (!needs(t, 'root', 'nats-server')) return;
  const dir = tempDir(t, 'manifest');
  const kernel = new BareKernel(dir);
  t.teardown(() => kernel.down());
  await kernel.start();
  for (const [what, manifest, says] of WRONG) {
    const directory = join(dir, what.replaceAll(' ', '-'));
    mkdirSync(directory);
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
    const refused = { class: 'invalid_argument', code: 'MANIFEST_INVALID', message: says };
    await t.rejects(kernel.call('plugin', 'install', { directory }), refused, what);
  }
  await t.rejects(kernel.call('plugin', 'install', { directory: join(dir, 'nowhere') }), { code: 'MANIFEST_MISSING' });
  const { plugins } = await kernel.call<plugin.ListResponse>('plugin', 'list');
  t.same(plugins, [], 'nothing was installed');
});
