import { CleatError, isCleatError } from '@cleat/schemas';
import { type Digest, digestHex } from './digest.ts';
import type { ImageFilters } from './image-filter.ts';
import type { Actor, ImageRecord, IndexState } from './image-index.ts';
import { findName, namesOf, referenceKey, requireImage } from './image-lookup.ts';
import { eventOf, type ImageStore, type ImageUser } from './image-store.ts';
import { canonicalText, familiarText, type ImageReference } from './reference.ts';

/** One line of what a removal did. */
export type RemovedItem = { readonly type: 'untagged'; readonly name: string } | { readonly type: 'deleted'; readonly digest: Digest };

export interface RemoveOptions {
  readonly force: boolean;
  readonly actor?: Actor | undefined;
}

export interface PruneResult {
  readonly items: readonly RemovedItem[];
  readonly spaceBytes: number;
}

/**
 * Removes a name, and the image with the last of them, as `docker rmi` does: a running container's image stays whatever is asked,
 * a stopped one's goes when forced (the container keeps its layers), and an id with names in several repositories only when forced.
 * Errors: IMAGE_NOT_FOUND, IMAGE_IN_USE, IMAGE_REFERENCED.
 */
export async function removeImage(store: ImageStore, text: string, options: RemoveOptions): Promise<RemovedItem[]> {
  return [...(await removeWhole(store, text, options)).items];
}

/** What was removed, layers too. */
async function removeWhole(store: ImageStore, text: string, options: RemoveOptions): Promise<PruneResult> {
  const items = await store.index.change((draft) => new Removing(draft, store, options).remove(text));
  const isGone = items.some((item) => item.type === 'deleted');
  const layers = isGone ? await store.collect() : [];
  await store.publish();
  return {
    items: [...items, ...layers.map(({ chain }): RemovedItem => ({ type: 'deleted', digest: chain }))],
    spaceBytes: layers.reduce((sum, layer) => sum + layer.contentBytes, 0),
  };
}

/** Removes images that nobody uses: untagged ones, or with the filter dangling=false all. */
export async function pruneImages(store: ImageStore, filters: ImageFilters, actor?: Actor): Promise<PruneResult> {
  const items: RemovedItem[] = [];
  let spaceBytes = 0;
  for (const record of [...store.index.images.values()]) {
    const names = namesOf(store.index, record.id);
    const isTagged = names.some((name) => name.tag !== undefined);
    if (store.uses.usersOf(record.id).length > 0 || (isTagged && filters.dangling !== false)) continue;
    if (!filters.acceptsPrune(record)) continue;
    const targets = names.length === 0 ? [digestHex(record.id)] : names.map(canonicalText);
    for (const target of targets) {
      const removed = await removeUnlessNeeded(store, target, actor);
      items.push(...(removed?.items ?? []));
      spaceBytes += removed?.spaceBytes ?? 0;
    }
  }
  return { items, spaceBytes };
}

/** undefined when somebody began to use the image, or removed it, since it was looked at. */
async function removeUnlessNeeded(store: ImageStore, text: string, actor: Actor | undefined): Promise<PruneResult | undefined> {
  try {
    return await removeWhole(store, text, { force: false, actor });
  } catch (error) {
    if (isCleatError(error) && (error.class === 'conflict' || error.class === 'not_found')) return undefined;
    throw error;
  }
}

/** One removal on a draft of the index. */
class Removing {
  readonly #draft: IndexState;
  readonly #store: ImageStore;
  readonly #isForced: boolean;
  readonly #actor: Actor | undefined;
  readonly #items: RemovedItem[] = [];

  constructor(draft: IndexState, store: ImageStore, options: RemoveOptions) {
    this.#draft = draft;
    this.#store = store;
    this.#isForced = options.force;
    this.#actor = options.actor;
  }

  remove(text: string): RemovedItem[] {
    const record = requireImage(this.#draft, text);
    const name = findName(this.#draft, text);
    if (name === undefined) this.#removeById(record);
    else this.#removeByName(record, name, text);
    return this.#items;
  }

  #removeById(record: ImageRecord): void {
    const names = namesOf(this.#draft, record.id);
    if (isOneRepository(names)) {
      this.#requireUnused(record);
      for (const name of names) this.#untag(record, name);
    }
    const conflict = this.#conflictOf(record);
    if (conflict !== undefined) throw conflict.error;
    this.#delete(record);
  }

  #removeByName(record: ImageRecord, name: ImageReference, text: string): void {
    const users = this.#store.uses.usersOf(record.id);
    const user = users[0];
    if (!this.#isForced && user !== undefined && isOneRepository(namesOf(this.#draft, record.id))) {
      throw conflictError(
        'IMAGE_IN_USE',
        `unable to remove repository reference ${JSON.stringify(text)} (must force) - container ${shortId(user.container)} is using its referenced image ${shortDigest(record.id)}`,
      );
    }
    this.#untag(record, name);
    this.#untagOrphanedDigests(record, name);
    if (namesOf(this.#draft, record.id).length > 0) return;
    // The name is gone, which is what was asked for; an image that a container uses stays without one.
    if (this.#conflictOf(record) === undefined) this.#delete(record);
  }

  /** Digests of a repository are kept only as long as a tag of it. */
  #untagOrphanedDigests(record: ImageRecord, removed: ImageReference): void {
    if (removed.digest !== undefined) return;
    const sameRepository = namesOf(this.#draft, record.id).filter((name) => name.name === removed.name);
    if (sameRepository.some((name) => name.digest === undefined)) return;
    for (const name of sameRepository) this.#untag(record, name);
  }

  #untag(record: ImageRecord, name: ImageReference): void {
    this.#draft.references.delete(referenceKey(name));
    this.#items.push({ type: 'untagged', name: familiarText(name) });
    this.#draft.events.push(eventOf('image.untagged', record, familiarText(name), this.#actor));
  }

  #delete(record: ImageRecord): void {
    for (const name of namesOf(this.#draft, record.id)) this.#untag(record, name);
    this.#draft.images.delete(record.id);
    this.#items.push({ type: 'deleted', digest: record.id });
    this.#draft.events.push(eventOf('image.deleted', record, record.id, this.#actor));
  }

  #requireUnused(record: ImageRecord): void {
    const conflict = this.#useOf(record);
    if (conflict !== undefined) throw conflict;
  }

  /** Who uses it, unless that yields to force. */
  #useOf(record: ImageRecord): CleatError | undefined {
    const users = this.#store.uses.usersOf(record.id);
    const running = users.find((user) => user.isRunning);
    if (running !== undefined) return inUse(record, running, 'cannot be forced', 'running');
    const stopped = users[0];
    return stopped === undefined || this.#isForced ? undefined : inUse(record, stopped, 'must be forced', 'stopped');
  }

  #conflictOf(record: ImageRecord): { error: CleatError } | undefined {
    const use = this.#useOf(record);
    if (use !== undefined) return { error: use };
    if (this.#isForced || namesOf(this.#draft, record.id).length === 0) return undefined;
    const message = `unable to delete ${shortDigest(record.id)} (must be forced) - image is referenced in multiple repositories`;
    return { error: conflictError('IMAGE_REFERENCED', message) };
  }
}

/** One tag at most, and no digest but of its repository. */
function isOneRepository(names: readonly ImageReference[]): boolean {
  if (names.length <= 1) return true;
  const tags = names.filter((name) => name.digest === undefined);
  return tags.length <= 1 && new Set(names.map(({ name }) => name)).size === 1;
}

function inUse(record: ImageRecord, user: ImageUser, force: string, state: string): CleatError {
  const message = `unable to delete ${shortDigest(record.id)} (${force}) - image is being used by ${state} container ${shortId(user.container)}`;
  return conflictError('IMAGE_IN_USE', message);
}

function conflictError(code: string, message: string): CleatError {
  return new CleatError('conflict', code, `conflict: ${message}`);
}

function shortId(id: string): string {
  return id.slice(0, 12);
}

function shortDigest(digest: Digest): string {
  return shortId(digestHex(digest));
}
