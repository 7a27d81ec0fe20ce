import type { ErrorFacts } from './facts.ts';

export const GATEWAY_ERRORS: Readonly<Record<string, ErrorFacts>> = {
  ENDPOINT_EXISTS: { classes: ['permission_denied'], meaning: 'The container is on that network already.', cure: 'Disconnect it first.' },
  ENDPOINT_MISSING: { classes: ['permission_denied'], meaning: 'The container is not on that network.', cure: 'Connect it first.' },
  IMAGE_PLATFORM: {
    classes: ['not_found'],
    meaning: 'The image is of another platform than the one asked for.',
    cure: 'Leave `--platform` out, or load the other image.',
  },
  LISTEN_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The configuration of the gateway names something that cannot be listened at.',
    cure: 'Give an fd, a unix path, or a TCP host and port.',
  },
  NETWORK_MODE_CONTAINER: {
    classes: ['permission_denied'],
    meaning: "A container that shares another's network cannot join more networks.",
    cure: 'Make it with a network of its own.',
  },
  NETWORK_MODE_HOST: {
    classes: ['permission_denied'],
    meaning: "A container on the host's network cannot join more networks.",
    cure: 'Make it with a network of its own.',
  },
  NOT_SUPPORTED: {
    classes: ['unimplemented'],
    meaning: "The gateway does not offer that part of Docker's API.",
    cure: 'docs/SCOPE.md says what there is.',
  },
  PATH_NOT_FOUND: { classes: ['not_found'], meaning: 'The container has no such file.', cure: 'Look at the path.' },
  REQUEST_INVALID: { classes: ['invalid_argument'], meaning: 'A request cannot be read.', cure: 'The message says where.' },
  ROOT_READONLY: {
    classes: ['permission_denied'],
    meaning: 'The root file system of the container is read-only.',
    cure: 'Copy into a volume of it.',
  },
  STREAM_SLOW: {
    classes: ['deadline_exceeded'],
    meaning: 'The process that holds the streams did not take a connection in time.',
    cure: 'Attach again.',
  },
  VOLUME_READONLY: { classes: ['permission_denied'], meaning: 'The volume is mounted read-only.', cure: 'Copy elsewhere.' },
};
