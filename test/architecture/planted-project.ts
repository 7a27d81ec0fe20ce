import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The repository: from test/dist/architecture to its root. */
export const repository: string = resolve(import.meta.dirname, '../../..');

const CONFIGS = ['build', 'biome.json', 'eslint.config.mjs', '.dependency-cruiser.mjs', '.taprc', 'tsconfig.base.json'];

/** A generator that writes one file, as the real one writes many. */
const GENERATOR = `import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../../src/generated');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'answer.ts'), 'export const answer: number = 42;\\n');
`;

/** A check of contracts that knows one change, as the real one knows their rules; schemas/test has the tests of those. */
const CONTRACTS_CHECK = `import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const text = readFileSync(join(import.meta.dirname, '../../../contracts/door.avdl'), 'utf8');
if (text.includes('colour')) {
  process.stdout.write('door@1.0 -> door@1.1: Door.colour is new and has no default\\n');
  process.exitCode = 1;
}
process.stderr.write('1 contracts, 1 versions\\n');
`;

/** What each package of the small project declares, the same directions as in the real one. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  schemas: [],
  core: ['schemas'],
  sdk: ['core', 'schemas'],
  runtime: ['core', 'schemas'],
  streams: ['core', 'schemas'],
  kernel: ['core', 'schemas', 'runtime', 'streams'],
  cli: ['sdk', 'schemas'],
  'plugins/one': ['sdk', 'schemas'],
  'plugins/two': ['sdk', 'schemas'],
};

/**
 * Makes a project of the same shape as this one in `dir`: its configurations and checks, packages of one file each,
 * and this repository's node_modules. Every check passes on it until a violation is planted.
 */
export function makeProject(dir: string): void {
  for (const name of CONFIGS) cpSync(join(repository, name), join(dir, name), { recursive: true });
  linkModules(dir);
  for (const [folder, targets] of Object.entries(PACKAGES)) addPackage(dir, folder, targets);
  plant(dir, 'schemas/src/generator/main.ts', GENERATOR);
  plant(dir, 'schemas/src/generator/check.ts', CONTRACTS_CHECK);
  plant(dir, 'schemas/contracts/door.avdl', 'record Door {}');
  plant(dir, 'schemas/src/generated/answer.ts', 'export const answer: number = 42;\n');
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'planted', type: 'module', private: true }));
  const references = Object.keys(PACKAGES).map((path) => ({ path }));
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ files: [], references }));
}

/** Writes a file of the small project. */
export function plant(dir: string, path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}

function linkModules(dir: string): void {
  const modules = join(repository, 'node_modules');
  mkdirSync(join(dir, 'node_modules', '@cleat'), { recursive: true });
  for (const name of readdirSync(modules)) {
    if (name !== '@cleat' && name !== '.cache') symlinkSync(join(modules, name), join(dir, 'node_modules', name));
  }
}

function addPackage(dir: string, folder: string, targets: readonly string[]): void {
  const name = packageName(folder);
  const up = folder.includes('/') ? '../..' : '..';
  const dependencies = Object.fromEntries(targets.map((target) => [packageName(target), '0.1.0']));
  const door = { types: './dist/src/index.d.ts', default: './dist/src/index.js' };
  const manifest = { name, version: '0.1.0', type: 'module', exports: { '.': door }, dependencies };
  const tsconfig = {
    extends: `${up}/tsconfig.base.json`,
    compilerOptions: { rootDir: '.', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo' },
    include: ['src/**/*.ts', 'test/**/*.ts'],
    references: targets.map((target) => ({ path: `${up}/${target}` })),
  };
  plant(dir, `${folder}/package.json`, JSON.stringify(manifest));
  plant(dir, `${folder}/tsconfig.json`, JSON.stringify(tsconfig));
  const imported = targets[0];
  const lines =
    imported === undefined
      ? ["export const name: string = 'first';"]
      : [`import { name as before } from '${packageName(imported)}';`, '', 'export const name: string = `after ${before}`;'];
  plant(dir, `${folder}/src/index.ts`, `${lines.join('\n')}\n`);
  symlinkSync(join(dir, folder), join(dir, 'node_modules', name));
}

function packageName(folder: string): string {
  return `@cleat/${folder.replace('plugins/', 'plugin-')}`;
}
