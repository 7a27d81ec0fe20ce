import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { TapReader } from './tap-reader.mjs';

const FAILURE_LINES = 400;

/**
 * @typedef {{ passed: number, failed: number, skipped: { file: string, test: string, reason: string }[] }} Counts
 * @typedef {{ timeoutSeconds: number, jobs?: number, node?: string }} TapOptions
 */

/**
 * Runs test files by tap and prints one line a file, and all that a failing file said. A file that failed is run once more
 * by itself: machines that are shared are slow at times. That it was, and what it said at first, stays in the output.
 * @param {string} root
 * @param {readonly string[]} files compiled test files, relative to the root
 * @param {TapOptions} options `node`: the Node to run them with
 * @returns {Promise<Counts>}
 */
export async function runTap(root, files, options) {
  const first = await runOnce(root, files, options);
  const again = first.files.filter(({ ok }) => !ok);
  if (again.length === 0) return first;
  console.log(`once more, by themselves: ${again.map(({ name }) => name).join(', ')}`);
  const second = await runOnce(
    root,
    again.map(({ name }) => name),
    { ...options, jobs: 1 },
  );
  const names = new Set(again.map(({ name }) => name));
  return {
    passed: first.passed - again.reduce((sum, file) => sum + file.passed, 0) + second.passed,
    failed: second.failed,
    skipped: [...first.skipped.filter(({ file }) => !names.has(file)), ...second.skipped],
  };
}

function runOnce(root, files, { timeoutSeconds, jobs = 2, node = process.execPath }) {
  const tap = join(root, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs');
  const flags = ['--reporter=tap', `--timeout=${timeoutSeconds}`, `--jobs=${jobs}`];
  return readTap(files, [node, tap, 'run', ...flags, ...files], root);
}

/**
 * Runs a program that writes tap's report of these files, and reads it.
 * @param {readonly string[]} files
 * @param {readonly string[]} argv
 * @param {string} cwd
 * @returns {Promise<Counts & { files: TapReader['files'], exitCode: number | null }>}
 */
export function readTap(files, argv, cwd) {
  const reader = new TapReader(files, printFile);
  return new Promise((resolve) => {
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text) => reader.write(text));
    child.once('error', (error) => {
      console.error(`${program} could not be started: ${error.message}`);
      finish(null);
    });
    child.once('close', finish);
    function finish(exitCode) {
      reader.end();
      const { passed, failed, skipped, files: read } = reader;
      resolve({ passed, failed, skipped, files: read, exitCode });
    }
  });
}

function printFile({ name, ok, tests, seconds, lines }) {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${tests}, ${seconds.toFixed(0)} s)`);
  if (!ok) console.log(lines.slice(-FAILURE_LINES).join('\n'));
}
