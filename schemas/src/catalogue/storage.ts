import type { ErrorFacts } from './facts.ts';

export const STORAGE_ERRORS: Readonly<Record<string, ErrorFacts>> = {
  VOLUME_CLAIM_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The options of a volume claim cannot be read.',
    cure: 'The message says where.',
  },
  VOLUME_CLAIM_UNKNOWN: {
    classes: ['not_found'],
    meaning: 'The storage plugin holds no such claim.',
    cure: 'Remove the container and make it again.',
  },
  VOLUME_DATA_MISSING: { classes: ['not_found'], meaning: 'The directory of a volume is gone.', cure: 'Restore it, or remove the volume.' },
  VOLUME_DRIVER_NOT_FOUND: {
    classes: ['not_found'],
    meaning: 'There is no volume driver of that name.',
    cure: 'Install the plugin, or use local.',
  },
  VOLUME_FILTER_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A filter is not known or has no such value.',
    cure: 'The message names it.',
  },
  VOLUME_IN_USE: { classes: ['conflict'], meaning: 'Containers hold the volume.', cure: 'Remove them first.' },
  VOLUME_MOUNT_FAILED: {
    classes: [],
    meaning: 'A file system that a volume stands for could not be mounted.',
    cure: 'The message has the reason; look at the options of the volume.',
  },
  VOLUME_NAME_CONFLICT: {
    classes: ['conflict'],
    meaning: 'There is a volume of that name with another driver.',
    cure: 'Choose another name.',
  },
  VOLUME_NAME_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A name of a volume is not valid.',
    cure: 'Use [a-zA-Z0-9][a-zA-Z0-9_.-]*.',
  },
  VOLUME_NOT_FOUND: { classes: ['not_found'], meaning: 'There is no such volume.', cure: '`docker volume ls` lists them.' },
  VOLUME_OPTION_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'An option of a volume has no such value.',
    cure: 'The message names it.',
  },
  VOLUME_OPTION_UNSUPPORTED: { classes: ['unimplemented'], meaning: 'An option of a volume is not supported.', cure: 'Leave it out.' },
  VOLUME_STORE_DAMAGED: {
    classes: ['internal'],
    meaning: 'The store of the storage plugin has a record that is none of its own.',
    cure: 'Restore its state directory from a backup.',
  },
  VOLUME_STORE_UNKNOWN: {
    classes: ['internal'],
    meaning: 'The store of the storage plugin was written by a newer version.',
    cure: 'Install that version again.',
  },
  VOLUME_SUBPATH_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A path below a volume cannot be used.',
    cure: 'The message says why.',
  },
  VOLUME_TYPE_UNSUPPORTED: {
    classes: ['unimplemented'],
    meaning: 'The driver local does not mount that type of file system.',
    cure: 'Mount it on the host and bind it.',
  },
  VOLUME_DRIVER_ANSWER: {
    classes: ['internal'],
    meaning: 'A volume driver of a third party answered what cannot be used.',
    cure: 'Report it to the author of the driver.',
  },
};
