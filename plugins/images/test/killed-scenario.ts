/*
 * A program for kill.test.ts: a life of an image, killed (SIGKILL) right before its n-th change of the file system.
 * Arguments: directory, archive, n. Prints how many changes there were when it comes to its end.
 */

import { createReadStream } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { OpenStore } from '../src/plugin.ts';

const CHANGES = ['mkdir', 'open', 'rename', 'rm', 'symlink', 'unlink', 'chmod', 'chown'];

const [directory = '', archive = '', killAt = '0'] = process.argv.slice(2);
let changes = 0;

/** Every import of node:fs/promises sees the counting functions from here on. */
function countChanges(): void {
  const module: unknown = createRequire(import.meta.url)('node:fs/promises');
  if (typeof module !== 'object' || module === null) throw new Error('node:fs/promises cannot be changed');
  for (const name of CHANGES) {
    const original: unknown = Reflect.get(module, name);
    if (typeof original !== 'function') throw new Error(`node:fs/promises has no ${name}`);
    const counting = (...args: unknown[]): unknown => {
      changes += 1;
      if (changes === Number(killAt)) process.kill(process.pid, 'SIGKILL');
      return Reflect.apply(original, module, args);
    };
    Reflect.set(module, name, counting);
  }
  syncBuiltinESMExports();
}

async function live(store: OpenStore): Promise<void> {
  const { importImage, planImport } = await import('../src/store/image-import.ts');
  const { removeImage } = await import('../src/store/image-removal.ts');
  const plan = planImport({ target: 'killed:1', changes: ['ENV A=1'], message: '', platform: '' });
  await importImage(store.images, plan, createReadStream(archive));
  await store.images.tag('killed:1', 'killed:2');
  const { id, chains } = store.images.resolve('killed:1');
  const mapping = { uids: [{ containerId: 0, hostId: 1000, size: 1000 }], gids: [{ containerId: 0, hostId: 1000, size: 1000 }] };
  await store.roots.reserve({ object: 'c/root', container: 'c', image: id, chains, mapping });
  await store.roots.attach('c/root');
  await store.roots.release('c/root');
  await removeImage(store.images, 'killed:2', { force: false });
  await removeImage(store.images, 'killed:1', { force: false });
  await store.trash.empty();
}

countChanges();
const { openStore } = await import('../src/plugin.ts');
const publish = (): Promise<void> => Promise.resolve();
const onFailure = (error: unknown): void => {
  throw error;
};
await live(await openStore({ directory, driver: 'auto', unpacksAtOnce: 2, publish, onFailure }));
process.stdout.write(`${changes}\n`);
