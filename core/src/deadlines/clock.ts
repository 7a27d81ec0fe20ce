/** The longest time setTimeout can count; a longer one would fire at once. */
export const MAX_TIMER_MS: number = 0x7fff_ffff;

/** CLOCK_MONOTONIC in milliseconds, with fractions. `performance.now()` is another clock: it starts anew with each process. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Calls `callback` once at `atMs` of CLOCK_MONOTONIC (never for Infinity); the result takes it back. */
export function armTimer(atMs: number, callback: () => void): () => void {
  if (atMs === Number.POSITIVE_INFINITY) return () => undefined;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const remainingMs = Math.max(0, atMs - monotonicMs());
    if (remainingMs > MAX_TIMER_MS) timer = setTimeout(arm, MAX_TIMER_MS);
    else timer = setTimeout(callback, Math.ceil(remainingMs));
  };
  arm();
  return () => clearTimeout(timer);
}

/**
 * Milliseconds until the next whole multiple of `everyMs` of CLOCK_MONOTONIC, and at least a tenth of it. Who looks at something again and
 * again waits so long: all that is due in an idle process, or on a host, is done at one moment, and each is woken once for it.
 */
export function untilWhole(everyMs: number): number {
  const remainingMs = Math.ceil(everyMs - (monotonicMs() % everyMs));
  return remainingMs < everyMs / 10 ? remainingMs + everyMs : remainingMs;
}

/** Calls `look` at the whole multiples of `everyMs`, without keeping the process for it; the result ends that. */
export function everyWhole(everyMs: number, look: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    timer = setTimeout(() => {
      arm();
      look();
    }, untilWhole(everyMs));
    timer.unref();
  };
  arm();
  return () => clearTimeout(timer);
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      disarm();
      reject(signal?.reason);
    };
    const disarm = armTimer(monotonicMs() + Math.max(0, ms), () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
