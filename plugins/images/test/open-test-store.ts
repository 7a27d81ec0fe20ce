import { execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, tempDir } from '@cleat/harness';
import type { LayerDriver } from '../src/layer/layer-store.ts';
import { type OpenStore, openStore } from '../src/plugin.ts';
import type { Digest } from '../src/store/digest.ts';
import { importImage, planImport } from '../src/store/image-import.ts';
import type { ImageEvent } from '../src/store/image-index.ts';

export interface TestStore extends OpenStore {
  readonly directory: string;
  readonly events: ImageEvent[];
}

export async function openTestStore(t: TestContext, options: { directory?: string; driver?: LayerDriver } = {}): Promise<TestStore> {
  const directory = options.directory ?? join(tempDir(t), 'images');
  const events: ImageEvent[] = [];
  const store = await openStore({
    directory,
    driver: options.driver ?? 'overlay',
    unpacksAtOnce: 2,
    publish: async (event) => void events.push(event),
    onFailure: (error) => {
      throw error;
    },
  });
  t.teardown(() => store.trash.empty());
  return { ...store, directory, events };
}

/** Writes files below a directory: name to content. */
export async function writeFiles(directory: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
  return directory;
}

/** An archive of a directory, by the system's tar. */
export function tar(archive: string, directory: string, ...args: string[]): string {
  execFileSync('tar', ['-C', directory, '--numeric-owner', ...args, '-cf', archive, '.']);
  return archive;
}

/** Imports an archive as an image. */
export function importFile(store: OpenStore, archive: string, target = '', changes: readonly string[] = []): Promise<Digest> {
  const plan = planImport({ target, changes, message: '', platform: '' });
  return importImage(store.images, plan, createReadStream(archive));
}
