import { closeSync, readdirSync } from 'node:fs';
import type { Deadline } from '@cleat/core';
import { copyTree, emptyDirectory, makeHostFiles, openTarget } from '@cleat/runtime';
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
  if (wasCutOff) await emptyDirectory(what.source);
  if (readdirSync(what.source).length > 0) return;
  const directory = openTarget(pathsOf(parts, id).root, what.target);
  if (directory === undefined) return makeHostFiles(what);
  try {
    if (!wasCutOff) {
      const { progress } = store.get(id);
      store.step(id, 'fill.intent', { ...progress, filling: [...progress.filling, what.claim] });
      // A fill that power loss cuts off must be known to be one.
      await store.sync();
    }
    await copyTree(directory, what.source, deadline);
    makeHostFiles(what);
  } finally {
    closeSync(directory);
  }
  const { progress } = store.get(id);
  store.step(id, 'fill.done', { ...progress, filling: progress.filling.filter((name) => name !== what.claim) });
}
