import type { provider, providerTypes } from '@cleat/schemas';
import type { Deadline } from '@cleat/sdk';
import type { Volume } from '../volume.ts';

/** What a new volume's root directory shall belong to. */
export interface DirectoryOwner {
  readonly uid: number;
  readonly gid: number;
}

/** How long a driver may take, and who hears how far it is. */
export interface DriverCall {
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
  progress?(progress: { readonly message?: string | undefined }): void;
}

/**
 * Where the data of volumes lives. A volume is created once and removed once, and attached while a container uses it; each of these may
 * come again after a kill and must then end with the same result.
 */
export interface VolumeDriver {
  /** Refuses what can never work. Throws `invalid_argument`, `not_found` VOLUME_DRIVER_NOT_FOUND. */
  check(options: Readonly<Record<string, string>>): void;
  /** Makes what the volume needs; answers the driver's status of it, JSON text or empty. */
  create(volume: Volume, owner: DirectoryOwner, call: DriverCall): Promise<string>;
  /** Takes back a create that failed or was cut off; data that was there before it stays. */
  undoCreate(volume: Volume, call: DriverCall): Promise<void>;
  /** Removes it with its data. Nothing uses it. With `isForced` it is forgotten also when the driver refuses or is away. */
  remove(volume: Volume, isForced: boolean, call: DriverCall): Promise<void>;
  /** Makes the data reachable and answers the mount of it. `isFirst`: no other container uses it. */
  attach(volume: Volume, request: provider.AttachRequest, isFirst: boolean, call: DriverCall): Promise<DriverMount>;
  /** `isLast`: no other container uses it. */
  detach(volume: Volume, reference: providerTypes.Reference, isLast: boolean, call: DriverCall): Promise<void>;
  /** Where the data is on the host, or will be while it is attached; empty when only the driver knows. */
  mountpoint(volume: Volume): string;
}

export interface DriverMount {
  readonly path: string;
  /** What the driver wants of the mount beyond what the claim says: nosuid, ro, ... */
  readonly options: readonly string[];
}
