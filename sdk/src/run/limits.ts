/** The run-time's named times. */

/** One hello: the kernel answers it from memory. */
export const HELLO_MS = 10_000;
/** Between two hellos that the kernel did not take: it may be restarting, so the first come soon. */
export const HELLO_BACKOFF = { baseMs: 200, factor: 2, maxMs: 10_000 } as const;
/** A plugin alone in its process ends it after so many refusals, so that whoever looks at the process sees them. */
export const ALONE_TRIES = 3;
/** The kernel reconciles every kind before it answers `ready`. */
export const READY_MS = 180_000;
/** One heartbeat; the next one is due anyway. */
export const BEAT_MS = 4_000;
/** What a plugin that is told to stop may take to answer what it was asked. */
export const DRAIN_MS = 10_000;
/** What its tasks, its own closing and its outbox may take after that. */
export const CLOSE_MS = 3_000;
/** At an upgrade the old instance still has the journal open until it has drained. */
export const JOURNAL_LOCK_MS = 15_000;
/** One read of the registry. */
export const REGISTRY_MS = 5_000;
/** How long a call waits for a plugin that is starting. */
export const STARTING_MS = 5_000;
/** Progress renews the deadline of a call at most up to this, when the caller sets no limit. */
export const PROGRESS_LIMIT_MS = 3_600_000;
