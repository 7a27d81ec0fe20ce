import { applyChanges } from './config-change.ts';
import type { Digest } from './digest.ts';
import { type ContainerDefaults, encodeImageConfig, NO_DEFAULTS } from './image-config.ts';
import type { Actor } from './image-index.ts';
import type { ImageStore } from './image-store.ts';
import { type Platform, parsePlatform } from './platform.ts';
import { type ImageReference, parseTag } from './reference.ts';

export interface ImportOptions {
  /** name or name:tag; empty for an image without a name. */
  readonly target: string;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  readonly message: string;
  /** Empty for this host's. */
  readonly platform: string;
}

/** As Docker has it for an archive that the client sends. */
const DEFAULT_MESSAGE = 'Imported from -';

/** What an import is, checked before the first byte is read. */
export interface ImportPlan {
  readonly name: ImageReference | undefined;
  readonly defaults: ContainerDefaults;
  readonly platform: Platform;
  readonly comment: string;
}

/** Errors: IMAGE_REFERENCE_INVALID, IMAGE_CHANGE_INVALID, IMAGE_PLATFORM_INVALID, IMAGE_PLATFORM_UNSUPPORTED. */
export function planImport(options: ImportOptions): ImportPlan {
  return {
    name: options.target === '' ? undefined : parseTag(options.target),
    defaults: applyChanges(NO_DEFAULTS, options.changes),
    platform: parsePlatform(options.platform),
    comment: options.message === '' ? DEFAULT_MESSAGE : options.message,
  };
}

/** Makes an image of one layer from an archive of a file tree. Errors: those of unpacking, and IMAGE_STORE_FULL. */
export async function importImage(
  store: ImageStore,
  plan: ImportPlan,
  source: AsyncIterable<Uint8Array>,
  options: { readonly signal?: AbortSignal; readonly actor?: Actor } = {},
): Promise<Digest> {
  const { signal, actor } = options;
  const record = await store.withLease(async (lease) => {
    const staged = await store.blobs.stage(source, signal);
    lease.hold(staged.digest);
    await store.blobs.keep(staged);
    const hold = lease.hold.bind(lease);
    const blobPath = store.blobs.path(staged.digest);
    const layer = await store.layers.ensure({ parent: undefined, blob: staged.digest, blobPath, diffId: undefined, hold }, signal);
    return store.add(
      configText(plan, layer.diffId),
      { type: 'image.imported', names: plan.name === undefined ? [] : [plan.name], actor },
      lease,
    );
  });
  await store.publish();
  return record.id;
}

function configText(plan: ImportPlan, diffId: Digest): string {
  const created = new Date().toISOString();
  return encodeImageConfig({
    created,
    author: '',
    comment: plan.comment,
    ...plan.platform,
    osVersion: '',
    dockerVersion: '',
    diffIds: [diffId],
    history: [{ created, createdBy: '', author: '', comment: plan.comment, emptyLayer: false }],
    defaults: plan.defaults,
  });
}
