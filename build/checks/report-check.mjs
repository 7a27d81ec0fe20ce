/**
 * Runs one check and prints a line about it, and what is wrong below that.
 * @param {import('./checks.mjs').Check} check
 * @param {string} root
 * @returns {Promise<boolean>} true when it passed
 */
export async function reportCheck(check, root) {
  const startedAt = performance.now();
  const { ok, summary, report } = await check.run(root);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const columns = [ok ? 'ok  ' : 'FAIL', check.name.padEnd(12), summary.padEnd(20), seconds.padStart(5), 's ', check.what];
  console.log(columns.join(' '));
  if (!ok) console.log(`${report.trimEnd().replaceAll(/^/gm, '     ')}\n`);
  return ok;
}
