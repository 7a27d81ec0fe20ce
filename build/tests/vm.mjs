import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { add, expectFiles, noCounts } from './counts.mjs';
import { readTap } from './run-tap.mjs';
import { groupTestFiles } from './test-files.mjs';

/** @typedef {import('./run-tap.mjs').Counts} Counts */

const LIMIT_SECONDS = 1800;
const SLOW_FACTOR = 10;
/** An emulator translates what a compiler makes at run time once more: without one a platform starts in half the time. */
const NODE_FLAGS = '--jitless --no-expose-wasm --max-semi-space-size=1 --v8-pool-size=1 --expose-gc';
/** A container's whole life is seen once under each init: directly without systemd, and through the units of systemd. */
const INITS = [
  { init: 'tiny', leaveOut: 'systemd-unit' },
  { init: 'systemd', leaveOut: 'life' },
];
/** What run-in-vm ends with when its time is over. */
const TIMED_OUT = 124;

/**
 * The program that runs a command in a virtual machine: CLEAT_RUN_IN_VM, or run-in-vm from PATH, or the one beside the
 * project. It takes `--init tiny|systemd --timeout S --disk FILE --env NAME=VALUE -- COMMAND...` and gives back output and status.
 * @param {string} root
 * @returns {string | undefined}
 */
export function findRunInVm(root) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const named = process.env.CLEAT_RUN_IN_VM;
  const candidates = [...folders.map((folder) => join(folder, 'run-in-vm')), join(root, '..', 'shared', 'vm', 'run-in-vm')];
  return [...(named === undefined ? [] : [named]), ...candidates].find((path) => existsSync(path));
}

/**
 * The tests of test/vm under both inits, then a power cut.
 * @param {string} root
 * @returns {Promise<Counts>}
 */
export async function runVm(root) {
  const runInVm = findRunInVm(root);
  if (runInVm === undefined) {
    return { ...noCounts(), skipped: [{ file: 'test/vm', test: '(all)', reason: 'needs run-in-vm' }] };
  }
  const vm = { root, runInVm };
  const files = groupTestFiles(root, 'vm');
  const counts = noCounts();
  for (const { init, leaveOut } of INITS) {
    console.log(`init ${init}`);
    const some = files.filter((file) => !file.endsWith(`/${leaveOut}.test.js`));
    add(counts, await expectFiles(some, () => testsIn(vm, ['--init', init], some)));
  }
  console.log('power cut');
  add(counts, await powerCut(vm));
  return counts;
}

/** The first machine ends amid its work, and the second, on the same disk, finds what was synced. */
async function powerCut(vm) {
  const files = groupTestFiles(vm.root, 'power-cut');
  const dir = mkdtempSync(join(tmpdir(), 'cleat-power-cut-'));
  try {
    for (const attempt of ['first', 'second']) {
      const disk = ['--disk', join(dir, attempt)];
      const code = await runProgram(vm, disk, 'test/dist/power-cut/until-the-cut.js');
      if (code === 0) return await expectFiles(files, () => testsIn(vm, disk, files));
      console.log(`until the cut: ended with ${code}${code === TIMED_OUT ? ', out of time' : ''}`);
      if (code !== TIMED_OUT) break;
    }
    return { ...noCounts(), failed: 1 };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * An emulated machine stands still now and then, for reasons of its own: one that ran out of time is tried once more, and that is said.
 * @returns {Promise<Counts>}
 */
async function testsIn(vm, options, files) {
  const argv = vmCommand(vm, options, ['node', 'build/tests/run-plain.mjs', ...files]);
  const first = await readTap(files, argv, vm.root);
  if (first.exitCode !== TIMED_OUT) return first;
  console.log(`the virtual machine did not end within ${LIMIT_SECONDS} s: once more`);
  return readTap(files, argv, vm.root);
}

function runProgram(vm, options, program) {
  const [file, ...args] = vmCommand(vm, options, ['node', program]);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: vm.root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function vmCommand({ runInVm }, options, command) {
  const env = [`CLEAT_TEST_SLOW=${SLOW_FACTOR}`, `CLEAT_NODE_FLAGS=${NODE_FLAGS}`];
  const flags = ['--timeout', `${LIMIT_SECONDS}`, ...env.flatMap((variable) => ['--env', variable])];
  return [runInVm, ...options, ...flags, '--', ...command];
}
