import { type FSWatcher, watch } from 'node:fs';
import { type ExitPlace, type ExitReport, readExit } from './exit.ts';
import { isMonitorAlive, type MonitorIdentity, type MonitorLink } from './monitor.ts';

/** A run of a container, or an exec, that has not ended. */
export interface WatchedRun extends ExitPlace {
  /** The caller's name for it, unique: container and run, or the exec's id. */
  readonly key: string;
  readonly monitor: MonitorIdentity;
  /** Of a monitor that this process started: its death is known at once instead of by the next look. */
  readonly link?: MonitorLink;
}

/** monitor-lost: it was killed, what it watched may live on, and nobody will know its exit code. */
export type RunEnd = { readonly type: 'exited'; readonly report: ExitReport } | { readonly type: 'monitor-lost' };

export interface ExitWatcherOptions {
  /** Called once for each run, never from within `watch`. */
  readonly onEnd: (key: string, end: RunEnd) => void;
}

interface Entry {
  readonly run: WatchedRun;
  /** Undefined where no more directories can be watched: the look at all monitors finds its end then. */
  readonly watcher: FSWatcher | undefined;
  readonly onClose: () => void;
}

/** A process closes its pipes a moment before it counts as ended. */
const ENDING_MS = [0, 5, 50, 300];

const LOOK_MS = 2000;
/** A pid is taken anew rarely, so its start time is compared in one look of ten. */
const LOOKS_PER_CHECK = 10;

/**
 * Tells the end of runs: at once by their exit file, and within two seconds where a monitor was killed and its link is not ours.
 */
export class ExitWatcher {
  readonly #onEnd: ExitWatcherOptions['onEnd'];
  readonly #entries = new Map<string, Entry>();
  readonly #timer: NodeJS.Timeout;
  #looks = 0;

  constructor(options: ExitWatcherOptions) {
    this.#onEnd = options.onEnd;
    this.#timer = setInterval(() => {
      this.#lookAtAll();
    }, LOOK_MS).unref();
  }

  /** Begins to watch a run, also one that has ended already. */
  watch(run: WatchedRun): void {
    this.unwatch(run.key);
    const check = (): void => {
      this.#check(run.key);
    };
    const onClose = (): void => {
      for (const ms of ENDING_MS) setTimeout(check, ms).unref();
    };
    this.#entries.set(run.key, { run, watcher: watchDirectory(run.exitDir, check), onClose });
    run.link?.once('close', onClose).resume();
    // After the watch has begun, else an exit between the two would be missed.
    setImmediate(check);
    if (run.link?.destroyed === true) onClose();
  }

  unwatch(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    entry.watcher?.close();
    entry.run.link?.off('close', entry.onClose).destroy();
  }

  close(): void {
    clearInterval(this.#timer);
    for (const key of [...this.#entries.keys()]) this.unwatch(key);
  }

  #check(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    // In this order: a monitor that has gone wrote its file before.
    const isAlive = isMonitorAlive(entry.run.monitor);
    const report = readExit(entry.run);
    if (report === undefined && isAlive) return;
    this.unwatch(key);
    this.#onEnd(key, report === undefined ? { type: 'monitor-lost' } : { type: 'exited', report });
  }

  #lookAtAll(): void {
    this.#looks += 1;
    const isFull = this.#looks % LOOKS_PER_CHECK === 0;
    for (const [key, { run, watcher }] of this.#entries) {
      // A link says by its end what a look would find.
      if (watcher !== undefined && run.link?.destroyed === false) continue;
      if (isFull || watcher === undefined || !exists(run.monitor.pid)) this.#check(key);
    }
  }
}

/** A microsecond, so that a look at hundreds of monitors costs nothing. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    // ESRCH, or a process of somebody else under the same pid.
    return false;
  }
}

function watchDirectory(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, onChange);
    // The directory went: its end is found by the next look.
    watcher.on('error', () => undefined);
    return watcher;
  } catch {
    // Out of inotify watches (fs.inotify.max_user_watches), which is no reason to lose an exit.
    return undefined;
  }
}
