import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { sleep } from '../src/deadlines/index.ts';
import { type ProcessEnd, reapProcess, spawnProcess } from '../src/syscalls/index.ts';

async function endOf(pid: number): Promise<ProcessEnd> {
  for (const limit = Date.now() + 5_000; Date.now() < limit; await sleep(2)) {
    const end = reapProcess(pid);
    if (end.type !== 'running') return end;
  }
  throw new Error(`process ${pid} does not end`);
}

function shell(script: string, cwd: string, fds: readonly number[]): number {
  return spawnProcess({ path: '/bin/sh', argv: ['sh', '-c', script], env: { WORD: 'given' }, cwd, fds });
}

t.test('a program gets its words, environment, directory and descriptors, and no others', async (t) => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'spawn-')));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const nothing = openSync('/dev/null', 'r+');
  const output = openSync(join(directory, 'output'), 'w');
  const extra = openSync(join(directory, 'extra'), 'w');
  const script = 'pwd; echo $WORD; echo more >&3; for fd in /proc/self/fd/*; do echo ${fd##*/}; done';
  // The highest comes first, and one of them twice.
  const pid = shell(script, directory, [nothing, output, nothing, extra]);
  for (const fd of [nothing, output, extra]) closeSync(fd);
  t.same(await endOf(pid), { type: 'exited', exitCode: 0 });
  const [cwd, word, ...held] = readFileSync(join(directory, 'output'), 'utf8').trim().split('\n');
  t.same([cwd, word], [directory, 'given']);
  t.same(
    ['0', '1', '2', '3'].filter((fd) => !held.includes(fd)),
    [],
  );
  for (const fd of [nothing, output, extra]) t.notOk(fd > 3 && held.includes(String(fd)), `not ${fd}, which is ours`);
  t.equal(readFileSync(join(directory, 'extra'), 'utf8'), 'more\n');
});

t.test('an end is told with its code or signal', async (t) => {
  const nothing = openSync('/dev/null', 'r+');
  t.teardown(() => closeSync(nothing));
  const fds = [nothing, nothing, nothing];
  t.same(await endOf(shell('exit 7', '/', fds)), { type: 'exited', exitCode: 7 });
  t.same(await endOf(shell('kill -9 $$', '/', fds)), { type: 'killed', signal: 9 });
});

t.test('signals that Node ignores or catches are as every program expects them', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'spawn-'));
  const nothing = openSync('/dev/null', 'r+');
  t.teardown(() => {
    closeSync(nothing);
    rmSync(directory, { recursive: true });
  });
  const output = openSync(join(directory, 'status'), 'w');
  const pid = spawnProcess({ path: '/bin/cat', argv: ['cat', '/proc/self/status'], env: {}, cwd: '/', fds: [nothing, output, nothing] });
  closeSync(output);
  t.same(await endOf(pid), { type: 'exited', exitCode: 0 });
  const status = readFileSync(join(directory, 'status'), 'utf8');
  for (const field of ['SigBlk', 'SigIgn', 'SigCgt']) t.match(status, new RegExp(`^${field}:\\s0+$`, 'm'));
});

t.test('a program that is not there is an error at once', async (t) => {
  const fds = [0, 1, 2];
  t.throws(() => spawnProcess({ path: '/nonexistent', argv: ['x'], env: {}, cwd: '/', fds }), { code: 'SYSCALL_ENOENT' });
  t.throws(() => spawnProcess({ path: '/bin/true', argv: ['x'], env: {}, cwd: '/nonexistent', fds }), { code: 'SYSCALL_ENOENT' });
  const file = join(mkdtempSync(join(tmpdir(), 'spawn-')), 'file');
  t.teardown(() => rmSync(join(file, '..'), { recursive: true }));
  writeFileSync(file, 'no program', { mode: 0o644 });
  t.throws(() => spawnProcess({ path: file, argv: ['x'], env: {}, cwd: '/', fds }), { code: 'SYSCALL_EACCES' });
});
