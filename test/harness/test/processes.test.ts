import t from 'tap';
import { childEnv, runProcess, startProcess, waitFor } from '../src/index.ts';

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

t.test('a program that is run gives its output, exit code and signal', async (t) => {
  const echo = await runProcess(['sh', '-c', 'cat; echo to stderr >&2; exit 3'], { input: 'in', allowExit: [3] });
  t.match(echo, { code: 3, signal: null, stdout: 'in', stderr: 'to stderr\n' });
  const killed = await runProcess(['sh', '-c', 'kill -9 $$'], { allowExit: 'any' });
  t.match(killed, { code: 137, signal: 'SIGKILL' });
});

t.test('a program that fails, is missing, or takes too long fails the test with its name', async (t) => {
  await t.rejects(runProcess(['sh', '-c', 'echo why >&2; exit 1']), /ended with 1\nwhy/);
  await t.rejects(runProcess(['/nowhere/program']), /\/nowhere\/program could not be started/);
  await t.rejects(runProcess(['sleep', '60'], { timeoutMs: 50 }), /sleep 60 did not end within/);
});

t.test('a program that keeps the pipes of its dead parent does not hold up the test', async (t) => {
  const child = await runProcess(['sh', '-c', 'sleep 61 >/dev/null 2>&1 </dev/null & echo $!']);
  const pid = Number(child.stdout);
  t.teardown(() => process.kill(pid, 'SIGKILL'));
  t.equal(exists(pid), true);
});

t.test('a started program is watched while it runs and killed when the test ends', async (t) => {
  let pid = 0;
  await t.test('inner', async (t) => {
    const program = startProcess(t, ['sh', '-c', 'echo ready on 80; exec sleep 62']);
    const match = await program.waitForOutput(/ready on (\d+)/);
    t.equal(match[1], '80');
    t.equal(program.isRunning(), true);
    pid = program.pid;
  });
  await waitFor('the end of the program', () => !exists(pid));
});

t.test('a program that ends by a signal of the test says so', async (t) => {
  const program = startProcess(t, ['sleep', '63']);
  program.signal('SIGTERM');
  t.match(await program.waitForExit(), { code: 143, signal: 'SIGTERM' });
  await t.rejects(program.waitForOutput(/never/, 50), /in vain/);
});

t.test("a child's environment is free of the test runner's loaders", async (t) => {
  const env = childEnv({ EXTRA: 'yes', HOME: undefined });
  t.match(env, { EXTRA: 'yes', PATH: String });
  t.notOk('HOME' in env || 'NODE_OPTIONS' in env || 'TAP' in env);
});
