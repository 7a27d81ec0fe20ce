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
