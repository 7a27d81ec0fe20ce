/** @typedef {import('./run-tap.mjs').Counts} Counts */

/** A step without a test passes for ever, so it fails. */
export async function expectFiles(files, run) {
  if (files.length > 0) return run();
  console.log('FAIL there is no test file for this step');
  return { ...noCounts(), failed: 1 };
}

/** @returns {Counts} */
export function noCounts() {
  return { passed: 0, failed: 0, skipped: [] };
}

/**
 * @param {Counts} sum
 * @param {Counts} more
 */
export function add(sum, more) {
  sum.passed += more.passed;
  sum.failed += more.failed;
  sum.skipped.push(...more.skipped);
}
