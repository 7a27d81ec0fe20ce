/** Every time limit of the engine, in milliseconds. */
export const RESERVE_MS = 120_000;
export const ATTACH_MS = 60_000;
export const PROVIDER_START_MS = 10_000;
export const CREATE_PROCESS_MS = 60_000;
export const GO_MS = 10_000;
/** All detaches after an exit; the rest is owed. */
export const DETACH_MS = 2_000;
export const RELEASE_MS = 10_000;
export const CLEAN_MS = 5_000;
export const KILL_MS = 10_000;
export const FREEZE_MS = 10_000;
export const UPDATE_MS = 30_000;

/** Docker's back-off between restarts by policy: doubled each time, forgotten after ten seconds of running. */
export const RESTART_FIRST_MS = 100;
export const RESTART_MOST_MS = 60_000;
export const RESTART_FORGET_MS = 10_000;
/** Between two looks at what a restart by policy waits for. */
export const RESTART_LOOK_MS = 250;

export const CLIENT_BYTES: number = 64 * 1024;
export const CONTAINER_BYTES: number = 768 * 1024;
export const LABEL_BYTES: number = 256 * 1024;
