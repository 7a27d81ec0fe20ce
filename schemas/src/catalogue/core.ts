import type { ErrorFacts } from './facts.ts';

export const CORE_ERRORS: Readonly<Record<string, ErrorFacts>> = {
  ADDRESS_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'Text that should be an IP address is none.',
    cure: 'Write an IPv4 or IPv6 address.',
  },
  ANSWER_UNREADABLE: {
    classes: ['internal'],
    meaning: 'A plugin answered with something that is not the answer of the operation.',
    cure: 'Look at the log of the plugin that the error names, and upgrade it.',
  },
  BUS_BAD_ANSWER: {
    classes: ['internal'],
    meaning: 'A call failed with an error that cannot be read.',
    cure: 'Upgrade the plugin that the error names.',
  },
  BUS_BOOK_UNREADABLE: {
    classes: ['internal'],
    meaning: 'The file with the accounts of the bus cannot be read.',
    cure: 'Restore the state directory from a backup.',
  },
  BUS_CALL_CANCELLED: {
    classes: ['cancelled'],
    meaning: 'Who asked gave up; the work was stopped and undone.',
    cure: 'Ask again if it is still wanted.',
  },
  BUS_CALL_NOT_GRANTED: {
    classes: ['permission_denied'],
    meaning: 'The caller may not use the operation.',
    cure: 'Add it to `uses` in the manifest and install the plugin again.',
  },
  BUS_CALL_TIMEOUT: {
    classes: ['deadline_exceeded'],
    meaning: 'The plugin that the error names did not answer in time.',
    cure: 'Look at its state with `cleat plugin ls` and at its log.',
  },
  BUS_CLAIMS_OPEN: {
    classes: ['internal'],
    meaning: 'An account without limits was about to be issued.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  BUS_CLAIMS_REFUSED: {
    classes: ['internal'],
    meaning: 'The bus server does not accept an account.',
    cure: 'Look at the log of the bus server in the state directory.',
  },
  BUS_CONSUMER_EXISTS: {
    classes: ['conflict'],
    meaning: 'The account has a durable consumer already.',
    cure: 'Use it, or remove it first.',
  },
  BUS_CREDENTIALS_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'Credentials for the bus cannot be read.',
    cure: 'Start the plugin by the kernel, which writes them anew.',
  },
  BUS_DOWN: {
    classes: ['unavailable'],
    meaning: 'The bus cannot be reached. What was asked may have been done or not.',
    cure: 'Repeat the request; the platform restarts the bus by itself.',
  },
  BUS_DRAINED: { classes: ['unavailable'], meaning: 'The plugin is shutting down and takes nothing new.', cure: 'Repeat the request.' },
  BUS_HEADER_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A header of a message cannot be sent.',
    cure: 'Leave line breaks and control characters out.',
  },
  BUS_KEY_INVALID: {
    classes: ['internal', 'invalid_argument'],
    meaning: 'A key of an account cannot be read.',
    cure: 'Restore the state directory from a backup.',
  },
  BUS_LEAF_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The address or credentials of the outer NATS are not valid.',
    cure: 'Look at `--nats` and `--nats-creds`.',
  },
  BUS_MESSAGE_TOO_LARGE: {
    classes: ['invalid_argument', 'resource_exhausted'],
    meaning: 'A message is over 1 MB.',
    cure: 'Ask for less at a time.',
  },
  BUS_NO_ANSWER: {
    classes: ['deadline_exceeded'],
    meaning: 'The bus server did not answer a request in time.',
    cure: 'Look at the load of the host.',
  },
  BUS_OPERATION_REUSED: {
    classes: ['conflict'],
    meaning: 'An operation id was used for another operation before.',
    cure: 'Make a new id for each operation; keep it for repetitions only.',
  },
  BUS_PARTICIPANT_UNKNOWN: {
    classes: ['not_found', 'internal'],
    meaning: 'Nobody of that name is on the bus.',
    cure: 'Look at the name with `cleat plugin ls`.',
  },
  BUS_REQUEST_MALFORMED: {
    classes: ['invalid_argument'],
    meaning: 'A request lacks a header or has one that is not valid.',
    cure: 'See docs/plugin-authors/handshake.md for the headers of a request.',
  },
  BUS_SERVER_FAILED: {
    classes: ['unavailable'],
    meaning: 'nats-server could not be started.',
    cure: 'Look at its log in the state directory.',
  },
  BUS_SERVER_MISSING: {
    classes: ['unavailable'],
    meaning: 'nats-server is not installed, or is too old.',
    cure: 'Install the package nats-server.',
  },
  BUS_STREAM_FAILED: {
    classes: ['unavailable', 'internal'],
    meaning: 'The stream of events refused an operation.',
    cure: 'Look at the log of the bus server and the space on the disk.',
  },
  BUS_SUBJECT_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A name or pattern cannot be part of a subject.',
    cure: 'An event pattern is `<noun>.<action>`, with stars.',
  },
  BUS_TOO_MANY_CALLS: {
    classes: ['resource_exhausted'],
    meaning: 'One caller has too many calls under way.',
    cure: 'Wait for some of them before the next.',
  },
  CAPABILITIES_UNREADABLE: {
    classes: ['internal'],
    meaning: 'The capabilities of the process cannot be read from /proc.',
    cure: 'Mount /proc.',
  },
  CGROUP_BUSY: { classes: ['conflict'], meaning: 'A cgroup cannot be removed while something is in it.', cure: 'End its processes.' },
  CGROUP_FREEZE_TIMEOUT: {
    classes: ['deadline_exceeded'],
    meaning: 'Processes do not stand still in time.',
    cure: 'Look for processes in uninterruptible sleep (state D).',
  },
  CGROUP_KILL_TIMEOUT: {
    classes: ['deadline_exceeded'],
    meaning: 'Processes do not end in time.',
    cure: 'Look for processes in uninterruptible sleep (state D).',
  },
  CGROUP_NOT_FOUND: { classes: ['not_found'], meaning: 'A cgroup does not exist.', cure: 'It ended already; nothing is to be done.' },
  CGROUP_NOT_MOUNTED: {
    classes: ['unavailable'],
    meaning: 'No cgroup file system is mounted.',
    cure: 'Mount it; `cleat doctor` says which are there.',
  },
  CGROUP_PATH_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A path is not one of a cgroup.',
    cure: 'Give a path below the root of the hierarchy.',
  },
  DESCRIPTORS_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A message with file descriptors is not well formed.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  DETACH_KEYS_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The keys that leave a terminal cannot be read.',
    cure: 'Write single characters or `ctrl-` and one, with commas between.',
  },
  ERROR_UNREADABLE: { classes: ['internal'], meaning: 'A plugin failed and could not say why.', cure: 'Look at its log.' },
  FILE_TOO_LARGE: { classes: ['resource_exhausted'], meaning: 'A file is larger than what is read into memory.', cure: 'Make it smaller.' },
  ID_MAP_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A mapping of user or group ids is not valid.',
    cure: 'Give at least one range, none over another.',
  },
  JOURNAL_CLOSED: { classes: ['unavailable'], meaning: 'The journal was closed.', cure: 'Repeat the request; its owner is restarting.' },
  JOURNAL_CORRUPT: {
    classes: ['internal'],
    meaning: 'The journal is damaged in the middle. Nothing was changed.',
    cure: 'Restore its directory from a backup, or move it away to begin empty.',
  },
  JOURNAL_FAILED: {
    classes: ['internal'],
    meaning: 'The disk refused to store the journal.',
    cure: 'Look at the log of the Linux kernel for errors of the disk, then restart.',
  },
  JOURNAL_FORMAT_UNKNOWN: {
    classes: ['internal'],
    meaning: 'The journal is of a format that this version does not know.',
    cure: 'Install the version that wrote it, or a newer one.',
  },
  JOURNAL_FULL: {
    classes: ['resource_exhausted'],
    meaning: 'There is no space left for the journal.',
    cure: 'Free space on its file system and repeat.',
  },
  JOURNAL_LOCKED: { classes: ['conflict'], meaning: 'Another process holds the journal.', cure: 'End the process that the message names.' },
  JOURNAL_POSITION_GONE: {
    classes: ['not_found'],
    meaning: 'A position is older than what the journal keeps.',
    cure: 'Read everything, then go on from where that ends.',
  },
  JOURNAL_RECORD_TOO_LARGE: {
    classes: ['invalid_argument'],
    meaning: 'A record is larger than the journal takes.',
    cure: 'Ask for less at a time.',
  },
  JOURNAL_ROTATING: {
    classes: ['conflict'],
    meaning: 'The journal is being rotated already.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  JOURNAL_SCHEMA_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A record has a name of a schema that cannot be kept.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  JOURNAL_SCHEMA_UNKNOWN: {
    classes: ['internal'],
    meaning: 'The journal has a record of a schema that this version does not know.',
    cure: 'Install the version that wrote it, or a newer one.',
  },
  NAMESPACE_HELPER: {
    classes: ['internal', 'deadline_exceeded', 'cancelled'],
    meaning: 'The helper that makes a namespace failed.',
    cure: '`cleat doctor` says which namespaces this host offers.',
  },
  NAMESPACE_NOT_PINNED: { classes: ['not_found'], meaning: 'A path is not a namespace.', cure: 'Its container has ended.' },
  NAMESPACE_WINDOW_ASYNC: {
    classes: ['internal'],
    meaning: 'Code tried to wait inside another network namespace.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  'NETLINK_*': {
    classes: [],
    meaning: 'The Linux kernel refused a change of the network; the errno follows: NETLINK_EEXIST.',
    cure: "The message has the Linux kernel's own words.",
  },
  NETLINK_ADDRESS_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'Text that should be an IP address is none.',
    cure: 'Write an IPv4 or IPv6 address.',
  },
  NETLINK_ANSWER_TOO_LONG: {
    classes: ['internal'],
    meaning: 'An answer of the Linux kernel does not fit.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  NETLINK_MAC_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'Text that should be a MAC address is none.',
    cure: 'Write it as 02:42:ac:11:00:02.',
  },
  NETLINK_NO_ANSWER: {
    classes: ['internal'],
    meaning: 'The Linux kernel did not answer a request about the network.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  NETLINK_PROTOCOL_UNKNOWN: {
    classes: ['invalid_argument'],
    meaning: 'A protocol is neither tcp nor udp nor sctp.',
    cure: 'Use one of these.',
  },
  NOT_A_DIRECTORY: {
    classes: ['already_exists'],
    meaning: 'Something that is not a directory is where one should be.',
    cure: 'Move it away.',
  },
  NOT_A_FILE: { classes: ['invalid_argument'], meaning: 'A path is neither a regular file nor a directory.', cure: 'Give another path.' },
  OPERATION_PREEMPTED: {
    classes: ['cancelled'],
    meaning: 'A stop, kill or removal of the container took the place of the operation.',
    cure: 'Nothing: that is what a later request asked for.',
  },
  PATH_INVALID: { classes: ['invalid_argument'], meaning: 'A path cannot be used.', cure: 'The message says why.' },
  ROOT_CLOSED: {
    classes: ['conflict'],
    meaning: 'A directory tree was used after it was closed.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  SCHEMA_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A JSON Schema cannot be used.',
    cure: 'Correct it in the manifest of the plugin.',
  },
  SCHEMA_PATTERN: {
    classes: ['invalid_argument'],
    meaning: 'A JSON Schema has a pattern that is too long.',
    cure: 'Shorten it to 200 characters.',
  },
  SOCKET_CLOSED: {
    classes: ['conflict'],
    meaning: 'A socket is closed or not yet connected.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  SOCKET_IN_USE: {
    classes: ['conflict'],
    meaning: 'Another process listens on the path.',
    cure: 'Choose another path, or end that process.',
  },
  SOCKET_PATH_TAKEN: { classes: ['already_exists'], meaning: 'Something that is not a socket has the path of one.', cure: 'Move it away.' },
  SOCKET_PATH_TOO_LONG: {
    classes: ['invalid_argument'],
    meaning: 'The path of a unix socket is too long.',
    cure: 'Choose a shorter directory.',
  },
  'SYSCALL_*': {
    classes: [],
    meaning: 'A system call failed; the errno follows: SYSCALL_ENOSPC.',
    cure: 'The message names the call and what it was about.',
  },
  SYSCALL_ELOOP: { classes: ['invalid_argument'], meaning: 'A path has too many symbolic links.', cure: 'Resolve the loop.' },
  SYSCALL_ENOSYS: {
    classes: ['unimplemented'],
    meaning: 'This processor or Linux kernel lacks a system call.',
    cure: '`cleat doctor` says what this host lacks.',
  },
  SYSCALL_LIBRARY: {
    classes: ['internal'],
    meaning: 'The installed koffi package is not the one that Cleat needs.',
    cure: 'Install the dependencies again with `npm ci`.',
  },
  TASK_GROUP_CLOSED: { classes: ['cancelled'], meaning: 'Work was not begun as its owner is shutting down.', cure: 'Repeat the request.' },
  TASK_GROUP_SLOW: {
    classes: ['deadline_exceeded'],
    meaning: 'Work did not end in time at a shutdown.',
    cure: 'Look at the log for what was left.',
  },
  TREE_HAS_MOUNTS: {
    classes: ['conflict'],
    meaning: 'A directory cannot be removed while something is mounted in it.',
    cure: 'Unmount what the message names.',
  },
  UNDO_INCOMPLETE: {
    classes: ['internal'],
    meaning: 'Something could not be taken back.',
    cure: 'The message says what; the next start tries again.',
  },
};
