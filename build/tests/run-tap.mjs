import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { TapReader } from './tap-reader.mjs';

const FAILURE_LINES = 400;

/**
 * @typedef {{ passed: number, failed: number, skipped: { file: string, test: string, reason: string }[] }} Counts
 * @typedef {{ timeoutSeconds: number, jobs?: number, node?: string }} TapOptions
 */

/**
 * Runs test files by tap and prints one line a file, and all that a failing file said.
 * @param {string} root
 * @param {readonly string[]} files compiled test files, relative to the root
 * @param {TapOptions} options `node`: the Node to run them with
 * @returns {Promise<Counts>}
 */
export function runTap(root, files, { timeoutSeconds, jobs = 2, node = process.execPath }) {
  const tap = join(root, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs');
  const flags = ['--reporter=tap', `--timeout=${timeoutSeconds}`, `--jobs=${jobs}`];
  return readTap(files, [node, tap, 'run', ...flags, ...files], root);
}

/**
 * Runs a program that writes tap's report of these files, and reads it.
 * @param {readonly string[]} files
 * @param {readonly string[]} argv
 * @param {string} cwd
 * @returns {Promise<Counts & { exitCode: number | null }>}
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
      const { passed, failed, skipped } = reader;
      resolve({ passed, failed, skipped, exitCode });
    }
  });
}

function printFile({ name, ok, tests, lines }) {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${tests})`);
  if (!ok) console.log(lines.slice(-FAILURE_LINES).join('\n'));
}
