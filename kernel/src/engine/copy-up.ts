import { spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Deadline } from '@cleat/core';
import { errnoOf, openInRoot } from '@cleat/core/syscalls';
import { CleatError } from '@cleat/schemas';
import { type EngineParts, pathsOf } from './parts.ts';

/** Fills empty sources of mounts that ask for it with what the image has at their target (docs: Docker's named volumes). */
export async function fillEmptySources(parts: EngineParts, id: string, deadline: Deadline): Promise<void> {
  const { store } = parts;
  for (const claim of store.get(id).progress.claims) {
    for (const mount of claim.contribution?.mounts ?? []) {
      if (mount.copyUp && mount.type === 'bind')
        await fill(parts, id, { claim: claim.name, source: mount.source, target: mount.target }, deadline);
    }
  }
}

interface Fill {
  readonly claim: string;
  readonly source: string;
  readonly target: string;
}

async function fill(parts: EngineParts, id: string, what: Fill, deadline: Deadline): Promise<void> {
  const { store } = parts;
  const wasCutOff = store.get(id).progress.filling.includes(what.claim);
  if (wasCutOff) await empty(what.source);
  if (readdirSync(what.source).length > 0) return;
  const directory = openTarget(pathsOf(parts, id).root, what.target);
  if (directory === undefined) return;
  try {
    if (!wasCutOff) {
      const { progress } = store.get(id);
      store.step(id, 'fill.intent', { ...progress, filling: [...progress.filling, what.claim] });
      // A fill that power loss cuts off must be known to be one.
      await store.sync();
    }
    await copyTree(directory, what.source, deadline);
  } finally {
    closeSync(directory);
  }
  const { progress } = store.get(id);
  store.step(id, 'fill.done', { ...progress, filling: progress.filling.filter((name) => name !== what.claim) });
}

/** The image's directory at the target, opened without leaving the root; undefined when there is none. */
function openTarget(root: string, target: string): number | undefined {
  try {
    return openInRoot(root, target, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

async function empty(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory)) await rm(join(directory, name), { recursive: true, force: true });
}

/** `cp -a` in a child, so that a large image blocks nothing; the source is handed over as a descriptor. */
function copyTree(directory: number, target: string, deadline: Deadline): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('cp', ['-a', '--', '/proc/self/fd/3/.', `${target}/`], {
      stdio: ['ignore', 'ignore', 'pipe', directory],
    });
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
          new CleatError(
            'internal',
            'COPY_UP_FAILED',
            `${target} could not be filled from the image: ${words.trim() || 'out of time'}`,
          ),
        );
    });
  });
}
