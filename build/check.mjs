// npm run check [-- NAME...]: runs the named checks, or all, one after another (two at once would need twice the memory).
// Prints one line a check, and what is wrong below it. Exit code 1 when one of them fails, 2 for an unknown name.
import { fileURLToPath } from 'node:url';
import { checks } from './checks/checks.mjs';
import { reportCheck } from './checks/report-check.mjs';

const root = process.env.CLEAT_CHECK_ROOT ?? fileURLToPath(new URL('..', import.meta.url));
const names = process.argv.slice(2);
const unknown = names.filter((name) => !checks.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(`check: there is no check named ${unknown.join(', ')}; there are ${checks.map((c) => c.name).join(', ')}`);
  process.exit(2);
}

let failures = 0;
for (const check of checks) {
  if (names.length > 0 && !names.includes(check.name)) continue;
  if (!(await reportCheck(check, root))) failures += 1;
}
process.exitCode = failures === 0 ? 0 : 1;
