import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from '../run.mjs';

/** What `npm run generate` writes, relative to the repository. */
const WRITTEN = ['schemas/src/generated', 'schemas/released', 'schemas/golden', 'docs/reference'];

/**
 * Generates once more, in a copy, and compares with what is committed: a generated file that was edited by hand, or a
 * schema whose types were not written again, is found.
 * @param {string} root
 */
export async function compareGenerated(root) {
  const cache = join(root, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  // Below node_modules, so that the generator finds its dependencies there as it does at home.
  const copy = mkdtempSync(join(cache, 'cleat-generated-'));
  try {
    for (const name of ['schemas', 'docs/reference']) copyFolder(root, copy, name);
    const result = await run([process.execPath, join(copy, 'schemas/dist/src/generator/main.js')], { cwd: copy });
    if (result.code !== 0) return { files: 0, differences: [`the generator failed: ${result.stderr}`] };
    return compareFolders(root, copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function copyFolder(root, copy, name) {
  if (!existsSync(join(root, name))) return;
  const isWanted = (path) => !relative(root, path).split('/').includes('node_modules');
  cpSync(join(root, name), join(copy, name), { recursive: true, filter: isWanted });
}

function compareFolders(root, copy) {
  const differences = [];
  let files = 0;
  for (const folder of WRITTEN) {
    const names = new Set([...filesBelow(join(root, folder)), ...filesBelow(join(copy, folder))]);
    for (const name of names) {
      files += 1;
      const [here, there] = [root, copy].map((base) => readText(join(base, folder, name)));
      if (here !== there) differences.push(`${folder}/${name} is not what npm run generate writes`);
    }
  }
  return { files, differences };
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile());
}

function readText(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
