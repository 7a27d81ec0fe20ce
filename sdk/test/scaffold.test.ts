import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProcess } from '@cleat/harness';
import t, { type Test } from 'tap';
import { isPluginKind, PLUGIN_KINDS, scaffold } from '../src/templates/index.ts';
import { failure } from './fixture.ts';
import { build, newPluginPasses } from './plugin-suites.ts';

function temporary(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'cleat-scaffold-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

t.test('every kind of plugin builds as it is written', async (t) => {
  const root = temporary(t);
  for (const kind of PLUGIN_KINDS) {
    const directory = join(root, kind);
    const { files, missing } = await scaffold(directory, `my-${kind}`, kind);
    t.same(missing, []);
    t.ok(files.includes('manifest.json') && files.includes('.gitignore'));
    for (const file of files) t.notMatch(readFileSync(join(directory, file), 'utf8'), /plugin-name/, file);
    await build(directory);
    t.ok(existsSync(join(directory, 'dist/src/main.js')), kind);
  }
});

t.test('an npm install keeps what a new plugin is built with', async (t) => {
  const directory = join(temporary(t), 'mine');
  await scaffold(directory, 'mine', 'authz');
  const npm = ['npm', 'install', '--offline', '--no-audit', '--no-fund'];
  await runProcess(npm, { cwd: directory, timeoutMs: 60_000, env: { npm_config_cache: join(directory, '.npm') } });
  await build(directory);
});

t.test('a name that is none and a directory with something in it are refused', async (t) => {
  const root = temporary(t);
  writeFileSync(join(root, 'file'), '');
  t.equal((await failure(scaffold(join(root, 'x'), 'My Plugin', 'authz'))).code, 'PLUGIN_NAME_INVALID');
  t.equal((await failure(scaffold(root, 'mine', 'authz'))).code, 'DIRECTORY_NOT_EMPTY');
  t.notOk(isPluginKind('toaster'));
});

t.test('a new authz passes its suite', (t) => newPluginPasses(t, 'authz', 8));

t.test('a new observer passes its suite', (t) => newPluginPasses(t, 'observer', 9));
