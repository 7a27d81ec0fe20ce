import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Deadline } from '@cleat/core/deadlines';
import { tempDir } from '@cleat/harness';
import t from 'tap';
import { endByCommandLine } from '../src/monitor/index.ts';

t.test('what is at work on a bundle is ended, and nothing else', async (t) => {
  const bundle = tempDir(t, 'cleanup');
  const script = 'read line';
  const atWork = spawn('/bin/sh', ['-c', script, 'monitor', `--bundle=${bundle}`], { stdio: ['pipe', 'ignore', 'ignore'] });
  const other = spawn('/bin/sh', ['-c', script, 'monitor', `--bundle=${bundle}-2`], { stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = once(atWork, 'exit');
  await endByCommandLine(bundle);
  t.same(await ended, [null, 'SIGKILL']);
  t.equal(other.exitCode, null);
  other.stdin.end();
  t.same(await once(other, 'exit'), [1, null], 'it read to its end');
});

t.test('nothing to end is never late: many looks at once take their time', async (t) => {
  await t.resolves(endByCommandLine(tempDir(t, 'cleanup'), Deadline.after(0)));
});
