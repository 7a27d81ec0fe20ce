import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const runFile = promisify(execFile);
const COMMAND_MS = 10_000;

/** A tmpfs for each volume, mounted below one directory. Every method may be called again after a crash, and ends the same way. */
export class MemoryMounts {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  pathOf(volume: string): string {
    return join(this.#directory, encodeURIComponent(volume));
  }

  async open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o711 });
  }

  /** Volumes that have a directory here, mounted or not. */
  async volumes(): Promise<readonly string[]> {
    return (await readdir(this.#directory)).map(decodeURIComponent);
  }

  async mount(volume: string, size: string): Promise<void> {
    const path = this.pathOf(volume);
    await mkdir(path, { recursive: true });
    if (await isMounted(path)) return;
    await runFile('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0755`, 'tmpfs', path], { timeout: COMMAND_MS });
  }

  async unmount(volume: string): Promise<void> {
    const path = this.pathOf(volume);
    if (await isMounted(path)) await runFile('umount', [path], { timeout: COMMAND_MS });
    await rmdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

/** By the kernel's own table: the field is the mount point, with spaces and the like as octal numbers. */
async function isMounted(path: string): Promise<boolean> {
  const escaped = path.replace(/[ \t\n\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table.split('\n').some((line) => line.split(' ')[4] === escaped);
}
