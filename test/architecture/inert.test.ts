import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess, tempDir } from '@cleat/harness';
import t from 'tap';
import { repository } from './planted-project.ts';

const NOTHING = { environment: [], listeners: [], resources: [] };

/** What the import of a module did: variables read, handlers of the process added, timers and handles begun. */
async function probe(module: string): Promise<unknown> {
  const script = join(import.meta.dirname, 'import-probe.js');
  const { stdout } = await runProcess([process.execPath, script, module]);
  return JSON.parse(stdout);
}

t.test('importing a plugin starts nothing, reads no environment and touches no process handler', async (t) => {
  const plugins = readdirSync(join(repository, 'plugins'));
  t.ok(plugins.length >= 5);
  for (const name of plugins) {
    const module = join(repository, 'plugins', name, 'dist/src/index.js');
    t.ok(existsSync(module), `${name} is built`);
    t.same(await probe(module), NOTHING, name);
  }
});

t.test('importing a library package is inert as well', async (t) => {
  for (const name of ['schemas', 'core', 'sdk', 'runtime', 'streams', 'kernel']) {
    t.same(await probe(join(repository, name, 'dist/src/index.js')), NOTHING, name);
  }
});

t.test('a module that does something at import is seen', async (t) => {
  const module = join(tempDir(t), 'busy.mjs');
  const lines = ['process.env.HOME;', "process.on('SIGUSR2', () => {});", 'setTimeout(() => {}, 1);'];
  writeFileSync(module, lines.join('\n'));
  t.same(await probe(module), { environment: ['HOME'], listeners: ['SIGUSR2'], resources: ['Timeout'] });
});
