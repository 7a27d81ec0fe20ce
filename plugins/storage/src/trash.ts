import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Where directories go that shall vanish: a rename takes them out of the way at once and whole, and they are deleted afterwards, at the next
 * start if need be.
 */
export class Trash {
  readonly #directory: string;
  readonly #spawn: (task: (signal: AbortSignal) => Promise<void>) => void;

  constructor(directory: string, spawn: (task: (signal: AbortSignal) => Promise<void>) => void) {
    this.#directory = directory;
    this.#spawn = spawn;
  }

  /** Makes the place, and deletes what an earlier process left in it. */
  open(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#directory)) this.#delete(name);
  }

  /** `move` renames a directory to the place it is given; when there is nothing to rename, nothing happens. */
  async take(move: (place: string) => Promise<void>): Promise<void> {
    const name = randomUUID();
    try {
      await move(join(this.#directory, name));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
      throw error;
    }
    this.#delete(name);
  }

  #delete(name: string): void {
    this.#spawn(async (signal) => {
      const { SafeRoot } = await import('@cleat/sdk/filesystem');
      const root = new SafeRoot(this.#directory);
      try {
        // It follows no link and enters no mount, whatever containers have left in there.
        await root.remove(name, signal);
      } finally {
        root.close();
      }
    });
  }
}
