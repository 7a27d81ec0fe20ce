// node build/tests/run-plain.mjs FILE...: runs test files one after another and writes what `tap --reporter=tap` would. Without tap's own
// runner, whose start alone takes half a minute in an emulated machine.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const TIMEOUT_SECONDS = '1500';

for (const [index, file] of process.argv.slice(2).entries()) {
  console.log(`# Subtest: ${file}`);
  const startedAt = performance.now();
  const code = await runFile(file);
  const time = (performance.now() - startedAt).toFixed(0);
  if (code !== 0) process.exitCode = 1;
  console.log(`${code === 0 ? 'ok' : 'not ok'} ${index + 1} - ${file} # time=${time}ms`);
}

function runFile(file) {
  const env = { ...process.env, TAP_TIMEOUT: TIMEOUT_SECONDS };
  const child = spawn(process.execPath, ['--enable-source-maps', file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: child.stdout }).on('line', (line) => console.log(`    ${line}`));
  return new Promise((resolve) => child.once('close', resolve));
}
