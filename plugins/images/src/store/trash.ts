import { randomUUID } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../layer/errno.ts';
import { ensurePrivateDirectory } from './durable.ts';
import { Serial } from './serial.ts';

/** Where trees go that are removed: out of their place at once, by one rename, and from the disk when there is time. */
export class Trash {
  readonly #directory: string;
  readonly #onFailure: (error: unknown) => void;
  readonly #removing = new Serial();

  /** `directory` is on the file system of what is thrown away. */
  constructor(directory: string, onFailure: (error: unknown) => void) {
    this.#directory = directory;
    this.#onFailure = onFailure;
  }

  /** Goes on with what a killed process left. */
  async open(): Promise<void> {
    await ensurePrivateDirectory(this.#directory);
    for (const name of await readdir(this.#directory)) this.#remove(name);
  }

  /** The tree is out of its place when this resolves; one that is not there is no error. */
  async take(path: string): Promise<void> {
    const name = randomUUID();
    try {
      await rename(path, join(this.#directory, name));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw error;
    }
    this.#remove(name);
  }

  #remove(name: string): void {
    this.#removing.run(() => rm(join(this.#directory, name), { recursive: true, force: true, maxRetries: 3 })).catch(this.#onFailure);
  }

  /** Resolves when all that was thrown away is gone from the disk. */
  async empty(): Promise<void> {
    await this.#removing.run(() => Promise.resolve());
  }
}
