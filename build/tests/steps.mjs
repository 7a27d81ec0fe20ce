import { checks } from '../checks/checks.mjs';
import { reportCheck } from '../checks/report-check.mjs';
import { add, expectFiles, noCounts } from './counts.mjs';
import { otherNodes } from './other-nodes.mjs';
import { runTap } from './run-tap.mjs';
import { groupTestFiles, packageTestFiles } from './test-files.mjs';
import { runVm } from './vm.mjs';

/**
 * @typedef {import('./run-tap.mjs').Counts} Counts
 * @typedef {{ name: string, what: string, run: (root: string) => Promise<Counts>, isLong?: boolean }} Step
 */

const UNIT_SECONDS = 600;
const INTEGRATION_SECONDS = 300;
const FAULT_SECONDS = 900;

/** @type {readonly Step[]} */
export const steps = [
  { name: 'check', what: 'format, lint, types, import directions, kernel size', run: runChecks },
  { name: 'unit', what: 'the tests of each package, and of the architecture', run: runUnit },
  {
    name: 'contract',
    what: 'the contracts, their documents and their errors',
    run: (root) => runGroup(root, ['contract'], INTEGRATION_SECONDS),
  },
  { name: 'compat', what: "Docker's own clients", run: (root) => runGroup(root, ['compat'], INTEGRATION_SECONDS) },
  { name: 'joints', what: 'kernel, bus, plugins and runc together', run: (root) => runGroup(root, ['joints'], FAULT_SECONDS) },
  { name: 'faults', what: 'everything killed everywhere', run: (root) => runGroup(root, ['faults'], FAULT_SECONDS) },
  { name: 'versions', what: 'the other versions of Node', run: runVersions, isLong: true },
  { name: 'vm', what: 'cgroup v2, with and without systemd, and a power cut, in a virtual machine', run: runVm },
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

function runGroup(root, groups, timeoutSeconds) {
  const files = groups.flatMap((group) => groupTestFiles(root, group));
  return runFiles(root, files, { timeoutSeconds });
}

async function runVersions(root) {
  // What differs between versions of Node: the codecs, the run-time of plugins, and a whole platform on each.
  const files = [...packageTestFiles(root, ['schemas', 'sdk']), ...groupTestFiles(root, 'smoke')];
  const counts = noCounts();
  for (const { version, node } of await otherNodes(root)) {
    console.log(`Node ${version}`);
    add(counts, await runFiles(root, files, { timeoutSeconds: UNIT_SECONDS, node }));
  }
  return counts;
}

function runFiles(root, files, options) {
  return expectFiles(files, () => runTap(root, files, options));
}
