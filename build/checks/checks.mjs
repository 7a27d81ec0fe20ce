import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { listFiles } from '../list-files.mjs';
import { run } from '../run.mjs';
import { codeLinesOfFile } from './code-lines.mjs';
import { compareGenerated } from './generated.mjs';

/** See docs/adr/0011: 5,000 is the goal, this what may not be passed on the way there. */
const KERNEL_LIMIT_LINES = 5000;
const SOURCE_FOLDERS = ['schemas', 'core', 'sdk', 'runtime', 'streams', 'kernel', 'cli', 'plugins', 'test', 'bench', 'examples'];

/**
 * @typedef {{ ok: boolean, summary: string, report: string }} Outcome
 * @typedef {{ name: string, what: string, run: (root: string) => Promise<Outcome> }} Check
 */

/**
 * Every check, in the order in which they run: types first, since the others read what it builds.
 * Each also fails when it found nothing to look at; a check that reads no file passes for ever.
 * @type {readonly Check[]}
 */
export const checks = [
  { name: 'types', what: 'tsc -b', run: checkTypes },
  { name: 'format', what: 'biome: format, import order, quick rules', run: checkFormat },
  { name: 'imports', what: 'dependency-cruiser: directions, cycles, unresolvable', run: checkImports },
  { name: 'kernel-size', what: `at most ${KERNEL_LIMIT_LINES} lines of code in kernel/src`, run: checkKernelSize },
  { name: 'contracts', what: 'contracts fit every released version', run: checkContracts },
  { name: 'generated', what: 'generated files are what npm run generate writes', run: checkGenerated },
  { name: 'lint', what: 'eslint: rules that need types, size limits', run: checkLint },
];

async function checkTypes(root) {
  const result = await run([tool(root, 'tsc'), '-b', '--pretty', 'false'], { cwd: root });
  return outcome(result.code === 0, `${countProjects(root)} projects`, result);
}

async function checkFormat(root) {
  const argv = [tool(root, 'biome'), 'check', '--colors=off'];
  const result = await run([...argv, '--max-diagnostics=1', '.'], { cwd: root });
  const files = Number(/Checked (\d+) files?/.exec(result.stdout + result.stderr)?.[1] ?? 0);
  const summary = `${files} files`;
  if (result.code === 0) return { ok: files > 0, summary, report: 'no file was checked' };
  // Once more for a line a finding: this reporter does not say how many files it has read.
  const findings = await run([...argv, '--reporter=github', '--max-diagnostics=none', '.'], { cwd: root });
  const lines = [...findings.stdout.matchAll(/^::error title=([^,]*),file=([^,]*),line=(\d+).*?::(.*)$/gm)];
  const report = lines.map(([, rule, file, line, message]) => `${relative(root, file)}:${line} ${rule} ${message}`);
  const hint = 'npx biome check --write FOLDER mends format and order';
  return report.length > 0 ? { ok: false, summary, report: [...report, hint].join('\n') } : outcome(false, summary, result);
}

async function checkImports(root) {
  const argv = [tool(root, 'depcruise'), '--config', '.dependency-cruiser.mjs', '--output-type', 'json'];
  const result = await run([...argv, ...presentFolders(root)], { cwd: root, maxBytes: 64 * 1024 * 1024 });
  const { summary } = parseCruise(result.stdout);
  if (summary === undefined) return outcome(false, 'no report', result);
  const report = summary.violations.map(describeViolation).join('\n');
  const isOk = result.code === 0 && summary.error === 0 && summary.totalCruised > 0;
  return { ok: isOk, summary: `${summary.totalCruised} modules`, report: report || result.stderr };
}

function parseCruise(text) {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: dependency-cruiser failed before it could report, and its standard error says why.
    return {};
  }
}

function describeViolation({ rule, from, to, cycle }) {
  const path = cycle === undefined ? to : cycle.map((step) => step.name ?? step).join(' -> ');
  return `${rule.name}: ${from} -> ${path}`;
}

async function checkKernelSize(root) {
  const files = listFiles(join(root, 'kernel', 'src'), '.ts');
  const sizes = files.map((path) => ({ path, lines: codeLinesOfFile(path) }));
  const total = sizes.reduce((sum, { lines }) => sum + lines, 0);
  sizes.sort((a, b) => b.lines - a.lines);
  const report = sizes.slice(0, 10).map(({ path, lines }) => `${lines} ${path}`);
  const isOk = total > 0 && total <= KERNEL_LIMIT_LINES;
  return { ok: isOk, summary: `${total} of ${KERNEL_LIMIT_LINES} lines`, report: report.join('\n') };
}

async function checkContracts(root) {
  const { code, stdout, stderr } = await run([process.execPath, join(root, 'schemas/dist/src/generator/check.js')], { cwd: root });
  const isOk = code === 0 && Number.parseInt(stderr, 10) > 0;
  return { ok: isOk, summary: code === 0 ? stderr.trim() : 'incompatible', report: stdout || stderr };
}

async function checkGenerated(root) {
  const { files, differences } = await compareGenerated(root);
  return { ok: files > 0 && differences.length === 0, summary: `${files} files`, report: differences.join('\n') };
}

async function checkLint(root) {
  const argv = [process.execPath, '--max-old-space-size=2048', tool(root, 'eslint'), '--format', 'json', '.'];
  const result = await run(argv, { cwd: root, maxBytes: 64 * 1024 * 1024 });
  const files = parseLint(result.stdout);
  if (files === undefined) return outcome(false, 'no report', result);
  const report = files.flatMap(({ filePath, messages }) =>
    messages.map(({ line, column, ruleId, message }) => `${filePath}:${line}:${column} ${ruleId ?? ''} ${message}`),
  );
  return { ok: result.code === 0 && files.length > 0, summary: `${files.length} files`, report: report.join('\n') };
}

function parseLint(text) {
  try {
    // eslint puts the source of every file with a finding into its JSON; only places and messages are kept.
    return JSON.parse(text).map(({ filePath, messages }) => ({ filePath, messages }));
  } catch {
    // Not JSON: eslint failed before it could report, and its standard error says why.
    return undefined;
  }
}

function outcome(ok, summary, { stdout, stderr }) {
  return { ok, summary, report: [stdout, stderr].filter((text) => text.trim() !== '').join('\n') };
}

/** The script of a tool in node_modules: started with node itself, since npx costs half a second each time. */
function tool(root, name) {
  return join(root, 'node_modules', '.bin', name);
}

function presentFolders(root) {
  return SOURCE_FOLDERS.filter((folder) => existsSync(join(root, folder)));
}

function countProjects(root) {
  const folders = presentFolders(root).flatMap((folder) => [folder, ...readdirSync(join(root, folder)).map((name) => join(folder, name))]);
  return folders.filter((folder) => existsSync(join(root, folder, 'tsconfig.json'))).length;
}
