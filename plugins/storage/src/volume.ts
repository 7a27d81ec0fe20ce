import { randomBytes } from 'node:crypto';
import { CleatError, type providerTypes } from '@cleat/schemas';

/** Docker's mark of a volume that nobody gave a name. */
export const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';
export const LOCAL_DRIVER = 'local';

export interface Volume {
  readonly name: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Nanoseconds since 1970, in decimal: JSON has no such number. */
  readonly createdAt: string;
  /** What a driver of another plugin said of it; empty for the driver local. */
  readonly status: string;
  /** `making`: a kill now takes it back; `going`: at the next start its removal is finished. Neither is shown. */
  readonly state: 'making' | 'ready' | 'going';
}

/** A use of a volume that is open, or that was when the plugin was killed. */
export interface Attachment {
  readonly bootId: string;
  readonly number: number;
  /** False from the record before the first step until the last one. */
  readonly isComplete: boolean;
}

/** A container's claim on a volume, from create to remove. */
export interface Hold {
  /** The claim's object: container/claim. */
  readonly object: string;
  readonly container: string;
  readonly claim: string;
  readonly volume: string;
  /** JSON text of the claim's options, as they came. */
  readonly options: string;
  readonly attachment: Attachment | undefined;
}

export function isAnonymous(volume: Volume): boolean {
  return ANONYMOUS_LABEL in volume.labels;
}

export function newAnonymousName(): string {
  return randomBytes(32).toString('hex');
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** NAME_MAX of the file systems: the name is a directory's. */
const NAME_MAX_BYTES = 255;

/** Throws `invalid_argument` VOLUME_NAME_INVALID, in Docker's words. */
export function checkVolumeName(name: string): void {
  if (name.length === 1) {
    throw nameError(name, 'volume name is too short, names should be at least two alphanumeric characters');
  }
  if (!NAME.test(name)) {
    throw nameError(
      name,
      `${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
  if (name.length > NAME_MAX_BYTES) throw nameError(name, `a volume name has at most ${NAME_MAX_BYTES} characters`);
}

function nameError(name: string, why: string): CleatError {
  return new CleatError('invalid_argument', 'VOLUME_NAME_INVALID', `create ${name}: ${why}`);
}

export function volumeNotFound(name: string): CleatError {
  return new CleatError('not_found', 'VOLUME_NOT_FOUND', `get ${name}: no such volume`);
}

/** The id of the container that a use is of, as Docker's events name it. */
export interface UseProperties {
  readonly container: string;
  readonly target: string;
  readonly readonly: boolean;
  readonly propagation: string;
}

export function volumeEvent(past: 'created' | 'removed', volume: Volume): providerTypes.EventInput {
  return { type: `volume.${past}`, subject: volume.name, labels: volume.labels, properties: { driver: volume.driver } };
}

export function mountedEvent(volume: Volume, use: UseProperties): providerTypes.EventInput {
  return {
    type: 'volume.mounted',
    subject: volume.name,
    labels: volume.labels,
    properties: {
      driver: volume.driver,
      container: use.container,
      destination: use.target,
      propagation: use.propagation,
      'read/write': String(!use.readonly),
    },
  };
}

export function unmountedEvent(volume: Volume, container: string): providerTypes.EventInput {
  return { type: 'volume.unmounted', subject: volume.name, labels: volume.labels, properties: { driver: volume.driver, container } };
}
