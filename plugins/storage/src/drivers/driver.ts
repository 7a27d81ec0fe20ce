import type { providerTypes } from '@cleat/schemas';
import type { Volume } from '../volume.ts';

/** What a new volume's root directory shall belong to. */
export interface DirectoryOwner {
  readonly uid: number;
  readonly gid: number;
}

/** Who is asking, as `provider@1` has it: a driver of another plugin gets the number passed on. */
export interface DriverCall {
  readonly reference: Pick<providerTypes.Reference, 'bootId' | 'number'>;
  readonly signal: AbortSignal;
}

/** One container's use of a volume. */
export interface VolumeUse extends DriverCall {
  readonly volume: Volume;
  readonly container: string;
  readonly claim: string;
  /** JSON text of the claim's options. */
  readonly options: string;
}

/**
 * Where the data of volumes lives. A volume is created once and removed once, and attached while a container uses it; each of these may
 * come again after a kill and must then end with the same result.
 */
export interface VolumeDriver {
  /** Refuses options that can never work. Throws `invalid_argument`. */
  check(options: Readonly<Record<string, string>>): void;
  /** Makes what the volume needs; answers the driver's status of it, empty when there is none. */
  create(volume: Volume, owner: DirectoryOwner, call: DriverCall): Promise<string>;
  /** Takes back a create that failed or was cut off; data that was there before it stays. */
  undoCreate(volume: Volume, call: DriverCall): Promise<void>;
  /** Removes it with its data. Nothing uses it. */
  remove(volume: Volume, call: DriverCall): Promise<void>;
  /** Makes the data reachable and answers the path where it is. `isFirst`: no other container uses it. */
  attach(use: VolumeUse, isFirst: boolean): Promise<string>;
  /** `isLast`: no other container uses it. */
  detach(use: VolumeUse, isLast: boolean): Promise<void>;
  /** Where the data is, or will be while it is attached. */
  mountpoint(volume: Volume): string;
}
