import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Deadline, type Telling } from '@cleat/sdk';
import type { DriverLedger } from '@cleat/sdk/drivers';
import { BindPoints } from './bind-points.ts';
import type { VolumeDriver } from './drivers/driver.ts';
import { LocalDriver } from './drivers/local-driver.ts';
import { PluginDriver } from './drivers/plugin-driver.ts';
import { Reconciliation } from './handlers/reconciliation.ts';
import { VolumeProvider } from './handlers/volume-provider.ts';
import { VolumeService } from './handlers/volume-service.ts';
import { Trash } from './trash.ts';
import { LOCAL_DRIVER } from './volume.ts';
import { type OpenJournal, VolumeStore } from './volume-store.ts';
import { Volumes } from './volumes.ts';

/** For drivers of other plugins, which may be busy when they start. */
const SETTLE_MS = 60_000;

/** What the plugin needs of its surroundings. */
export interface StorageOptions {
  readonly stateDir: string;
  readonly signal: AbortSignal;
  readonly openJournal: OpenJournal;
  readonly publish: Telling['publish'];
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Starts work that nobody waits for. */
  readonly spawn: (name: string, task: (signal: AbortSignal) => Promise<void>) => void;
  /** What drivers of other plugins hold. */
  readonly ledger: DriverLedger;
  /** A plugin is installed that drives volumes under that name. */
  readonly isDriver: (name: string) => boolean;
}

/** The plugin's parts, opened and cleaned of what a killed process left. */
export interface Storage {
  readonly provider: VolumeProvider;
  readonly service: VolumeService;
  readonly reconciliation: Reconciliation;
  /** The platform is there: ends with the drivers of other plugins, and publishes, what an earlier process could not. */
  resume(): Promise<void>;
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
  const settle = (driver: string): Promise<void> => volumes.settle(driver, { deadline: Deadline.after(SETTLE_MS), signal: options.signal });
  await settle(LOCAL_DRIVER);
  const provider = new VolumeProvider({ store, volumes, bindPoints, stateDir });
  return {
    provider,
    service: new VolumeService({ store, volumes }),
    reconciliation: new Reconciliation({ store, volumes, provider, bindPoints, local, ledger: options.ledger, warn }),
    resume: async () => {
      await volumes.tell();
      const others = new Set(store.volumes().map(({ driver }) => driver));
      others.delete(LOCAL_DRIVER);
      for (const driver of others) options.spawn(`settle volumes of ${driver}`, () => settle(driver));
    },
    close: () => store.settle(),
  };
}

function lookup(local: LocalDriver, { ledger, isDriver }: StorageOptions): (name: string) => VolumeDriver {
  return (name) => (name === LOCAL_DRIVER ? local : new PluginDriver({ name, ledger, isInstalled: () => isDriver(name) }));
}
