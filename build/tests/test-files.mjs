import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { listFiles } from '../list-files.mjs';

const PACKAGES = ['schemas', 'core', 'sdk', 'runtime', 'streams', 'kernel', 'cli'];

/**
 * The compiled test files of packages, of every one by default. Found by their sources: a test whose source is gone is not run.
 * @param {string} root
 * @param {readonly string[]} [names]
 */
export function packageTestFiles(root, names = everyPackage(root)) {
  return names.flatMap((name) => compiled(root, join(name, 'test'), join(name, 'dist', 'test')));
}

function everyPackage(root) {
  const plugins = readdirSync(join(root, 'plugins')).map((name) => join('plugins', name));
  return [...PACKAGES, ...plugins, join('test', 'harness')];
}

/**
 * The compiled test files of one folder of test/, where the tests across processes are.
 * @param {string} root
 * @param {string} group
 */
export function groupTestFiles(root, group) {
  return compiled(root, join('test', group), join('test', 'dist', group));
}

function compiled(root, sources, output) {
  if (!existsSync(join(root, sources))) return [];
  return listFiles(join(root, sources), '.test.ts')
    .map((path) => join(output, relative(join(root, sources), path).replace(/\.ts$/, '.js')))
    .sort();
}
