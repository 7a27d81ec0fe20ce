import { runProcess, tempDir } from '@cleat/harness';
import t from 'tap';
import { makeProject, plant } from './planted-project.ts';

const IN_FUNCTION = `export function long(): number {\n  let sum = 0;\n${'  sum += 1;\n'.repeat(61)}  return sum;\n}\n`;

const BRANCHES = Array.from({ length: 16 }, (_, index) => `  if (value === ${index}) return ${index + 1};\n`).join('');

/** A file for each violation, the check that must see it, and what the check must say of it. */
const VIOLATIONS: readonly { check: string; path: string; text: string; says: RegExp }[] = [
  {
    check: 'types',
    path: 'core/src/wrong-type.ts',
    text: "export const wrong: number = 'text';\n",
    says: /wrong-type\.ts.*not assignable/,
  },
  { check: 'types', path: 'core/src/enum.ts', text: 'export enum Kind {\n  A,\n}\n', says: /enum\.ts.*erasableSyntaxOnly/ },
  {
    check: 'format',
    path: 'sdk/src/quotes.ts',
    text: 'export const quoted: string = "double";\n',
    says: /sdk\/src\/quotes\.ts:\d+ format/,
  },
  { check: 'format', path: 'sdk/src/snake_case.ts', text: 'export const a = 1;\n', says: /useFilenamingConvention/ },
  { check: 'format', path: 'sdk/src/default.ts', text: 'export default 1;\n', says: /noDefaultExport/ },
  { check: 'format', path: 'sdk/src/star.ts', text: "export * from './index.ts';\n", says: /noReExportAll/ },
  {
    check: 'format',
    path: 'sdk/src/order.ts',
    text: "import { z } from './z.ts';\nimport { join } from 'node:path';\n\nexport const both = [z, join];\n",
    says: /order\.ts.*organizeImports/,
  },
  {
    check: 'imports',
    path: 'plugins/one/src/other.ts',
    text: "export { name } from '@cleat/plugin-two';\n",
    says: /direction-plugins: plugins\/one\/src\/other\.ts -> plugins\/two/,
  },
  {
    check: 'imports',
    path: 'kernel/src/to-sdk.ts',
    text: "export { name } from '@cleat/sdk';\n",
    says: /direction-kernel: kernel\/src\/to-sdk\.ts/,
  },
  {
    check: 'imports',
    path: 'plugins/two/src/to-kernel.ts',
    text: "import type { name } from '@cleat/kernel';\n\nexport type Name = typeof name;\n",
    says: /direction-plugins: plugins\/two\/src\/to-kernel\.ts/,
  },
  {
    check: 'imports',
    path: 'sdk/src/reach-in.ts',
    text: "export { name } from '../../core/src/index.ts';\n",
    says: /direction-sdk: sdk\/src\/reach-in\.ts -> core\/src/,
  },
  {
    check: 'imports',
    path: 'core/test/up.test.ts',
    text: "export { name } from '@cleat/sdk';\n",
    says: /direction-core-test: core\/test\/up\.test\.ts/,
  },
  {
    check: 'imports',
    path: 'core/src/nats.ts',
    text: "export { connect } from 'nats';\n",
    says: /nats-only-in-core-bus: core\/src\/nats\.ts/,
  },
  {
    check: 'imports',
    path: 'kernel/src/koffi.ts',
    text: "import koffi from 'koffi';\n\nexport const version: string = koffi.version;\n",
    says: /koffi-only-in-core-syscalls: kernel\/src\/koffi\.ts/,
  },
  {
    check: 'imports',
    path: 'schemas/src/socket.ts',
    text: "export { connect } from 'node:net';\n",
    says: /schemas-is-pure: schemas\/src\/socket\.ts/,
  },
  {
    check: 'imports',
    path: 'cli/src/nowhere.ts',
    text: "export { nothing } from './missing.ts';\n",
    says: /no-unresolvable: cli\/src\/nowhere\.ts/,
  },
  { check: 'imports', path: 'core/src/ring-a.ts', text: "export { b } from './ring-b.ts';\n", says: /no-cycle: .*ring-/ },
  { check: 'imports', path: 'core/src/ring-b.ts', text: "export { b } from './ring-a.ts';\n", says: /no-cycle: .*ring-/ },
  { check: 'kernel-size', path: 'kernel/src/big.ts', text: 'export const one: number = 1;\n'.repeat(5601), says: /big\.ts/ },
  {
    check: 'contracts',
    path: 'schemas/contracts/door.avdl',
    text: 'record Door { string colour; }',
    says: /door@1\.0 -> door@1\.1: Door\.colour is new/,
  },
  {
    check: 'generated',
    path: 'schemas/src/generated/answer.ts',
    text: 'export const answer: number = 41;\n',
    says: /schemas\/src\/generated\/answer\.ts is not what npm run generate writes/,
  },
  {
    check: 'lint',
    path: 'schemas/src/floating.ts',
    text: 'export function start(): void {\n  Promise.resolve(1);\n}\n',
    says: /floating\.ts.*no-floating-promises/,
  },
  {
    check: 'lint',
    path: 'schemas/src/any.ts',
    text: 'export function read(value: any): string {\n  return value.text;\n}\n',
    says: /any\.ts.*no-explicit-any[^]*any\.ts.*no-unsafe-return/,
  },
  {
    check: 'lint',
    path: 'schemas/src/bang.ts',
    text: 'export const first = (list: number[]): number => list[0]!;\n',
    says: /bang\.ts.*no-non-null-assertion/,
  },
  {
    check: 'lint',
    path: 'schemas/src/thrown.ts',
    text: "export function fail(): never {\n  throw 'text';\n}\n",
    says: /thrown\.ts.*only-throw-error/,
  },
  {
    check: 'lint',
    path: 'schemas/src/switch.ts',
    text: "export function n(v: 'a' | 'b'): number {\n  switch (v) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}\n",
    says: /switch\.ts.*switch-exhaustiveness-check/,
  },
  { check: 'lint', path: 'schemas/src/long.ts', text: IN_FUNCTION, says: /long\.ts.*max-lines-per-function/ },
  { check: 'lint', path: 'schemas/src/file.ts', text: '// line\n'.repeat(501), says: /file\.ts.*max-lines / },
  {
    check: 'lint',
    path: 'schemas/src/branches.ts',
    text: `export function branch(value: number): number {\n${BRANCHES}  return 0;\n}\n`,
    says: /branches\.ts.*complexity/,
  },
];

t.test('every check passes on a clean project and sees the violations planted for it', async (t) => {
  const dir = tempDir(t);
  makeProject(dir);
  const check = ['node', 'build/check.mjs'];
  const clean = await runProcess(check, { cwd: dir, timeoutMs: 90_000, allowExit: 'any' });
  t.equal(clean.code, 0, clean.stdout);
  t.equal(clean.stdout.match(/^ok /gm)?.length, 7, 'all seven checks ran');

  for (const { path, text } of VIOLATIONS) plant(dir, path, text);
  for (const name of new Set(VIOLATIONS.map((violation) => violation.check))) {
    const result = await runProcess([...check, name], { cwd: dir, timeoutMs: 60_000, allowExit: 'any' });
    t.equal(result.code, 1, `${name} fails`);
    for (const { path, says } of VIOLATIONS.filter((violation) => violation.check === name)) {
      t.match(result.stdout, says, `${name} names ${path}`);
    }
  }
});

t.test('a check that does not exist is refused with the names of those that do', async (t) => {
  const dir = tempDir(t);
  makeProject(dir);
  const { code, stderr } = await runProcess(['node', 'build/check.mjs', 'spelling'], { cwd: dir, allowExit: 'any' });
  t.equal(code, 2);
  t.match(stderr, /no check named spelling; there are types, format, imports, kernel-size, contracts, generated, lint/);
});
