import { readdir, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateDirectory } from '../store/durable.ts';
import { errnoOf } from './errno.ts';

/**
 * Links `l/<number>` to the directories of layers, numbers in base 36. The kernel mounts with paths relative to `l`, so
 * that as many layers as an image may have fit into the one page of options that mount(2) takes.
 */
export class ShortNames {
  readonly #root: string;
  #next = 1;

  /** `root` is what the targets are relative to. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Makes what is missing of these and removes all others. */
  async open(wanted: ReadonlyMap<number, string>): Promise<void> {
    await ensurePrivateDirectory(join(this.#root, 'l'));
    this.#next = Math.max(0, ...wanted.keys()) + 1;
    const names = new Set([...wanted.keys()].map((number) => number.toString(36)));
    for (const name of await readdir(join(this.#root, 'l'))) {
      if (!names.has(name)) await rm(join(this.#root, 'l', name), { recursive: true });
    }
    for (const [number, target] of wanted) await this.make(number, target);
  }

  take(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  path(number: number): string {
    return join(this.#root, 'l', number.toString(36));
  }

  /** A link that is there and leads elsewhere is replaced. */
  async make(number: number, target: string): Promise<void> {
    const path = this.path(number);
    const text = join('..', target);
    try {
      await symlink(text, path);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      if ((await readlink(path)) === text) return;
      await rm(path);
      await symlink(text, path);
    }
  }

  async remove(number: number): Promise<void> {
    await rm(this.path(number), { force: true });
  }
}
