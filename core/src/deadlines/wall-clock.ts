const WALL_OFFSET = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** Nanoseconds since 1970. */
export function wallClockNs(): bigint {
  const wall = BigInt(Date.now()) * 1_000_000n;
  const fine = WALL_OFFSET + process.hrtime.bigint();
  const drift = wall - fine;
  // The clock may be set while we run: the fine one is used only while it agrees.
  return drift > 2_000_000n || drift < -2_000_000n ? wall : fine;
}
