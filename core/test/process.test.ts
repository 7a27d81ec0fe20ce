import { closeSync, lstatSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess, startProcess, tempDir, waitFor } from '@cleat/harness';
import t from 'tap';
import {
  boundingSet,
  CAPABILITIES,
  commandLine,
  effectiveSet,
  findProcesses,
  flock,
  isSameProcess,
  isZombie,
  lastCapability,
  mkfifo,
  pidfdOpen,
  processStartTime,
  signalProcess,
  unlock,
} from '../src/syscalls/index.ts';

/** The compiled module, for a child to import. */
const SYSCALLS = new URL('../src/syscalls/index.js', import.meta.url).href;

function runScript(script: string): ReturnType<typeof runProcess> {
  return runProcess([process.execPath, '--input-type=module', '-e', script], { allowExit: 'any' });
}

t.test('a process is told from another one by its start time', async (t) => {
  const child = startProcess(t, ['sleep', '60']);
  const startTime = processStartTime(child.pid);
  t.ok(startTime !== undefined && startTime > 0);
  t.equal(isSameProcess(child.pid, startTime ?? 0), true);
  t.equal(isSameProcess(child.pid, (startTime ?? 0) + 1), false);
  t.strictSame(commandLine(child.pid), ['sleep', '60']);
  t.equal(signalProcess(child.pid, (startTime ?? 0) + 1, 'SIGKILL'), false, 'another process of that pid is spared');
  t.equal(child.isRunning(), true);
  t.equal(signalProcess(child.pid, startTime ?? 0, 'SIGTERM'), true);
  t.match(await child.waitForExit(), { signal: 'SIGTERM' });
  t.equal(processStartTime(child.pid), undefined);
  t.equal(commandLine(child.pid), undefined);
  t.equal(signalProcess(child.pid, startTime ?? 0, 'SIGTERM'), false);
  t.throws(() => pidfdOpen(child.pid), { class: 'not_found', code: 'SYSCALL_ESRCH' });
});

t.test('a process whose name has blanks and parentheses is read right', async (t) => {
  const script = `import { writeFileSync } from 'node:fs'; writeFileSync('/proc/self/comm', ') S (x'); console.log('named'); setTimeout(() => {}, 60000)`;
  const child = startProcess(t, [process.execPath, '--input-type=module', '-e', script]);
  await child.waitForOutput(/named/);
  t.ok((processStartTime(child.pid) ?? 0) >= (processStartTime(process.pid) ?? 0));
  t.equal(isZombie(child.pid), false);
});

t.test('a process that has ended and is not waited for is a zombie', async (t) => {
  // The shell has become a sleep that never waits for the child it began.
  const child = startProcess(t, ['sh', '-c', 'sh -c "echo \\$\\$" & exec sleep 60']);
  const zombie = Number((await child.waitForOutput(/^(\d+)$/m))[1]);
  await waitFor('the zombie', () => isZombie(zombie));
  t.strictSame(commandLine(zombie), []);
  t.equal(isZombie(process.pid), false);
});

t.test('processes are found by their arguments', async (t) => {
  const mark = join(tempDir(t), 'a mark');
  writeFileSync(mark, '');
  const child = startProcess(t, ['tail', '-f', mark]);
  await waitFor('tail', () => commandLine(child.pid)?.[0] === 'tail');
  const found = findProcesses((argv) => argv.includes(mark));
  t.equal(found.length, 1);
  t.match(found[0], { pid: child.pid, argv: ['tail', '-f', mark] });
  t.equal(isSameProcess(found[0]?.pid ?? 0, found[0]?.startTime ?? 0), true);
});

t.test('a lock is held until its file is closed', async (t) => {
  const path = join(tempDir(t), 'lock');
  const [first, second] = [openSync(path, 'w'), openSync(path, 'w')];
  t.equal(flock(first, { exclusive: true, nonBlocking: true }), true);
  t.equal(flock(second, { exclusive: true, nonBlocking: true }), false);
  t.equal(flock(second, { exclusive: false, nonBlocking: true }), false);
  unlock(first);
  t.equal(flock(second, { exclusive: false, nonBlocking: true }), true);
  t.equal(flock(first, { exclusive: false, nonBlocking: true }), true, 'two may share it');
  t.equal(flock(first, { exclusive: true, nonBlocking: true }), false);
  closeSync(second);
  t.equal(flock(first, { exclusive: true, nonBlocking: true }), true);
  closeSync(first);
  t.throws(() => flock(first, { exclusive: true, nonBlocking: true }), { code: 'SYSCALL_EBADF' });
});

t.test('execve hands over environment, arguments and kept descriptors, and undoes what Node changed', async (t) => {
  const path = join(tempDir(t), 'kept');
  const { stdout, code } = await runScript(`
    import { openSync } from 'node:fs';
    import { execve } from ${JSON.stringify(SYSCALLS)};
    const kept = openSync(${JSON.stringify(path)}, 'w');
    const other = openSync('/dev/zero', 'r');
    const script = 'echo "$1|$NAME|$(readlink /proc/$$/fd/' + kept + ')|$(readlink /proc/$$/fd/' + other + ')|$$"; grep SigIgn /proc/$$/status';
    process.stdout.write(process.pid + '\\n', () => {
      execve({ path: '/bin/sh', argv: ['sh', '-c', script, 'sh', 'a b'], env: { NAME: 'wörld' }, keepFds: [kept] });
    });
  `);
  const [pid, line, ignored] = stdout.split('\n');
  t.equal(line, `a b|wörld|${path}||${pid ?? ''}`);
  const mask = BigInt(`0x${/[0-9a-f]+$/.exec(ignored ?? '')?.[0] ?? 'f'}`);
  t.equal((mask >> 12n) & 1n, 0n, 'SIGPIPE is not ignored');
  t.equal((mask >> 24n) & 1n, 0n, 'SIGXFSZ is not ignored');
  t.equal(code, 0);
});

t.test('a failed execve leaves the process as it was', async (t) => {
  const { stdout } = await runScript(`
    import { execFileSync } from 'node:child_process';
    import { openSync, readFileSync } from 'node:fs';
    import { execve, setCloseOnExec } from ${JSON.stringify(SYSCALLS)};
    const [shared, own] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
    setCloseOnExec(shared, false);
    const state = () => [0, 1, 2, shared, own].map((fd) => readFileSync('/proc/self/fdinfo/' + fd, 'utf8').match(/flags.*/)[0]).join()
      + readFileSync('/proc/self/status', 'utf8').match(/SigIgn.*/)[0];
    const before = state();
    try {
      execve({ path: '/nowhere', argv: ['x'], env: {}, keepFds: [shared, own] });
    } catch (error) {
      // Before console opens its stream, which sets flags of its own.
      const after = state();
      console.log(error.code, before === after, execFileSync('echo', ['still']).toString().trim());
    }
  `);
  t.equal(stdout, 'SYSCALL_ENOENT true still\n');
});

t.test('a named pipe has exactly its mode', async (t) => {
  const path = join(tempDir(t), 'fifo');
  mkfifo(path, 0o666);
  const stat = lstatSync(path);
  t.equal(stat.isFIFO(), true);
  t.equal(stat.mode & 0o777, 0o666);
  t.throws(
    () => {
      mkfifo(path, 0o600);
    },
    { class: 'already_exists', code: 'SYSCALL_EEXIST' },
  );
});

t.test('the bounding set names what this process can give', async (t) => {
  const { stdout } = await runProcess(['sh', '-c', 'grep CapBnd /proc/self/status']);
  const mask = BigInt(`0x${stdout.split('\t')[1]?.trim() ?? ''}`);
  const names = boundingSet();
  t.ok(names.length > 0);
  names.forEach((name) => {
    t.equal((mask >> BigInt(CAPABILITIES.indexOf(name))) & 1n, 1n, name);
  });
  t.equal(CAPABILITIES.length, 41);
  t.equal(CAPABILITIES[21], 'CAP_SYS_ADMIN');
  t.ok(effectiveSet().every((name) => names.includes(name)));
  t.ok(lastCapability() >= 37);
});

t.test('importing the module loads no foreign code, the first call does', async (t) => {
  const { stdout } = await runScript(`
    import { readFileSync } from 'node:fs';
    const isLoaded = () => readFileSync('/proc/self/maps', 'utf8').includes('koffi');
    const { umount } = await import(${JSON.stringify(SYSCALLS)});
    console.log(isLoaded());
    umount('/nowhere');
    console.log(isLoaded());
  `);
  t.equal(stdout, 'false\ntrue\n');
});
