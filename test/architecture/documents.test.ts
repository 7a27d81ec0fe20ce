import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { runProcess } from '@cleat/harness';
import t from 'tap';
import { repository } from './planted-project.ts';

interface Document {
  readonly path: string;
  readonly text: string;
}

/** A command in a document: where it stands and its words. */
interface Command {
  readonly path: string;
  readonly words: readonly string[];
}

async function documents(): Promise<readonly Document[]> {
  const { stdout } = await runProcess(['git', 'ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: repository });
  return stdout
    .split('\n')
    .filter((path) => path !== '' && existsSync(join(repository, path)))
    .map((path) => ({ path, text: readFileSync(join(repository, path), 'utf8') }));
}

/** Links to files of the repository that lead nowhere, as `document: target`. */
function brokenLinks({ path, text }: Document): readonly string[] {
  const targets = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  return targets
    .filter((target) => !/^(https?:|mailto:|#)/.test(target))
    .filter((target) => !existsSync(join(repository, dirname(path), target.replace(/#.*$/, ''))))
    .map((target) => `${path}: ${target}`);
}

/** Files and source folders of this repository that a text names in code marks. */
function namedFiles(text: string): readonly string[] {
  const marked = [...text.matchAll(/`([a-z]+\/[\w./-]+)`/g)].map((match) => match[1] ?? '');
  const isOurs = (path: string): boolean => /^(schemas|core|sdk|runtime|streams|kernel|plugins|cli|bin|build|test|docs|bench)\//.test(path);
  return marked.filter((path) => isOurs(path) && (/\.\w+$/.test(path) || path.includes('/src/')));
}

/** The commands of code blocks, indented or fenced, that begin with a program of this repository. */
function commands({ path, text }: Document): readonly Command[] {
  return text
    .split('\n')
    .map((line) => line.trim().replace(/\s+#.*$/, ''))
    .map((line) => line.replace(/^(\$ |# )?(sudo )?/, '').split(/\s+/))
    .filter((words) => isCommand(words))
    .map((words) => ({ path, words }));
}

function isCommand(words: readonly string[]): boolean {
  const [program = '', verb = ''] = words;
  return (/^(bin|build)\/[\w-]+$/.test(program) && !verb.startsWith('-')) || (program === 'npm' && verb === 'run');
}

function brokenCommands(document: Document): readonly string[] {
  const scripts = readScripts();
  return commands(document)
    .filter(({ words: [program = '', , name = ''] }) => (program === 'npm' ? !scripts.has(name) : !isExecutable(join(repository, program))))
    .map(({ path, words }) => `${path}: ${words.join(' ')}`);
}

function readScripts(): ReadonlySet<string> {
  const manifest: unknown = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  if (typeof manifest !== 'object' || manifest === null || !('scripts' in manifest)) return new Set();
  return new Set(Object.keys(manifest.scripts ?? {}));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Missing or not executable: a reader could not run it either.
    return false;
  }
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[^]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
}

t.test('every link in a document leads to a file', async (t) => {
  const all = await documents();
  t.ok(all.length > 10, `${all.length} documents were read`);
  t.same(all.flatMap(brokenLinks), []);
  t.same(brokenLinks({ path: 'docs/x.md', text: 'see [this](gone.md) and [that](SCOPE.md#in)' }), ['docs/x.md: gone.md']);
});

t.test('every file that a document names exists', async (t) => {
  const all = await documents();
  const named = all.flatMap(({ path, text }) => namedFiles(text).map((file) => ({ path, file })));
  t.ok(named.length > 10, `${named.length} names were read`);
  t.same(
    named.filter(({ file }) => !existsSync(join(repository, file))).map(({ path, file }) => `${path}: ${file}`),
    [],
  );
  t.same(namedFiles('see `kernel/src/engine` and `core/gone.ts`, not `x/src/y`'), ['kernel/src/engine', 'core/gone.ts']);
});

t.test('every command in a document exists', async (t) => {
  const all = await documents();
  const found = all.flatMap(commands);
  t.ok(found.length > 5, `${found.length} commands were read`);
  t.same(all.flatMap(brokenCommands), []);
  const planted = '    sudo bin/gone up\n    npm run nothing\n    npm run build\n    bin/test unit\n';
  t.same(brokenCommands({ path: 'docs/x.md', text: planted }), ['docs/x.md: bin/gone up', 'docs/x.md: npm run nothing']);
});

t.test('every step that a document names is a step of bin/test', async (t) => {
  const steps = (await documents())
    .flatMap(commands)
    .filter(({ words }) => words[0] === 'bin/test')
    .flatMap(({ words }) => words.slice(1));
  t.ok(steps.length > 0);
  const { stderr } = await runProcess(['node', join(repository, 'build/run-tests.mjs'), 'no-step'], { allowExit: [2] });
  for (const step of new Set(steps)) t.match(stderr, new RegExp(`^ {2}${step} `, 'm'));
});

t.test('a decision has context, decision and consequences, on one page', async (t) => {
  const decisions = (await documents()).filter(({ path }) => /^docs\/adr\/\d{4}-/.test(path));
  t.ok(decisions.length >= 6);
  for (const { path, text } of decisions) {
    const number = Number(relative('docs/adr', path).slice(0, 4));
    t.match(text, new RegExp(`^# ${number}\\. [^]*^## Context[^]*^## Decision[^]*^## Consequences`, 'm'), path);
    t.ok(text.split('\n').length <= 60, `${path} is one page`);
  }
});
