import { type FSWatcher, watch } from 'node:fs';
import type { EventItem } from '@cleat/sdk';

/** Where inotify has no more watches to give, files are looked at this often. */
const POLL_MS = 250;
/** An end that no event told of (it came before the subscription was there, or was lost in a gap) is found by asking, ever more rarely. */
const ASK_AFTER_MS: readonly number[] = [1_000, 5_000, 15_000];

/** What has happened to a followed log; the numbers only grow. */
export interface LogWatch {
  /** Something was written, or anything below happened. */
  readonly version: number;
  /** The list of segments may be another. */
  readonly listVersion: number;
  /** The run that was followed has ended, or the container is gone. */
  readonly isEnded: boolean;
  /** Resolves when the version is no longer that one, or the signal aborts. */
  change(version: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface LogWatchesParts {
  /** Events from now on; called while somebody follows, and only then. */
  readonly subscribe: (types: readonly string[], signal: AbortSignal) => AsyncIterable<EventItem>;
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Watches the logs that somebody follows: one watch a container, however many follow it. Costs nothing while nobody does. */
export class LogWatches {
  readonly #parts: LogWatchesParts;
  readonly #watched = new Map<string, WatchedLog>();
  #subscription: AbortController | undefined;

  constructor(parts: LogWatchesParts) {
    this.#parts = parts;
  }

  /** Begins to watch a container's directory of segments. */
  open(container: string, directory: string): LogWatch {
    let log = this.#watched.get(container);
    if (log === undefined) {
      log = new WatchedLog(directory);
      this.#watched.set(container, log);
    }
    const shared = log;
    shared.followers += 1;
    if (this.#subscription === undefined) this.#subscribe();
    let isOpen = true;
    return {
      get version() {
        return shared.version;
      },
      get listVersion() {
        return shared.listVersion;
      },
      get isEnded() {
        return shared.isEnded;
      },
      change: (version, signal) => shared.change(version, signal),
      close: () => {
        if (isOpen) this.#leave(container, shared);
        isOpen = false;
      },
    };
  }

  #leave(container: string, log: WatchedLog): void {
    log.followers -= 1;
    if (log.followers > 0) return;
    log.close();
    if (this.#watched.get(container) === log) this.#watched.delete(container);
    if (this.#watched.size > 0) return;
    this.#subscription?.abort();
    this.#subscription = undefined;
  }

  #subscribe(): void {
    const controller = new AbortController();
    this.#subscription = controller;
    void this.#listen(controller.signal);
  }

  async #listen(signal: AbortSignal): Promise<void> {
    try {
      for await (const item of this.#parts.subscribe(['container.exited', 'container.removed'], signal)) {
        if (item.type === 'event') this.#end(item.event.subject);
        else for (const log of this.#watched.values()) log.askAgain();
      }
    } catch (error) {
      // Ends are then found by asking.
      if (!signal.aborted) this.#parts.warn('events of containers cannot be followed', { error });
    }
  }

  /** Whoever follows the next run follows it anew. */
  #end(container: string): void {
    this.#watched.get(container)?.end();
    this.#watched.delete(container);
  }
}

class WatchedLog {
  followers = 0;
  version = 0;
  listVersion = 0;
  isEnded = false;
  readonly #wakers = new Set<() => void>();
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #ask: NodeJS.Timeout | undefined;
  #asked = 0;

  constructor(directory: string) {
    this.#watch(directory);
    this.#askLater();
  }

  change(version: number, signal: AbortSignal): Promise<void> {
    if (this.version !== version || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  end(): void {
    this.isEnded = true;
    this.askAgain();
  }

  askAgain(): void {
    this.listVersion += 1;
    this.#wake();
  }

  close(): void {
    this.#watcher?.close();
    clearInterval(this.#poll);
    clearTimeout(this.#ask);
    this.#wake();
  }

  #wake(): void {
    this.version += 1;
    for (const wake of this.#wakers) wake();
  }

  #watch(directory: string): void {
    try {
      this.#watcher = watch(directory, { persistent: false }, (event) => (event === 'rename' ? this.askAgain() : this.#wake()));
      this.#watcher.on('error', () => this.#pollInstead());
    } catch {
      // ENOSPC: the user's inotify watches are used up. ENOENT: the container is about to go.
      this.#pollInstead();
    }
  }

  #pollInstead(): void {
    if (this.#poll !== undefined) return;
    this.#watcher?.close();
    this.#poll = setInterval(() => this.askAgain(), POLL_MS);
    this.#poll.unref();
  }

  #askLater(): void {
    const delay = ASK_AFTER_MS[Math.min(this.#asked, ASK_AFTER_MS.length - 1)];
    this.#asked += 1;
    this.#ask = setTimeout(() => {
      this.askAgain();
      this.#askLater();
    }, delay);
    this.#ask.unref();
  }
}
