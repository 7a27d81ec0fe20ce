import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CleatError, type providerTypes } from '@cleat/schemas';
import { BindPoints } from './bind-points.ts';
import type { VolumeDriver } from './drivers/driver.ts';
import { LocalDriver } from './drivers/local-driver.ts';
import { Reconciliation } from './handlers/reconciliation.ts';
import { VolumeProvider } from './handlers/volume-provider.ts';
import { VolumeService } from './handlers/volume-service.ts';
import { Trash } from './trash.ts';
import { LOCAL_DRIVER } from './volume.ts';
import { type OpenJournal, VolumeStore } from './volume-store.ts';
import { Volumes } from './volumes.ts';

/** What the plugin needs of its surroundings. */
export interface StorageOptions {
  readonly stateDir: string;
  readonly bootId: string;
  readonly signal: AbortSignal;
  readonly openJournal: OpenJournal;
  readonly publish: (event: providerTypes.EventInput) => Promise<void>;
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Starts work that nobody waits for. */
  readonly spawn: (name: string, task: (signal: AbortSignal) => Promise<void>) => void;
  /** The driver that another plugin is; undefined when there is none of that name. */
  readonly pluginDriver: (name: string) => VolumeDriver | undefined;
}

/** The plugin's parts, opened and cleaned of what a killed process left. */
export interface Storage {
  readonly provider: VolumeProvider;
  readonly service: VolumeService;
  readonly reconciliation: Reconciliation;
  /** Publishes what an earlier process could not. */
  tell(): Promise<void>;
  close(): Promise<void>;
}

export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { stateDir, publish, warn } = options;
  const directory = join(stateDir, 'volumes');
  // Passable for the ids of a container's user namespace, by which the runtime reaches the source of a mount.
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const bindPoints = new BindPoints(join(stateDir, 'mounts'));
  bindPoints.open();
  const store = await VolumeStore.open(options.openJournal);
  const trash = new Trash(join(stateDir, 'trash'), (task) => options.spawn('delete removed volumes', task));
  trash.open();
  const local = new LocalDriver(directory, trash);
  const volumes = new Volumes({ store, driverOf: lookup(local, options), publish, warn });
  await volumes.settle(LOCAL_DRIVER, { reference: { bootId: options.bootId, number: 0 }, signal: options.signal });
  const provider = new VolumeProvider({ store, volumes, bindPoints, stateDir });
  return {
    provider,
    service: new VolumeService({ store, volumes, bootId: options.bootId }),
    reconciliation: new Reconciliation({ store, volumes, provider, bindPoints, local, publish, warn }),
    tell: () => volumes.tell(),
    close: () => store.settle(),
  };
}

function lookup(
  local: LocalDriver,
  { pluginDriver }: Pick<StorageOptions, 'pluginDriver'>,
): (name: string) => VolumeDriver {
  return (name) => {
    if (name === LOCAL_DRIVER) return local;
    const driver = pluginDriver(name);
    if (driver !== undefined) return driver;
    throw new CleatError(
      'not_found',
      'VOLUME_DRIVER_NOT_FOUND',
      `error looking up volume plugin ${name}: plugin ${JSON.stringify(name)} not found`,
      {
        hint: `Install and enable a plugin that drives volumes under the name ${name}; "cleat plugin ls" shows those that are there.`,
      },
    );
  };
}
