/** The bus's named times and sizes. Each was measured or follows from one that was; see docs/adr for the reasons. */

/** The wait before a broken connection is dialled again; the library's own 2 s would be most of every outage. */
export const RECONNECT_WAIT_MS = 50;
/** After this many failed dials in a row the wait is `RECONNECT_SLOW_MS`: the server is not merely restarting. */
export const RECONNECT_FAST_ATTEMPTS = 100;
export const RECONNECT_SLOW_MS = 500;
/** The failed dials in a row (a second's worth) before the log hears of it. */
export const RECONNECT_TOLD_ATTEMPTS = 20;
/** One dial: connect, greeting, challenge. */
export const DIAL_TIMEOUT_MS = 2_000;
/** A server that answers none of two pings is gone. The system connection looks more often: it has the server restarted. */
export const PING_INTERVAL_MS = 15_000;
export const SYSTEM_PING_INTERVAL_MS = 3_000;
export const PING_MAX_OUT = 2;

/** The largest message, headers included; the server's `max_payload`. */
export const MAX_MESSAGE_BYTES = 1_048_576;

/** Who works on a call says so this often. */
export const WORKING_INTERVAL_MS = 2_000;
/** Who hears nothing about a call for this long sends it again. */
export const SILENCE_MS = 5_000;
/**
 * The same shortly after a reconnect, or when the server says that nobody listens: the callee is reconnecting too, and what is
 * sent before it is back vanishes. Doubled with each repetition.
 */
export const RESEND_AFTER_RECONNECT_MS = 200;
/** How long after a reconnect that holds. */
export const RECONNECT_SETTLE_MS = 2_000;
/** How long a call that was never sent waits for the bus. */
export const BUS_GRACE_MS = 2_000;

/** How long a finished operation's answer is kept for a repeated request, and how many of them and bytes at most. */
export const REMEMBER_MS = 600_000;
export const REMEMBER_COUNT = 4_096;
export const REMEMBER_BYTES = 4_194_304;
/** Operations of one caller that may run at a time: a runaway caller is refused instead of exhausting the callee. */
export const RUNNING_PER_CALLER = 1_024;

/** What the server's start, stop and adoption may take. */
export const SERVER_START_MS = 5_000;
export const SERVER_STOP_MS = 2_000;
export const SERVER_PROBE_MS = 2_000;
/** A server that is alive but admits nobody for this long is ended and started again. */
export const SERVER_HUNG_MS = 20_000;
/** How often the server's process is looked at; its end is also told by its exit and by the system connection. */
export const SERVER_WATCH_MS = 5_000;
export const SERVER_LOG_BYTES = 8_388_608;
/** One request to the server's own services. */
export const SYSTEM_REQUEST_MS = 5_000;
/** The wait before an account that the server could not be told is told again. */
export const RETELL_MS = 1_000;
