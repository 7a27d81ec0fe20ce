import type { ErrorFacts } from './facts.ts';

export const KERNEL_CONTAINERS_ERRORS: Readonly<Record<string, ErrorFacts>> = {
  BIND_SOURCE_MISSING: {
    classes: ['invalid_argument'],
    meaning: 'The host path of a bind mount does not exist.',
    cure: 'Make it, or use `-v`, which makes it.',
  },
  CAPABILITY_UNAVAILABLE: {
    classes: ['invalid_argument'],
    meaning: 'The host cannot give a capability.',
    cure: 'Leave it out.',
  },
  CGROUP_PARENT_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'The parent cgroup is not named as the cgroup driver wants it.',
    cure: 'With systemd name a slice, `xxx.slice`.',
  },
  CLIENT_DATA: {
    classes: ['invalid_argument'],
    meaning: 'The data that a client wants remembered is over 64 KB.',
    cure: 'Remember less.',
  },
  CONTAINER_AMBIGUOUS: {
    classes: ['invalid_argument'],
    meaning: 'More than one container has an id that begins so.',
    cure: 'Give more digits.',
  },
  CONTAINER_EXISTS: {
    classes: ['already_exists'],
    meaning: 'Another request made a container of that id.',
    cure: 'Make a new id for each container.',
  },
  CONTAINER_ID: {
    classes: ['invalid_argument'],
    meaning: 'The id of a new container is not well formed.',
    cure: 'Make 64 hexadecimal digits at random.',
  },
  CONTAINER_NAME: {
    classes: ['invalid_argument'],
    meaning: 'A name of a container is not valid.',
    cure: 'Use [a-zA-Z0-9][a-zA-Z0-9_.-]*.',
  },
  CONTAINER_NAME_SAME: {
    classes: ['invalid_argument'],
    meaning: 'A container is to be given the name that it has.',
    cure: 'Choose another name.',
  },
  CONTAINER_NAME_TAKEN: {
    classes: ['already_exists'],
    meaning: 'Another container has the name.',
    cure: 'Remove or rename that one, or choose another name.',
  },
  CONTAINER_NOT_FOUND: {
    classes: ['not_found'],
    meaning: 'No container has that id, name or beginning of an id.',
    cure: '`docker ps -a` lists them.',
  },
  CONTAINER_NOT_PAUSED: { classes: ['conflict'], meaning: 'The container is not paused.', cure: 'Nothing: it runs.' },
  CONTAINER_NOT_RUNNING: { classes: ['conflict'], meaning: 'The container does not run.', cure: 'Start it.' },
  CONTAINER_PAUSED: { classes: ['conflict'], meaning: 'The container is paused.', cure: 'Unpause it first.' },
  CONTAINER_RESTARTING: {
    classes: ['conflict'],
    meaning: 'The container is about to be started again by its policy.',
    cure: 'Wait until it runs, or stop it.',
  },
  CONTAINER_RUNNING: {
    classes: ['conflict'],
    meaning: 'The container runs.',
    cure: 'Stop it first, or remove it with force.',
  },
  CONTAINER_SIZE: {
    classes: ['invalid_argument'],
    meaning: 'A container with all its settings is over 768 KB.',
    cure: 'Move data from labels, environment or arguments into a file.',
  },
  CONTAINER_STATE: {
    classes: ['conflict'],
    meaning: 'The container is in a state in which this cannot be done.',
    cure: 'The message names the state.',
  },
  CONTAINER_VIEWED: {
    classes: ['conflict'],
    meaning: 'The file system of the container is being copied from or to.',
    cure: 'Repeat when that has ended.',
  },
  COPY_UP_FAILED: {
    classes: ['internal'],
    meaning: 'A volume could not be filled from the image.',
    cure: 'The message says why; look at the space on the disk.',
  },
  CREATE_FAILED: {
    classes: ['internal'],
    meaning: 'A container could not be made; all of it was undone.',
    cure: 'The message has the reason.',
  },
  DEVICE_NOT_FOUND: {
    classes: ['invalid_argument'],
    meaning: 'The host has no such device.',
    cure: 'Look at the path.',
  },
  DEVICE_RULE_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A rule for devices cannot be read.',
    cure: 'Write it as `c 1:3 rwm`.',
  },
  EXEC_ID: {
    classes: ['invalid_argument'],
    meaning: 'The id of a new exec is not well formed.',
    cure: 'Make 64 hexadecimal digits at random.',
  },
  EXEC_NOT_FOUND: {
    classes: ['not_found'],
    meaning: 'There is no exec of that id.',
    cure: 'Create one; it is forgotten with its container.',
  },
  EXEC_NOT_RUNNING: {
    classes: ['conflict'],
    meaning: 'The exec does not run.',
    cure: 'Start it, or create a new one.',
  },
  EXEC_STARTED: { classes: ['conflict'], meaning: 'The exec was started before.', cure: 'Create a new one.' },
  GROUP_NOT_FOUND: {
    classes: ['invalid_argument'],
    meaning: 'The container has no group of that name.',
    cure: 'Give its number, or add it to /etc/group of the image.',
  },
  HOOK_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A plugin named a point for a hook that no runtime has.',
    cure: 'See the OCI runtime specification for the points.',
  },
  ID_MAPPING_MISSING: {
    classes: ['invalid_argument'],
    meaning: 'A user namespace of its own has no mapping of ids.',
    cure: 'Give a mapping.',
  },
  INIT_DIED: {
    classes: ['conflict', 'internal'],
    meaning: 'The process ended before it was let run.',
    cure: 'The message has the words of the runtime.',
  },
  INIT_MISSING: {
    classes: ['invalid_argument'],
    meaning: 'The host has no init program for containers.',
    cure: 'Install the package tini.',
  },
  KILL_FAILED: {
    classes: ['internal'],
    meaning: 'A process did not end after SIGKILL.',
    cure: 'Look for processes in uninterruptible sleep (state D).',
  },
  LABELS: {
    classes: ['invalid_argument'],
    meaning: 'Labels are over 256 KB.',
    cure: 'Move data from labels into a file.',
  },
  LOG_ROTATION_TIMEOUT: {
    classes: ['deadline_exceeded'],
    meaning: 'A monitor did not begin a new log segment in time.',
    cure: 'Nothing: it is tried again.',
  },
  MONITOR_DIED: {
    classes: ['internal'],
    meaning: 'conmon ended without an answer.',
    cure: 'Look at the log of the kernel; `cleat doctor` checks conmon.',
  },
  MONITOR_FAILED: {
    classes: ['internal'],
    meaning: 'conmon could not be talked to.',
    cure: '`cleat doctor` checks conmon.',
  },
  MONITOR_GONE: {
    classes: ['conflict'],
    meaning: 'The monitor of a process has ended.',
    cure: 'The process has ended.',
  },
  MONITOR_KILL_TIMEOUT: {
    classes: ['deadline_exceeded'],
    meaning: 'Processes of an undone start do not end.',
    cure: 'Look for processes in uninterruptible sleep (state D).',
  },
  MONITOR_MISSING: { classes: ['unavailable'], meaning: 'conmon cannot be run.', cure: 'Install the package conmon.' },
  MONITOR_TIMEOUT: {
    classes: ['deadline_exceeded'],
    meaning: 'conmon did not answer in time.',
    cure: 'Look at the load of the host.',
  },
  MOUNT_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A mount cannot be made as written.',
    cure: 'The message says why.',
  },
  MOUNT_SOURCE: {
    classes: ['invalid_argument'],
    meaning: 'The host path of a mount is not absolute.',
    cure: 'Begin it with a slash.',
  },
  MOUNT_TARGET: {
    classes: ['invalid_argument'],
    meaning: 'The path of a mount in the container is not absolute.',
    cure: 'Begin it with a slash.',
  },
  MOUNT_TYPE: {
    classes: ['invalid_argument'],
    meaning: 'A mount is neither a bind nor a tmpfs.',
    cure: 'Use a volume for anything else.',
  },
  NAMESPACE_PATH_MISSING: {
    classes: ['internal'],
    meaning: 'A namespace to be shared was not found.',
    cure: 'This is a fault of Cleat: report it, with the log of the kernel.',
  },
  PROCESS_NOT_EXECUTABLE: {
    classes: ['invalid_argument'],
    meaning: 'The program to run cannot be executed.',
    cure: 'Look at its mode and at what it was built for.',
  },
  PROCESS_NOT_FOUND: {
    classes: ['invalid_argument'],
    meaning: 'The program to run is not in the container.',
    cure: 'Look at its name and at PATH.',
  },
  RESTART_AUTOREMOVE: {
    classes: ['invalid_argument'],
    meaning: 'A container that is removed when it ends cannot have a restart policy.',
    cure: 'Leave one of the two out.',
  },
  RESTART_POLICY: {
    classes: ['invalid_argument'],
    meaning: 'A restart policy is not valid.',
    cure: 'Use no, on-failure[:n], always or unless-stopped.',
  },
  ROOT_PATH: {
    classes: ['invalid_argument'],
    meaning: 'A directory of a root file system has a character that mount(2) cannot take.',
    cure: 'Choose a state directory without `:` and `,`.',
  },
  ROOT_TYPE: {
    classes: ['unimplemented'],
    meaning: 'A plugin describes a root file system of a type that is not known.',
    cure: 'Upgrade Cleat, or the plugin.',
  },
  RUNTIME_FAILED: { classes: ['internal'], meaning: 'The OCI runtime failed.', cure: 'The message has its words.' },
  RUNTIME_MISSING: {
    classes: ['unavailable'],
    meaning: 'The OCI runtime cannot be run.',
    cure: 'Install the package runc.',
  },
  RUNTIME_TIMEOUT: {
    classes: ['deadline_exceeded'],
    meaning: 'The OCI runtime did not end in time.',
    cure: 'Look at the load of the host.',
  },
  RUNTIME_UNKNOWN: {
    classes: ['invalid_argument'],
    meaning: 'No OCI runtime of that name is configured.',
    cure: '`docker info` lists them.',
  },
  SECCOMP_PROFILE_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A seccomp profile cannot be read.',
    cure: 'The message says where.',
  },
  SIGNAL: {
    classes: ['invalid_argument'],
    meaning: 'There is no such signal.',
    cure: 'Give a name or number of signal(7).',
  },
  START_FAILED: {
    classes: ['unavailable', 'internal'],
    meaning: 'A start failed.',
    cure: 'The message has the reason.',
  },
  START_INTERRUPTED: {
    classes: ['internal'],
    meaning: 'The kernel was killed amid a start, which was undone.',
    cure: 'Start the container again.',
  },
  START_TIMEOUT: {
    classes: ['deadline_exceeded'],
    meaning: 'A process was not let run in time.',
    cure: 'Look at the load of the host, then start again.',
  },
  STREAMS_GONE: {
    classes: ['unavailable'],
    meaning: 'The process that holds the streams has ended.',
    cure: 'Attach again.',
  },
  STREAMS_PROTOCOL: {
    classes: ['invalid_argument'],
    meaning: 'The process that holds the streams was told something it does not know.',
    cure: 'Restart the platform after an upgrade.',
  },
  STREAMS_SILENT: {
    classes: ['deadline_exceeded'],
    meaning: 'The process that holds the streams does not answer.',
    cure: 'Look at the load of the host.',
  },
  STREAMS_START: {
    classes: ['internal'],
    meaning: 'The process that holds the streams could not be started.',
    cure: 'Look at the log of the kernel.',
  },
  STREAMS_VERSION: {
    classes: ['unavailable'],
    meaning: 'The process that holds the streams is of another version of Cleat.',
    cure: 'Detach its clients; it ends by itself and the new one starts.',
  },
  USER_NAMESPACE_CONFLICT: {
    classes: ['invalid_argument'],
    meaning: 'A namespace of the host cannot be joined from a user namespace of its own.',
    cure: 'Leave one of the two out.',
  },
  USER_NOT_FOUND: {
    classes: ['invalid_argument'],
    meaning: 'The container has no user of that name.',
    cure: 'Give its number, or add it to /etc/passwd of the image.',
  },
  NAMESPACE_SHARING: {
    classes: ['unimplemented'],
    meaning: 'A namespace of another container that cannot be shared yet: ipc or uts.',
    cure: 'Share network or pid namespaces; use the host for ipc.',
  },
  USER_OUT_OF_RANGE: {
    classes: ['invalid_argument'],
    meaning: 'The number of a user or group is out of range.',
    cure: 'Choose 0 to 2147483647.',
  },
  VIEW_NOT_FOUND: {
    classes: ['not_found'],
    meaning: 'There is no such view; its lease may have ended.',
    cure: 'Open a new one.',
  },
  VIEW_SCOPE: { classes: ['invalid_argument'], meaning: 'A view is of `root` or of `all`.', cure: 'Use one of these.' },
  WAIT_CONDITION_INVALID: {
    classes: ['invalid_argument'],
    meaning: 'A condition to wait for is not known.',
    cure: 'Use not-running, next-exit or removed.',
  },
};
