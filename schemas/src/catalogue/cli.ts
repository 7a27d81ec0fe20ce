import type { ErrorFacts } from './facts.ts';

export const CLI_ERRORS: Readonly<Record<string, ErrorFacts>> = {
  ALREADY_UP: { classes: ['conflict'], meaning: 'Cleat runs in that run directory.', cure: 'Use it, or name another with `--run-dir`.' },
  CONFIG_INVALID: { classes: ['invalid_argument'], meaning: 'The configuration has a fault.', cure: 'The message names it.' },
  CONFIG_MISSING: { classes: ['not_found'], meaning: 'There is no configuration file of that name.', cure: 'Look at `--config`.' },
  COPY_NOT_A_DIRECTORY: {
    classes: ['invalid_argument'],
    meaning: 'A copy goes into a directory, and there is something else in its place.',
    cure: 'Name another place.',
  },
  COPY_READONLY: {
    classes: ['permission_denied'],
    meaning: 'A copy goes into a file system that is read-only.',
    cure: 'Name another place.',
  },
  COPY_SOURCE_MISSING: { classes: ['not_found'], meaning: 'What is to be copied is not there.', cure: 'Look at the path.' },
  COPY_TARGET_MISSING: { classes: ['not_found'], meaning: 'The directory that a copy goes into is not there.', cure: 'Make it first.' },
  DOWN_SLOW: { classes: ['deadline_exceeded'], meaning: 'The platform did not end in time.', cure: 'Look at the log of the kernel.' },
  FILE_UNUSABLE: { classes: ['invalid_argument'], meaning: 'A file given to a command cannot be used.', cure: 'The message says why.' },
  FLAGS_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The flags of a command cannot be read.',
    cure: '`cleat help COMMAND` lists them.',
  },
  HOSTS_TOO_MANY: { classes: ['invalid_argument'], meaning: 'Too many addresses to listen at.', cure: 'Give fewer `--host`.' },
  HOST_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'An address to listen at cannot be read.',
    cure: 'Write unix:///path or tcp://address:port.',
  },
  NOT_BUILT: { classes: ['unavailable'], meaning: 'Cleat is not built.', cure: 'Run `npm run build`.' },
  NOT_ROOT: { classes: ['permission_denied'], meaning: 'The command needs root.', cure: 'Run it as root.' },
  PLUGIN_NOT_STARTED: {
    classes: ['deadline_exceeded'],
    meaning: 'The kernel has not started a plugin in time.',
    cure: 'Look at its state with `cleat plugin ls` and at its log.',
  },
  PLUGIN_RUNS: {
    classes: ['conflict'],
    meaning: 'The platform runs the plugin already.',
    cure: 'Start the platform without it, or remove it first.',
  },
  PLUGIN_UNKNOWN: { classes: ['not_found'], meaning: 'No plugin of that name is part of Cleat.', cure: 'Look at `--plugins`.' },
  PLUGINS_NOT_READY: {
    classes: ['unavailable'],
    meaning: 'Cleat is up, and a plugin that it started with is not ready in time.',
    cure: 'The message names it; look at its log and at `cleat status`.',
  },
  PROGRAM_MISSING: {
    classes: ['unavailable'],
    meaning: 'A program that Cleat needs is not installed.',
    cure: 'Install the package that the message names.',
  },
  STREAMS_LOST: { classes: ['unavailable'], meaning: 'The connection to a command was lost; the command runs on.', cure: 'Attach again.' },
  NOTHING_FOUND: { classes: ['not_found'], meaning: 'Nothing of that name is there.', cure: 'List what is.' },
};
