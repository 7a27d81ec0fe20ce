import type { ErrorFacts } from './facts.ts';

export const KERNEL_PLUGINS_ERRORS: Readonly<Record<string, ErrorFacts>> = {
  CLAIM_EXISTS: {
    classes: ['already_exists'],
    meaning: 'The container has a claim of that name.',
    cure: 'Choose another name, or remove it first.',
  },
  CLAIM_IN_USE: { classes: ['conflict'], meaning: 'The running process was built on the claim.', cure: 'Stop the container first.' },
  CLAIM_NAME: {
    classes: ['invalid_argument'],
    meaning: 'A name of a claim is not valid or used twice.',
    cure: 'Use [a-z0-9][a-z0-9._-]*, each once.',
  },
  CLAIM_NEEDS_START: {
    classes: ['conflict'],
    meaning: 'A claim gives something that a running container cannot take.',
    cure: 'Stop the container first.',
  },
  CLAIM_NOT_FOUND: {
    classes: ['not_found'],
    meaning: 'The container has no claim of that name.',
    cure: '`cleat inspect` lists its claims.',
  },
  CLAIM_OPTIONS: {
    classes: ['invalid_argument'],
    meaning: 'The options of a claim do not fit the schema of its kind.',
    cure: 'The message names the option.',
  },
  CONSUMER_EXISTS: {
    classes: ['already_exists'],
    meaning: 'There is a consumer of that name.',
    cure: 'Choose another, or remove it with `cleat consumer rm`.',
  },
  CONSUMER_NAME: {
    classes: ['invalid_argument'],
    meaning: 'A name of a consumer is not valid.',
    cure: 'Use [a-z0-9][a-z0-9-]*, at most 40 characters.',
  },
  CONSUMER_NOT_FOUND: { classes: ['not_found'], meaning: 'There is no consumer of that name.', cure: '`cleat consumer ls` lists them.' },
  CONSUMER_NOT_GRANTED: {
    classes: ['permission_denied'],
    meaning: 'The account has no durable position in the stream.',
    cure: 'Set `events.durable` in the manifest and install the plugin again.',
  },
  CONTRIBUTION_CLASH: {
    classes: ['conflict'],
    meaning: 'Two plugins both set one thing of the container.',
    cure: 'Leave one of the two claims out.',
  },
  CONTRIBUTION_NOT_GRANTED: {
    classes: ['permission_denied'],
    meaning: 'A plugin gave something that it was not granted.',
    cure: 'Grant it by `permissions` of the manifest, or use another plugin.',
  },
  DENIED: { classes: ['permission_denied'], meaning: 'A plugin that judges requests refused it.', cure: 'The message has its reason.' },
  DETACH_LATE: {
    classes: ['deadline_exceeded'],
    meaning: 'A plugin had no time left to give back what it gave.',
    cure: 'Nothing: it is owed, and done when the plugin is back.',
  },
  DRIVER_IN_USE: {
    classes: ['conflict'],
    meaning: 'There are volumes, networks or other objects of the driver that is to go.',
    cure: 'Remove them first, or use force: they stay, and are of no use until the plugin is back.',
  },
  DRIVER_TAKEN: {
    classes: ['conflict'],
    meaning: 'Another plugin is the driver of that name.',
    cure: 'Disable that one first, or rename the driver.',
  },
  EVENTS_NOT_GRANTED: {
    classes: ['permission_denied'],
    meaning: 'The account may not read events of that type.',
    cure: 'Add it to `events.consumes` of the manifest and install the plugin again.',
  },
  EVENT_FILTER: {
    classes: ['invalid_argument'],
    meaning: 'A filter of events cannot be read.',
    cure: 'Write `*`, `container.*` or `container.exited`.',
  },
  GRANT_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A grant cannot be read.',
    cure: 'Give a JSON object, or nothing for what the manifest asks for.',
  },
  HELLO_STALE: { classes: ['conflict'], meaning: 'A newer start of the plugin has said hello.', cure: 'End the older process.' },
  KERNEL_ORDER: {
    classes: ['internal'],
    meaning: 'A part of the kernel was used before it was made.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  KIND_TAKEN: {
    classes: ['conflict'],
    meaning: 'Another plugin provides the kind.',
    cure: 'Disable that one first: a kind has one provider on a node.',
  },
  KIND_UNKNOWN: {
    classes: ['invalid_argument'],
    meaning: 'No plugin provides claims of the kind.',
    cure: 'Install one, or leave the claim out.',
  },
  MANIFEST_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A manifest has a fault.',
    cure: 'The message names it; schemas/manifest.schema.json has the rules.',
  },
  MANIFEST_MISSING: {
    classes: ['not_found'],
    meaning: 'The directory of a plugin has no manifest.json.',
    cure: 'Give the directory that holds it.',
  },
  PLUGIN_DEFAULT: {
    classes: ['already_exists', 'conflict'],
    meaning: 'The plugin is one of the configuration.',
    cure: 'Take it out of the configuration, or disable it.',
  },
  PLUGIN_DISABLED: { classes: ['unavailable'], meaning: 'A disabled plugin said hello.', cure: 'Enable it with `cleat plugin enable`.' },
  PLUGIN_GONE: {
    classes: ['unavailable'],
    meaning: 'A plugin was removed, replaced or given up while it was asked.',
    cure: 'Repeat the request.',
  },
  PLUGIN_IN_USE: {
    classes: ['conflict'],
    meaning: 'Containers use what the plugin provides.',
    cure: 'Remove them, or use force: they run on.',
  },
  PLUGIN_NOT_FOUND: { classes: ['not_found'], meaning: 'There is no plugin of that name.', cure: '`cleat plugin ls` lists them.' },
  STORE_NOT_OPEN: {
    classes: ['internal'],
    meaning: 'The store of the kernel was used before it was open.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  STREAM_REBUILDING: { classes: ['unavailable'], meaning: 'The stream of events is being built anew.', cure: 'Repeat in a moment.' },
};
