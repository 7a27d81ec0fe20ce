// node build/run-tests.mjs [STEP...]: builds from scratch and runs the steps (build/tests/steps.mjs). See bin/test.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';
import { add, noCounts } from './tests/counts.mjs';
import { isExpectedSkip, readExpectedSkips } from './tests/expected-skips.mjs';
import { steps } from './tests/steps.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const asked = process.argv.slice(2);
/** Without a name, the steps that every change passes; `all` has the long ones too. */
const names = asked.includes('all')
  ? steps.map(({ name }) => name)
  : asked.length > 0
    ? asked
    : steps.filter(({ isLong }) => isLong !== true).map(({ name }) => name);
const unknown = names.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  const known = [...steps, { name: 'all', what: 'every one of these' }];
  const list = known.map((step) => `  ${step.name.padEnd(12)} ${step.what}`).join('\n');
  console.error(`bin/test: there is no step ${unknown.join(', ')}. The steps are:\n${list}`);
  process.exit(2);
}

// Deadlines of the tests are for a quiet machine; those that run all of them seldom are.
process.env['CLEAT_TEST_SLOW'] ??= '3';

await build();
const counts = noCounts();
for (const step of steps.filter(({ name }) => names.includes(name))) {
  console.log(`\n== ${step.name}: ${step.what}`);
  add(counts, await runStep(step));
}
finish();

async function build() {
  await import('./clean.mjs');
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const { code, stdout, stderr } = await run([tsc, '-b', '--pretty', 'false'], { cwd: root });
  if (code === 0) return;
  console.log(`${stdout}${stderr}\nThe build failed; no test was run.\n0 passed, 1 failed, 0 skipped`);
  process.exit(1);
}

/** A step that cannot run at all is one failure that says why; the other steps still run. */
async function runStep(step) {
  const startedAt = performance.now();
  try {
    return await step.run(root);
  } catch (error) {
    console.log(`FAIL ${step.name}: ${error instanceof Error ? error.message : String(error)}`);
    return { ...noCounts(), failed: 1 };
  } finally {
    console.log(`   ${step.name} took ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  }
}

function finish() {
  const { passed, failed, skipped } = counts;
  const expected = readExpectedSkips(join(root, 'test', 'expected-skips.txt'));
  const surprises = skipped.filter(({ reason }) => !isExpectedSkip(reason, expected));
  console.log('');
  for (const { file, test, reason } of skipped) console.log(`skipped: ${reason}: ${file}: ${test}`);
  for (const { file, test } of surprises) {
    console.log(`FAIL this skip is not in test/expected-skips.txt: ${file}: ${test}`);
  }
  // A skip that nobody expected is a test that should have run: it counts as failed.
  const failures = failed + surprises.length;
  console.log(`${passed} passed, ${failures} failed, ${skipped.length - surprises.length} skipped`);
  process.exitCode = failures === 0 ? 0 : 1;
}
