/** Milliseconds of a clock that never goes back. */
export const now = () => performance.now();

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function quantile(values, share) {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const low = Math.floor(place);
  const high = Math.ceil(place);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

export const median = (values) => quantile(values, 0.5);

/** What to add to `now()` for milliseconds since 1970; Date.now() alone has steps of one. */
export function realTimeOffset() {
  const before = Date.now();
  let at = before;
  while (at === before) at = Date.now();
  return at - now();
}

/** Calls `work` for 0 to count-1, `width` at a time. The first failure is thrown when all have ended. */
export async function inParallel(count, width, work) {
  const failures = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next++;
      try {
        await work(index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker));
  if (failures.length > 0) throw new Error(`${failures.length} of ${count} failed: ${failures[0].message}`, { cause: failures[0] });
}

/** Waits until `look` gives something, looking every few milliseconds. */
export async function until(what, limitMs, look) {
  const end = now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
    await sleep(3);
  }
}
