import type { ErrorFacts } from './facts.ts';

export const SDK_ERRORS: Readonly<Record<string, ErrorFacts>> = {
  BLKIO_WEIGHT_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The weight for block devices is out of range.',
    cure: 'Choose 10 to 1000, or 0 for none.',
  },
  CALL_LATE: {
    classes: ['deadline_exceeded'],
    meaning: 'A call was past its deadline before it could begin.',
    cure: 'Repeat with more time.',
  },
  CAPABILITY_UNKNOWN: { classes: ['invalid_argument'], meaning: 'Linux has no capability of that name.', cure: 'See capabilities(7).' },
  CLIENT_CLOSED: {
    classes: ['cancelled'],
    meaning: 'The connection to the node was closed by the program itself.',
    cure: 'Connect again.',
  },
  ARCHIVE_UNUSABLE: {
    classes: ['invalid_argument'],
    meaning: 'A tar archive is none, or has an entry that may not be unpacked there.',
    cure: 'The message names it.',
  },
  COMMAND_MISSING: {
    classes: ['invalid_argument'],
    meaning: 'Neither the image nor the request says what to run.',
    cure: 'Give a command.',
  },
  CPUSET_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A list of CPUs or memory nodes cannot be read.',
    cure: 'Write it as `0-2,4`.',
  },
  CPUSET_UNAVAILABLE: {
    classes: ['invalid_argument'],
    meaning: 'The host has no such CPUs or memory nodes.',
    cure: 'Choose from those that the message names.',
  },
  CPUS_UNAVAILABLE: {
    classes: ['invalid_argument'],
    meaning: 'More CPUs are asked for than the host has.',
    cure: 'Choose at most the number in the message.',
  },
  CPU_PERIOD_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The period of the CPU limit is out of range.',
    cure: 'Choose 1000 to 1000000 microseconds.',
  },
  CPU_QUOTA_TOO_SMALL: {
    classes: ['invalid_argument'],
    meaning: 'The quota of the CPU limit is too small.',
    cure: 'Choose at least 1000 microseconds.',
  },
  CPU_SHARES_NEGATIVE: {
    classes: ['invalid_argument'],
    meaning: 'CPU shares are negative.',
    cure: 'Choose 2 or more, or 0 for the default.',
  },
  CPU_SHARES_TOO_SMALL: {
    classes: ['invalid_argument'],
    meaning: 'CPU shares are too few.',
    cure: 'Choose 2 or more, or 0 for the default.',
  },
  CREDENTIALS_MISSING: {
    classes: ['unavailable'],
    meaning: "The file with a plugin's credentials cannot be read.",
    cure: 'Start the plugin by the kernel, which writes it.',
  },
  DRIVER_SLOW: {
    classes: ['deadline_exceeded'],
    meaning: 'A driver does not say in time that it knows what it holds.',
    cure: 'Look at the log of the plugin that the error names.',
  },
  ENV_INVALID: { classes: ['invalid_argument'], meaning: 'An environment variable has no name.', cure: 'Write it as NAME=value.' },
  EVENT_NOT_GRANTED: {
    classes: ['permission_denied'],
    meaning: 'A plugin may not publish events of that type.',
    cure: 'Declare it in `events.publishes` of the manifest and install the plugin again.',
  },
  EVENT_NUMBER: {
    classes: ['conflict'],
    meaning: 'An event of a plugin came before the one that precedes it.',
    cure: 'Send them again from the number that `details.durable` names.',
  },
  EXTRA_HOST_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A line for /etc/hosts cannot be read.',
    cure: 'Write it as name:address.',
  },
  FENCED: {
    classes: ['conflict'],
    meaning: 'A call is older than one that the plugin has seen, or of another boot.',
    cure: 'Nothing: a newer call holds. A plugin must refuse it.',
  },
  HAND_OVER_SLOW: {
    classes: ['deadline_exceeded'],
    meaning: 'The process that holds the streams did not take a connection in time.',
    cure: 'Attach again.',
  },
  HELLO_FIRST: {
    classes: ['conflict', 'internal'],
    meaning: 'A plugin called the kernel before it said hello.',
    cure: 'Say hello first; after a restart of the kernel, again.',
  },
  HELLO_INVALID: { classes: ['invalid_argument'], meaning: 'A hello lacks a field.', cure: 'See docs/plugin-authors/handshake.md.' },
  HELLO_NAME: {
    classes: ['permission_denied'],
    meaning: "A plugin said another name than its account's.",
    cure: 'Say the name that the manifest has.',
  },
  INCOMPATIBLE: {
    classes: ['conflict', 'unavailable'],
    meaning: 'Plugin and Cleat have no version of a contract in common.',
    cure: 'The message says which of the two to upgrade.',
  },
  INTERCEPTOR_AWAY: {
    classes: ['permission_denied'],
    meaning: 'A plugin that must judge the operation is away or silent, which denies.',
    cure: 'Bring it back, or disable it with `cleat plugin disable`.',
  },
  KERNEL_AWAY: {
    classes: ['unavailable'],
    meaning: 'The kernel is away.',
    cure: 'Repeat in a moment; `cleat status` says whether it comes back.',
  },
  LEDGER_DAMAGED: {
    classes: ['internal'],
    meaning: 'The list of what drivers hold has a record that is none of its own.',
    cure: 'Restore the state directory of the plugin from a backup.',
  },
  LEDGER_FORMAT: {
    classes: ['internal'],
    meaning: 'The list of what drivers hold was written by a newer version of the plugin.',
    cure: 'Install that version again.',
  },
  MEMORY_NEGATIVE: { classes: ['invalid_argument'], meaning: 'A memory limit is negative.', cure: 'Choose 6 MB or more, or 0 for none.' },
  MEMORY_RESERVATION_TOO_LARGE: {
    classes: ['invalid_argument'],
    meaning: 'The reservation is larger than the limit.',
    cure: 'Choose a smaller one.',
  },
  MEMORY_RESERVATION_TOO_SMALL: { classes: ['invalid_argument'], meaning: 'The reservation is under 6 MB.', cure: 'Choose 6 MB or more.' },
  MEMORY_SWAPPINESS_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'Swappiness is out of range.',
    cure: 'Choose 0 to 100, or -1 for the default.',
  },
  MEMORY_SWAP_ALONE: {
    classes: ['invalid_argument'],
    meaning: 'A limit of memory and swap has no limit of memory beside it.',
    cure: 'Set both.',
  },
  MEMORY_SWAP_NEGATIVE: {
    classes: ['invalid_argument'],
    meaning: 'The limit of memory and swap is below -1.',
    cure: 'Choose -1 for no limit.',
  },
  MEMORY_SWAP_TOO_SMALL: {
    classes: ['invalid_argument'],
    meaning: 'The limit of memory and swap is smaller than that of memory.',
    cure: 'It counts both: choose at least the limit of memory.',
  },
  MEMORY_TOO_SMALL: { classes: ['invalid_argument'], meaning: 'The memory limit is under 6 MB.', cure: 'Choose 6 MB or more.' },
  MOUNT_TARGET_RELATIVE: {
    classes: ['invalid_argument'],
    meaning: 'The path of a mount in the container is not absolute.',
    cure: 'Begin it with a slash.',
  },
  MOUNT_TARGET_ROOT: {
    classes: ['invalid_argument'],
    meaning: 'A mount would cover the root of the container.',
    cure: 'Choose a directory below it.',
  },
  MOUNT_TARGET_TWICE: {
    classes: ['invalid_argument'],
    meaning: 'Two mounts have the same path in the container.',
    cure: 'Leave one of them out.',
  },
  NODE_NOT_RUNNING: {
    classes: ['unavailable'],
    meaning: 'No node answers in the run directory.',
    cure: 'Start it with `cleat up`, or name another with `--run-dir`.',
  },
  OBJECT_EXISTS: {
    classes: ['already_exists'],
    meaning: 'A driver holds an object of that name already.',
    cure: 'Use it, or remove it first.',
  },
  OBJECT_UNKNOWN: { classes: ['not_found'], meaning: 'No driver holds the object.', cure: 'Create it first.' },
  OPERATOR_FILE_INVALID: {
    classes: ['internal'],
    meaning: "The file with the operator's access is not what the kernel writes.",
    cure: 'Restart the platform, which writes it anew.',
  },
  OPERATOR_ONLY: {
    classes: ['permission_denied'],
    meaning: "The operator's access may be read by root alone.",
    cure: 'Run the command as root.',
  },
  OUTBOX_DAMAGED: {
    classes: ['internal'],
    meaning: 'The outbox of a plugin has a record that is none of its own.',
    cure: 'Move the directory `outbox` of the plugin away; events in it are lost.',
  },
  OUTBOX_FORMAT: {
    classes: ['internal'],
    meaning: 'The outbox was written by a newer version of the plugin.',
    cure: 'Install that version again.',
  },
  OUTBOX_FULL: {
    classes: ['resource_exhausted'],
    meaning: 'Too many events wait for the kernel.',
    cure: 'Bring the kernel back; then they go out.',
  },
  PLUGIN_AWAY: {
    classes: ['unavailable'],
    meaning: 'The plugin that should answer is not there.',
    cure: 'Look at its state with `cleat plugin ls` and at its log.',
  },
  PLUGIN_CLOSE_SLOW: {
    classes: ['deadline_exceeded'],
    meaning: 'A plugin did not end in time when it was told to stop.',
    cure: 'Look at its log for what it waited for.',
  },
  PLUGIN_HANDLERS: {
    classes: ['internal'],
    meaning: 'A manifest names a role for which the plugin gives no handlers.',
    cure: 'Give them in setup, or take the role out of the manifest.',
  },
  PLUGIN_MODULE: {
    classes: ['invalid_argument'],
    meaning: 'The module of a plugin does not export one.',
    cure: 'Export `plugin`, made by `definePlugin`.',
  },
  PLUGIN_NOT_READY: {
    classes: ['deadline_exceeded'],
    meaning: 'In a test, a plugin was not ready in time.',
    cure: 'Look at what it wrote.',
  },
  PLUGIN_SETUP: {
    classes: ['internal'],
    meaning: 'The set-up of a plugin failed.',
    cure: 'The message has the reason; correct its configuration.',
  },
  PLUGIN_STOPPING: { classes: ['cancelled', 'unavailable'], meaning: 'The plugin is being stopped.', cure: 'Repeat the request.' },
  PORT_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A port cannot be read.',
    cure: 'Write it as 80 or 80/tcp, between 1 and 65535.',
  },
  RECONCILE_FIRST: { classes: ['unavailable'], meaning: 'A plugin has not yet answered its reconcile.', cure: 'Repeat in a moment.' },
  RECONCILE_PAGE: {
    classes: ['conflict'],
    meaning: 'A page of a reconcile came out of order.',
    cure: 'The caller begins again with page 0.',
  },
  REFERENCE_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The reference of a call on a claim is not complete.',
    cure: 'It needs an object, a boot id and a number.',
  },
  ROOT_MISSING: {
    classes: ['invalid_argument', 'internal'],
    meaning: 'A container has nothing to run from.',
    cure: 'Give an image, or a root file system directory.',
  },
  RUN_FILE_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The run file of a plugin cannot be read.',
    cure: 'Start the plugin by the kernel, which writes it.',
  },
  STREAM_GONE: {
    classes: ['unavailable'],
    meaning: 'A stream cannot be opened: its ticket is used up or its owner has ended.',
    cure: 'Ask for a new one.',
  },
  STREAM_PATH: { classes: ['internal'], meaning: 'The path of a socket for a stream is too long.', cure: 'Choose a shorter `--run-dir`.' },
  TARGET_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'In a test, a provider or driver was named wrongly.',
    cure: 'Name a provider by its kind, a driver by kind/name.',
  },
  ULIMIT_INVALID: { classes: ['invalid_argument'], meaning: 'The soft limit is over the hard one.', cure: 'Write it as name=soft:hard.' },
  ULIMIT_UNKNOWN: { classes: ['invalid_argument'], meaning: 'Linux has no resource limit of that name.', cure: 'See getrlimit(2).' },
  WELCOME_UNREADABLE: { classes: ['internal'], meaning: "The kernel's answer to a hello cannot be read.", cure: 'Upgrade Cleat.' },
  WORKING_DIR_RELATIVE: {
    classes: ['invalid_argument'],
    meaning: 'The working directory is not absolute.',
    cure: 'Begin it with a slash.',
  },
  PLUGIN_NAME_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A name is none for a plugin.',
    cure: 'Use a letter or digit, then those and "-", at most 40.',
  },
  DIRECTORY_NOT_EMPTY: {
    classes: ['already_exists'],
    meaning: 'A scaffold would write into a directory that is not empty.',
    cure: 'Choose another directory.',
  },
  NAMESPACE_MISSING: {
    classes: ['unavailable'],
    meaning: 'A test could not make a network namespace.',
    cure: 'Run it as root, with unshare of util-linux.',
  },
};
