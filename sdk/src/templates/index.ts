/** New plugins: `cleat plugin new NAME --kind KIND`. */
import { cp, mkdir, readdir, readFile, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CleatError } from '@cleat/schemas';

export const PLUGIN_KINDS = ['volume-driver', 'network-driver', 'log-driver', 'authz', 'observer'] as const;
export type PluginKind = (typeof PLUGIN_KINDS)[number];

const TEMPLATES = fileURLToPath(new URL('../../../templates', import.meta.url));
const PLACEHOLDER = 'plugin-name';
const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;
/** What a plugin is built and run with: linked from where Cleat itself has them, so that nothing has to be downloaded. */
const LINKED = ['@cleat/sdk', '@cleat/schemas', '@cleat/core', 'typescript', '@types/node', 'undici-types'] as const;
const BUILT_WITH: ReadonlySet<string> = new Set(['typescript', '@types/node', 'undici-types']);

export interface Scaffolded {
  readonly directory: string;
  readonly files: readonly string[];
  /** Packages that could not be linked, and have to be installed: those that a plugin is built with. */
  readonly missing: readonly string[];
}

export function isPluginKind(text: string): text is PluginKind {
  return PLUGIN_KINDS.some((kind) => kind === text);
}

/**
 * Writes a plugin in TypeScript that builds, passes its suite and runs. Throws `invalid_argument` PLUGIN_NAME_INVALID,
 * `already_exists` DIRECTORY_NOT_EMPTY.
 */
export async function scaffold(directory: string, name: string, kind: PluginKind): Promise<Scaffolded> {
  if (!NAME.test(name)) {
    throw new CleatError(
      'invalid_argument',
      'PLUGIN_NAME_INVALID',
      `"${name}" is no name for a plugin: a letter or digit, then those and "-", at most 40`,
    );
  }
  const there = await readdir(directory).catch(() => []);
  if (there.length > 0) throw new CleatError('already_exists', 'DIRECTORY_NOT_EMPTY', `${directory} is not empty`);
  await mkdir(directory, { recursive: true });
  for (const source of ['shared', kind]) await cp(join(TEMPLATES, source), directory, { recursive: true });
  // A file of the real name would hide the templates' own files from the repository that they are kept in.
  await rename(join(directory, 'gitignore'), join(directory, '.gitignore'));
  const files = await filesOf(directory);
  for (const file of files) {
    const path = join(directory, file);
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll(PLACEHOLDER, name));
  }
  return { directory, files, missing: await link(directory) };
}

async function filesOf(directory: string, below = ''): Promise<readonly string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
    const name = join(below, entry.name);
    if (entry.isDirectory()) names.push(...(await filesOf(directory, name)));
    else names.push(name);
  }
  return names.sort();
}

/**
 * Makes node_modules of links, and says in package.json where they lead, so that an "npm install" keeps them. Resolves with what
 * a plugin is built with and is not here: an installation without sources.
 */
async function link(directory: string): Promise<readonly string[]> {
  const missing: string[] = [];
  const found = new Map<string, string>();
  for (const name of LINKED) {
    const source = await packageDirectory(name);
    if (source !== undefined) {
      found.set(name, source);
      const path = join(directory, 'node_modules', name);
      await mkdir(dirname(path), { recursive: true });
      await rm(path, { force: true });
      await symlink(source, path);
    } else if (BUILT_WITH.has(name)) missing.push(name);
  }
  await declare(join(directory, 'package.json'), found);
  return missing;
}

async function declare(file: string, found: ReadonlyMap<string, string>): Promise<void> {
  const written: unknown = JSON.parse(await readFile(file, 'utf8'));
  const linked = (isWanted: (name: string) => boolean): object =>
    Object.fromEntries([...found].filter(([name]) => isWanted(name)).map(([name, path]) => [name, `file:${path}`]));
  const whole = {
    ...(typeof written === 'object' ? written : {}),
    dependencies: linked((name) => !BUILT_WITH.has(name)),
    devDependencies: linked((name) => BUILT_WITH.has(name)),
  };
  await writeFile(file, `${JSON.stringify(whole, undefined, 2)}\n`);
}

async function packageDirectory(name: string): Promise<string | undefined> {
  for (const base of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const path = join(base, name);
    if (await isDirectory(path)) return realpath(path);
  }
  return undefined;
}

function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
