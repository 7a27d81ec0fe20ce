import { spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Deadline } from '@cleat/core/deadlines';
import { errnoOf, openInRoot } from '@cleat/core/syscalls';
import { CleatError } from '@cleat/schemas';

/** The image's directory at the target, opened without leaving the root; undefined when there is none. */
export function openTarget(root: string, target: string): number | undefined {
  try {
    return openInRoot(root, target, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** Removes what is in a directory, which is made when it is not there. */
export async function emptyDirectory(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory)) await rm(join(directory, name), { recursive: true, force: true });
}

/** Files of every container, on which its own are mounted. */
const HOST_FILES = ['hosts', 'hostname', 'resolv.conf'];

/** Makes them in a volume at /etc, as Docker does: in a read-only one the runtime could not. A link that the image has there leads nowhere. */
export function makeHostFiles({ source, target }: { readonly source: string; readonly target: string }): void {
  if (target !== '/etc') return;
  for (const name of HOST_FILES) {
    try {
      closeSync(openSync(join(source, name), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644));
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** `cp -a` in a child, so that a large image blocks nothing; the source is handed over as a descriptor. */
export function copyTree(directory: number, target: string, deadline: Deadline): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('cp', ['-a', '--', '/proc/self/fd/3/.', `${target}/`], { stdio: ['ignore', 'ignore', 'pipe', directory] });
    const timer = setTimeout(() => child.kill('SIGKILL'), deadline.remainingMs);
    let words = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString('utf8')).slice(0, 500);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else
        reject(
          new CleatError('internal', 'COPY_UP_FAILED', `${target} could not be filled from the image: ${words.trim() || 'out of time'}`),
        );
    });
  });
}
