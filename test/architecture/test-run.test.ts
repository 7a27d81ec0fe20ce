import { runProcess, tempDir } from '@cleat/harness';
import t from 'tap';
import { makeProject, plant } from './planted-project.ts';

const FIRST_LINE = "import t from 'tap';\n\n";

/** Runs the unit step in a small project with these test files, by name. */
async function runUnitTests(dir: string, files: Readonly<Record<string, string>>): Promise<{ code: number; stdout: string }> {
  makeProject(dir);
  plant(dir, 'test/expected-skips.txt', '# none but this\nkvm  this machine has none\n');
  plant(dir, 'schemas/dist/test/deleted.test.js', `${FIRST_LINE}t.fail('its source is gone');\n`);
  for (const [name, text] of Object.entries(files)) plant(dir, `schemas/test/${name}.test.ts`, FIRST_LINE + text);
  return runProcess(['node', 'build/run-tests.mjs', 'unit'], { cwd: dir, allowExit: 'any', timeoutMs: 90_000 });
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split('\n').at(-1);
}

t.test('a run counts tests, passes with an expected skip, and forgets a test whose source is gone', async (t) => {
  const { code, stdout } = await runUnitTests(tempDir(t), {
    passing: "t.test('one', async (t) => {\n  t.ok(true);\n  t.ok(true);\n});\nt.test('two', async (t) => t.ok(true));\n",
    skipping: "t.test('three', (t) => t.plan(0, 'needs kvm'));\n",
  });
  t.equal(lastLine(stdout), '2 passed, 0 failed, 1 skipped');
  t.equal(code, 0, stdout);
});

t.test('a failed test, a crash, a failing clean-up and a file without a test each fail the run', async (t) => {
  const { code, stdout } = await runUnitTests(tempDir(t), {
    failing: "t.test('passes', async (t) => t.ok(true));\nt.test('fails', async (t) => t.equal(1, 2, 'one is two'));\n",
    crashing: "t.comment('before');\nthrow new Error('at import');\n",
    untidy: "t.teardown(() => {\n  throw new Error('clean-up');\n});\nt.test('fine', async (t) => t.ok(true));\n",
    empty: 'export const nothing: string = t.name;\n',
  });
  t.match(stdout, /not ok .*one is two/);
  t.match(stdout, /^FAIL schemas\/dist\/test\/crashing\.test\.js/m);
  t.match(stdout, /^FAIL schemas\/dist\/test\/untidy\.test\.js/m);
  t.equal(lastLine(stdout), '2 passed, 4 failed, 0 skipped');
  t.equal(code, 1);
});

t.test('a skip that nobody expected, and a test left for later, fail the run', async (t) => {
  const { code, stdout } = await runUnitTests(tempDir(t), {
    skipping: "t.test('needs a disk', (t) => t.plan(0, 'needs spare-disk'));\nt.test('later', { todo: true }, async () => undefined);\n",
  });
  t.match(stdout, /^FAIL this skip is not in test\/expected-skips\.txt: .*needs a disk$/m);
  t.equal(lastLine(stdout), '0 passed, 2 failed, 0 skipped');
  t.equal(code, 1);
});

t.test('a step without any test fails, and a project that does not build runs none', async (t) => {
  const none = await runUnitTests(tempDir(t), {});
  t.equal(lastLine(none.stdout), '0 passed, 1 failed, 0 skipped');
  const broken = await runUnitTests(tempDir(t), { broken: 'export const wrong: number = t.name;\n' });
  t.match(broken.stdout, /broken\.test\.ts.*not assignable[^]*The build failed; no test was run/);
  t.equal(lastLine(broken.stdout), '0 passed, 1 failed, 0 skipped');
  t.equal(broken.code, 1);
});
