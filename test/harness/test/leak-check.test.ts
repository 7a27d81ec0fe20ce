import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { compareSnapshots, hostSnapshot, leakCheck, needs, startProcess, tempDir } from '../src/index.ts';

t.test('a file and a process that are left behind are named', async (t) => {
  const dir = tempDir(t);
  const scope = { dirs: [dir] };
  const before = hostSnapshot(scope);
  mkdirSync(join(dir, 'sub'));
  writeFileSync(join(dir, 'sub', 'file'), '');
  const program = startProcess(t, ['sh', '-c', `: ${dir}; exec tail -f ${dir}/sub/file`]);
  t.same(
    compareSnapshots(before, hostSnapshot(scope)).filter((line) => line.startsWith('+ files')),
    [`+ files ${dir}/sub/`, `+ files ${dir}/sub/file`],
  );
  t.match(compareSnapshots(before, hostSnapshot(scope)).join('\n'), new RegExp(`\\+ processes ${program.pid} `));
});

t.test('a mount, a link, a table, a cgroup and a namespace that are left behind are named', async (t) => {
  if (!needs(t, 'root', 'ip', 'nft')) return;
  const dir = tempDir(t);
  const name = `clk${process.pid}`;
  const scope = { dirs: [dir], names: new RegExp(name) };
  const before = hostSnapshot(scope);
  const made: string[][] = [];
  const make = (command: string, undo: string): void => {
    runWords(command);
    made.unshift(undo.split(' '));
  };
  const undoAll = (): void => {
    for (const [file = '', ...args] of made.splice(0)) execFileSync(file, args);
  };
  t.teardown(undoAll);
  const cgroup = join(cgroupParent(), name);
  make(`mount -t tmpfs none ${dir}`, `umount ${dir}`);
  make(`ip link add ${name} type bridge`, `ip link del ${name}`);
  make(`nft add table inet ${name}`, `nft delete table inet ${name}`);
  make(`mkdir ${cgroup}`, `rmdir ${cgroup}`);
  const after = hostSnapshot(scope);
  undoAll();
  t.same(compareSnapshots(before, after), [`+ mounts ${dir}`, `+ links ${name}`, `+ tables table inet ${name}`, `+ cgroups ${cgroup}`]);
  t.same(compareSnapshots(before, hostSnapshot(scope)), []);
});

t.test('the check fails a test that leaves something and passes one that does not', async (t) => {
  const dir = tempDir(t);
  const results: string[] = [];
  const context = { pass: (text: string): boolean => record('pass', text), fail: (text: string): boolean => record('fail', text) };
  function record(kind: string, text: string): boolean {
    results.push(`${kind}: ${text}`);
    return kind === 'pass';
  }
  const check = leakCheck(context, { dirs: [dir] });
  await check.assertNothingLeft();
  writeFileSync(join(dir, 'left'), '');
  await check.assertNothingLeft();
  t.same(results, ['pass: nothing is left behind', 'fail: the test left something behind']);
});

function runWords(command: string): void {
  const [file = '', ...args] = command.split(' ');
  execFileSync(file, args);
}

function cgroupParent(): string {
  return hostSnapshot({ dirs: [], names: /^\/sys\/fs\/cgroup\/pids$/ }).cgroups[0] ?? '/sys/fs/cgroup';
}
