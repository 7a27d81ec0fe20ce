// The contract between the kernel, the clients of streams and the process `streams`, which holds the monitors' attach sockets and fans
// them out. All of them meet at one Unix socket (0600). The first line of a connection says what it is.
//
// 1. Control, by the kernel: requests as JSON lines, a Hello first, each answered by a line with its id; and events from streams. The kernel
//    may die and come back at any time: the answer to its Hello tells all that is held. Of two kernels the newer one is told of events.
// 2. A client with a ticket: a ClientLine, and nothing is answered. The stream is this connection, unless an open descriptor comes with the
//    line (SCM_RIGHTS): then it is that one, and this connection is closed. The ticket is good once.
//
// What a client sees: with a terminal the bytes as they are; else Docker's frames, [stream, 0, 0, 0, length as 4 bytes big-endian] and payload,
// whether it asks for `docker` or for `raw`. With `chunked` every piece of that is a chunk of HTTP/1.1, and the empty one ends it.
// What a client sends is its stdin. Closing its half ends stdin where `stdinOnce` says so, and otherwise nothing.
// A client that waits gets {"StatusCode":0}, or {"StatusCode":127,"Error":{"Message":"..."}}, and a line feed.

/** Raised when either side can't be understood by the other one; a newer kernel then starts a process of its own beside the old one. */
export const PROTOCOL_VERSION = 2;

/** How long a ticket waits for its client. */
export const TICKET_MS = 60_000;

export interface Hello {
  readonly type: 'hello';
  readonly protocol: number;
}

/** A container or exec with clients, or with a monitor's socket that is kept open. */
export interface HeldTarget {
  readonly target: string;
  /** Of the monitor's socket that is open; 0: none. */
  readonly run: number;
  /** Attached clients and open tickets. */
  readonly sessions: number;
  /** What clients wait for. */
  readonly waits: readonly WaitCondition[];
  /** An exec of `streams` itself; its exit code once it has ended, until an Exited says that the kernel knows it. */
  readonly exec?: { readonly exitCode: number | null };
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/** A place for one client at the streams of a target's run; it gets everything from now on. */
export interface OfferAttach {
  readonly type: 'offer-attach';
  readonly token: string;
  /** Container or exec id. */
  readonly target: string;
  /** The run that it sees: the one that is, or the next one. */
  readonly run: number;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly terminal: boolean;
  /** The process keeps a stdin. */
  readonly openStdin: boolean;
  /** It ends with the first client that had it. Without it, or with a terminal, the monitor keeps stdin open whoever leaves. */
  readonly stdinOnce: boolean;
  /** With a terminal: what closes the client's stream without ending the process, "ctrl-p,ctrl-q"; empty: nothing. */
  readonly detachKeys: string;
}

/**
 * One more process in a running container, for one client. `streams` runs the OCI runtime's exec command, which leaves the process to it, and is
 * its parent from then on: it holds the pipes and learns the exit code. Answered when the process runs, or could not be made.
 */
export interface Exec extends Omit<OfferAttach, 'type' | 'terminal' | 'detachKeys'> {
  readonly type: 'exec';
  readonly program: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** Written by the runtime. */
  readonly pidFile: string;
}

/** A place for one client that gets the exit code. */
export interface OfferWait {
  readonly type: 'offer-wait';
  readonly token: string;
  readonly target: string;
  readonly condition: WaitCondition;
}

/** Opens the monitor's socket for those who wait for this run; before the process is let run, so that nothing is missed. Done already: fine. */
export interface Connect {
  readonly type: 'connect';
  readonly target: string;
  readonly run: number;
  readonly attachPath: string;
  /** Its clients get the end of their streams when an Exited has said that the kernel knows it. */
  readonly isExec: boolean;
}

/** The run is over, or could not begin. Who waited for it in vain leaves; who is attached leaves after the last output. */
export interface Exited {
  readonly type: 'exited';
  readonly target: string;
  readonly run: number;
  readonly exitCode: number;
  readonly error: string;
  /** By policy: who waits for `not-running` waits on. */
  readonly willRestart: boolean;
}

/** The target is gone; nobody waits any longer. */
export interface Removed {
  readonly type: 'removed';
  readonly target: string;
  readonly exitCode: number;
}

/**
 * The platform goes down, so no kernel will come soon: the process ends with its last client, at once when it has none. What it holds
 * is answered. A new Hello takes this back.
 */
export interface Leave {
  readonly type: 'leave';
}

export type Command = OfferAttach | OfferWait | Connect | Exec | Exited | Removed;

export type Request = (Hello | Command | Leave) & { readonly id: number };

export interface Answer {
  readonly id: number;
  readonly error?: { readonly class: string; readonly code: string; readonly message: string };
  /** To a Hello: the version of streams; with another one than was asked for it closes. */
  readonly protocol?: number;
  /** To a Hello and a Leave. */
  readonly held?: readonly HeldTarget[];
  /** To a Hello: of `streams`. To an Exec: of the process; 0 when the runtime could not make it, and said `complaint`. */
  readonly pid?: number;
  readonly complaint?: string;
}

/** The number of attached clients and open tickets of a target has changed. */
export interface SessionsEvent {
  readonly event: 'sessions';
  readonly target: string;
  readonly sessions: number;
}

/** An exec of `streams` itself has ended. Its clients get the end of their streams when the kernel has recorded it and says Exited. */
export interface EndedEvent {
  readonly event: 'ended';
  readonly target: string;
  readonly exitCode: number;
}

export type Framing = 'docker' | 'raw' | 'chunked';

export interface ClientLine {
  readonly token: string;
  readonly framing: Framing;
  /** Base64 of what has been read from the client already. */
  readonly head?: string;
}
