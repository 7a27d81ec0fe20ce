import { checks } from '../checks/checks.mjs';
import { reportCheck } from '../checks/report-check.mjs';
import { otherNodes } from './other-nodes.mjs';
import { readTap, runTap } from './run-tap.mjs';
import { groupTestFiles, packageTestFiles } from './test-files.mjs';
import { findRunInVm } from './vm.mjs';

/**
 * @typedef {import('./run-tap.mjs').Counts} Counts
 * @typedef {{ name: string, what: string, run: (root: string) => Promise<Counts> }} Step
 */

const UNIT_SECONDS = 120;
const INTEGRATION_SECONDS = 300;
const FAULT_SECONDS = 900;
const VM_SECONDS = 1800;
const VM_SLOW_FACTOR = 10;

/** @type {readonly Step[]} */
export const steps = [
  { name: 'check', what: 'format, lint, types, import directions, kernel size', run: runChecks },
  { name: 'unit', what: 'the tests of each package, and of the architecture', run: runUnit },
  { name: 'integration', what: 'kernel, bus, plugins and runc together', run: runIntegration },
  { name: 'faults', what: 'everything killed everywhere', run: (root) => runGroup(root, ['faults'], FAULT_SECONDS) },
  { name: 'compat', what: "Docker's own clients", run: (root) => runGroup(root, ['compat'], INTEGRATION_SECONDS) },
  { name: 'versions', what: 'the other versions of Node', run: runVersions },
  { name: 'vm', what: 'cgroup v2, with and without systemd, in a virtual machine', run: runVm },
];

async function runChecks(root) {
  const counts = noCounts();
  for (const check of checks) {
    if (await reportCheck(check, root)) counts.passed += 1;
    else counts.failed += 1;
  }
  return counts;
}

function runUnit(root) {
  const files = [...packageTestFiles(root), ...groupTestFiles(root, 'architecture')];
  return runFiles(root, files, { timeoutSeconds: UNIT_SECONDS });
}

function runIntegration(root) {
  return runGroup(root, ['contract', 'integration', 'examples'], INTEGRATION_SECONDS);
}

function runGroup(root, groups, timeoutSeconds) {
  const files = groups.flatMap((group) => groupTestFiles(root, group));
  return runFiles(root, files, { timeoutSeconds });
}

async function runVersions(root) {
  const files = [...packageTestFiles(root), ...groupTestFiles(root, 'smoke')];
  const counts = noCounts();
  for (const { version, node } of await otherNodes(root)) {
    console.log(`Node ${version}`);
    add(counts, await runFiles(root, files, { timeoutSeconds: UNIT_SECONDS, node }));
  }
  return counts;
}

async function runVm(root) {
  const files = groupTestFiles(root, 'vm');
  const runInVm = findRunInVm(root);
  if (runInVm === undefined) {
    return { ...noCounts(), skipped: [{ file: 'test/vm', test: '(all)', reason: 'needs run-in-vm' }] };
  }
  const counts = noCounts();
  for (const init of ['tiny', 'systemd']) {
    console.log(`init ${init}`);
    const options = ['--init', init, '--timeout', `${VM_SECONDS}`, '--env', `CLEAT_TEST_SLOW=${VM_SLOW_FACTOR}`];
    const tap = [
      'node',
      'node_modules/tap/dist/esm/run.mjs',
      'run',
      '--reporter=tap',
      `--timeout=${VM_SECONDS}`,
      '--jobs=1',
    ];
    add(counts, await expectFiles(files, () => readTap(files, [runInVm, ...options, '--', ...tap, ...files], root)));
  }
  return counts;
}

function runFiles(root, files, options) {
  return expectFiles(files, () => runTap(root, files, options));
}

/** A step without a test passes for ever, so it fails. */
async function expectFiles(files, run) {
  if (files.length > 0) return run();
  console.log('FAIL there is no test file for this step');
  return { ...noCounts(), failed: 1 };
}

/** @returns {Counts} */
export function noCounts() {
  return { passed: 0, failed: 0, skipped: [] };
}

/**
 * @param {Counts} sum
 * @param {Counts} more
 */
export function add(sum, more) {
  sum.passed += more.passed;
  sum.failed += more.failed;
  sum.skipped.push(...more.skipped);
}
