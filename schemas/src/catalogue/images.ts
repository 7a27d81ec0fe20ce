import type { ErrorFacts } from './facts.ts';

export const IMAGES_ERRORS: Readonly<Record<string, ErrorFacts>> = {
  IMAGE_ARCHIVE_CORRUPT: { classes: ['invalid_argument'], meaning: 'An archive is damaged.', cure: 'Make it again.' },
  IMAGE_ARCHIVE_ENTRY_UNSUPPORTED: {
    classes: ['invalid_argument'],
    meaning: 'An archive holds an entry of a type that is not known.',
    cure: 'Make it with GNU tar or docker.',
  },
  IMAGE_ARCHIVE_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'An archive is not one of images.',
    cure: 'Give the output of `docker save` or an OCI layout; use import for the files of a system.',
  },
  IMAGE_ARCHIVE_TRUNCATED: { classes: ['invalid_argument'], meaning: 'An archive was cut off.', cure: 'Send it again.' },
  IMAGE_BLOB_CORRUPT: {
    classes: ['internal'],
    meaning: 'A file of the image store has another content than its name says.',
    cure: 'Remove the image and load it again; check the disk.',
  },
  IMAGE_BLOB_DIGEST_MISMATCH: {
    classes: ['invalid_argument'],
    meaning: 'A part of an archive has another digest than it should.',
    cure: 'Make the archive again.',
  },
  IMAGE_BLOB_MISSING: { classes: ['internal'], meaning: 'The image store lacks a file.', cure: 'Remove the image and load it again.' },
  IMAGE_CHANGE_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A change given to an import cannot be applied.',
    cure: 'See the Dockerfile instructions that import knows.',
  },
  IMAGE_CLAIM_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The options of a root claim cannot be read.',
    cure: 'The message says where.',
  },
  IMAGE_COMPRESSION_UNSUPPORTED: {
    classes: ['unimplemented'],
    meaning: 'The host lacks the program for a compression.',
    cure: 'Install the program that the message names, or use gzip.',
  },
  IMAGE_CONFIG_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The configuration of an image cannot be read.',
    cure: 'Build the image again.',
  },
  IMAGE_DIGEST_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A digest is not well formed.',
    cure: 'Write it as sha256: and 64 hexadecimal digits.',
  },
  IMAGE_DRIVER_CHANGED: {
    classes: ['conflict'],
    meaning: 'The image store was made for another driver.',
    cure: 'Set that driver again, or use an empty state directory.',
  },
  IMAGE_DRIVER_UNAVAILABLE: {
    classes: ['unavailable'],
    meaning: 'overlayfs cannot be mounted in the state directory.',
    cure: 'Use a state directory on ext4 or xfs, or the driver vfs.',
  },
  IMAGE_FILTER_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A filter is not known or has no such value.',
    cure: 'The message names it.',
  },
  IMAGE_INDEX_CORRUPT: {
    classes: ['internal'],
    meaning: 'The index of images cannot be read.',
    cure: 'Restore the state directory from a backup.',
  },
  IMAGE_INDEX_VERSION: {
    classes: ['internal'],
    meaning: 'The index of images was written by another version.',
    cure: 'Install that version again, or a newer one.',
  },
  IMAGE_IN_USE: { classes: ['conflict'], meaning: 'A container uses the image.', cure: 'Remove the container, or use force.' },
  IMAGE_LAYER_CORRUPT: { classes: ['invalid_argument'], meaning: 'A layer cannot be unpacked.', cure: 'Make the archive again.' },
  IMAGE_LAYER_DIGEST_MISMATCH: {
    classes: ['invalid_argument'],
    meaning: 'A layer has another content than the configuration says.',
    cure: 'Make the archive again.',
  },
  IMAGE_LAYER_ID_NOT_MAPPED: {
    classes: ['invalid_argument'],
    meaning: 'A file of the image belongs to an id that the user namespace does not map.',
    cure: 'Map more ids, or change the owner in the image.',
  },
  IMAGE_LAYER_MISSING: { classes: ['internal'], meaning: 'The image store lacks a layer.', cure: 'Remove the image and load it again.' },
  IMAGE_LAYER_PATH_ESCAPES: {
    classes: ['invalid_argument'],
    meaning: 'A layer holds a path that leaves its root.',
    cure: 'Do not trust that image.',
  },
  IMAGE_NOT_FOUND: {
    classes: ['not_found'],
    meaning: 'There is no such image here.',
    cure: '`docker images` lists them; load or import it first.',
  },
  IMAGE_PATTERN_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A pattern of a filter is not well formed.',
    cure: 'Close its brackets.',
  },
  IMAGE_PLATFORM_INVALID: { classes: ['invalid_argument'], meaning: 'A platform is not well formed.', cure: 'Write it as linux/amd64.' },
  IMAGE_PLATFORM_UNSUPPORTED: {
    classes: ['unimplemented'],
    meaning: 'An image is for another operating system.',
    cure: 'Use one for linux.',
  },
  IMAGE_REFERENCED: {
    classes: ['conflict'],
    meaning: 'More than one name, or another image, refers to the image.',
    cure: 'Remove those first, or use force.',
  },
  IMAGE_REFERENCE_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A name of an image is not well formed.',
    cure: 'Write it as name:tag in lower case.',
  },
  IMAGE_ROOT_UNKNOWN: {
    classes: ['not_found'],
    meaning: 'No root file system is reserved for a container.',
    cure: 'Remove the container and make it again.',
  },
  IMAGE_STATE_DIR_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The state directory has a character that mount(2) cannot take.',
    cure: 'Choose one without `:`, `,` and backslash.',
  },
  IMAGE_STORAGE_OPTION_UNSUPPORTED: {
    classes: ['unimplemented', 'invalid_argument'],
    meaning: 'A storage option is not supported.',
    cure: 'Leave it out.',
  },
  IMAGE_STORE_FAILED: { classes: ['internal'], meaning: 'The image store could not be read or written.', cure: 'The message says why.' },
  IMAGE_STORE_FULL: {
    classes: ['resource_exhausted'],
    meaning: 'There is no space left for images.',
    cure: 'Remove images, or free space otherwise.',
  },
  IMAGE_STREAM_INVALID: {
    classes: ['internal'],
    meaning: 'A stream gave something that is not bytes.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  IMAGE_TIME_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A time of a filter cannot be read.',
    cure: 'Write a time (RFC 3339, seconds) or a duration (1h30m).',
  },
  IMAGE_WORKER_FAILED: {
    classes: ['internal'],
    meaning: 'The program that unpacks layers failed.',
    cure: 'Look at the log of the plugin.',
  },
};
