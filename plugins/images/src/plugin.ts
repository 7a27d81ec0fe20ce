import { join } from 'node:path';
import { CleatError } from '@cleat/schemas';
import { definePlugin, type PluginContext, type PluginDefinition, type PluginHandlers } from '@cleat/sdk';
import { imageService } from './handlers/image-service.ts';
import { ImageStreams } from './handlers/image-streams.ts';
import { type LayerDriver, LayerStore } from './layer/layer-store.ts';
import { LayerWorkers } from './layer/worker-client.ts';
import { manifest } from './manifest.ts';
import { chooseDriver } from './roots/overlay-support.ts';
import { RootProvider } from './roots/root-provider.ts';
import { RootStore } from './roots/root-store.ts';
import { BlobStore } from './store/blob-store.ts';
import { ensurePrivateDirectory, removeTemporaries } from './store/durable.ts';
import { type ImageEvent, ImageIndex } from './store/image-index.ts';
import { ImageStore } from './store/image-store.ts';
import { Leases } from './store/leases.ts';
import { Trash } from './store/trash.ts';

const DEFAULT_UNPACKS_AT_ONCE = 2;

/** All that the plugin keeps, opened and cleaned of what a killed process left. */
export interface OpenStore {
  readonly images: ImageStore;
  readonly roots: RootStore;
  readonly trash: Trash;
}

export interface OpenStoreOptions {
  readonly directory: string;
  readonly driver: LayerDriver | 'auto';
  readonly unpacksAtOnce: number;
  readonly publish: (event: ImageEvent) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** Opens the store of a state directory. Errors: IMAGE_INDEX_CORRUPT, IMAGE_DRIVER_CHANGED, IMAGE_DRIVER_UNAVAILABLE, IMAGE_STATE_DIR_INVALID. */
export async function openStore(options: OpenStoreOptions): Promise<OpenStore> {
  const { directory } = options;
  // They separate the options and layers of an overlay mount.
  if (/[:,\\]/.test(directory)) {
    throw new CleatError(
      'invalid_argument',
      'IMAGE_STATE_DIR_INVALID',
      `the state directory ${directory} may not contain ":", "," or "\\"`,
    );
  }
  await ensurePrivateDirectory(directory);
  await removeTemporaries(directory);
  const trash = new Trash(join(directory, 'trash'), options.onFailure);
  await trash.open();
  const workers = new LayerWorkers(options.unpacksAtOnce);
  const leases = new Leases();
  const index = new ImageIndex(directory);
  const blobs = new BlobStore(directory);
  const layers = new LayerStore({ directory, driver: await chooseDriver(directory, options.driver), workers, trash });
  const roots = new RootStore({ directory: join(directory, 'roots'), layers, leases, workers, trash });
  for (const part of [index, blobs, layers, roots]) await part.open();
  const { publish, onFailure } = options;
  const images = new ImageStore({ index, blobs, layers, leases, uses: roots, publish, onFailure });
  await images.collect();
  return { images, roots, trash };
}

async function setup(context: PluginContext): Promise<PluginHandlers> {
  const { images, roots, trash } = await openStore({
    directory: context.stateDir,
    ...readConfig(context.config),
    publish: (event) => context.publish(contractEvent(event), { actor: event.actor, key: event.key }),
    onFailure: (error) => context.log.warn('what was removed is still on the disk', { error: String(error) }),
  });
  const provider = new RootProvider({ images, roots, warn: (message, fields) => context.log.warn(message, fields) });
  return {
    providers: {
      root: {
        reserve: (request, call) => provider.reserve(request, call.signal),
        attach: (request, call) => provider.attach(request, call.signal),
        detach: (request) => provider.detach(request),
        release: (request) => provider.release(request),
        reconcile: (all, call) => provider.reconcile(all, call.signal),
      },
    },
    services: { image: imageService(images, new ImageStreams(images, context)) },
    // What a killed process had done and not made known.
    ready: () => images.publish(),
    close: () => trash.empty(),
  };
}

function contractEvent(event: ImageEvent): Parameters<PluginContext['publish']>[0] {
  return { type: event.type, subject: event.id, labels: Object.fromEntries(event.labels), properties: { name: event.name } };
}

function readConfig(config: Readonly<Record<string, unknown>>): { driver: LayerDriver | 'auto'; unpacksAtOnce: number } {
  const { driver, unpacksAtOnce } = config;
  return {
    driver: driver === 'overlay' || driver === 'vfs' ? driver : 'auto',
    unpacksAtOnce: typeof unpacksAtOnce === 'number' ? unpacksAtOnce : DEFAULT_UNPACKS_AT_ONCE,
  };
}

/** Images, and the kind root. */
export const plugin: PluginDefinition = definePlugin({ manifest, setup });
