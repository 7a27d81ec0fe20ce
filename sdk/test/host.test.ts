import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProcess, startProcess } from '@cleat/harness';
import { type Manifest, SchemaBook } from '@cleat/schemas';
import t from 'tap';
import { failure, openNode, until } from './fixture.ts';

const MAIN = fileURLToPath(new URL('../src/run/main.js', import.meta.url));

function manifest(name: string): Manifest {
  return { cleat: 1, name, version: '1.0.0', contracts: { provider: ['1.0'] }, intercepts: [`${name}.*`] };
}

/** A module that exports a plugin; `body` is what its judge does. */
function module(directory: string, name: string, body: string): string {
  const path = join(directory, `${name}.mjs`);
  const setup = `() => ({ interceptor: { judge: async () => { ${body} } } })`;
  writeFileSync(path, `export const plugin = { manifest: ${JSON.stringify(manifest(name))}, setup: ${setup} };\n`);
  return path;
}

t.test('plugins share a process, one that cannot be loaded does no harm, and SIGTERM ends it with 0', async (t) => {
  const node = await openNode(t);
  const one = await node.install(manifest('one'));
  const two = await node.install(manifest('two'));
  const broken = await node.install(manifest('broken'));
  const runFile = node.writeRunFile([
    { plugin: one, module: module(node.directory, 'one', 'return { allow: true };') },
    { plugin: two, module: module(node.directory, 'two', 'throw new Error("no opinion");') },
    { plugin: broken, module: join(node.directory, 'missing.mjs') },
  ]);
  const child = startProcess(t, [process.execPath, MAIN, runFile]);
  await node.kernel.ready('one');
  await node.kernel.ready('two');
  const codec = new SchemaBook().operation('volume', 'list').request;
  const asked = { operation: 'volume.list', actor: {}, request: codec.encode({}), schema: codec.fingerprint };
  const judge = (name: string): Promise<unknown> => node.call(`interceptor.${name}`, 'interceptor', 'judge', asked);
  t.match(await failure(judge('two')), { message: 'no opinion', plugin: 'two' });
  t.match(await judge('one'), { allow: true }, 'the other one still answers');
  t.match(child.output(), /a plugin cannot be loaded/);
  t.equal(node.kernel.hello('one')?.pid, node.kernel.hello('two')?.pid);
  child.signal('SIGTERM');
  t.equal((await child.waitForExit()).code, 0);
});

t.test('an exception that nothing caught ends the process, and says so', async (t) => {
  const node = await openNode(t);
  const plugin = await node.install(manifest('wild'));
  const path = join(node.directory, 'wild.mjs');
  const setup = `() => { setTimeout(() => { throw new Error('out of the blue'); }, 50); return { interceptor: { judge: async () => ({ allow: true }) } }; }`;
  writeFileSync(path, `export const plugin = { manifest: ${JSON.stringify(plugin.manifest)}, setup: ${setup} };\n`);
  const child = startProcess(t, [process.execPath, MAIN, node.writeRunFile([{ plugin, module: path }])]);
  await until('it has ended', () => !child.isRunning(), 15_000);
  t.equal((await child.waitForExit()).code, 70);
  t.match(child.output(), /out of the blue/);
});

t.test('a run file that is none is told as that', async (t) => {
  const { code, stderr } = await runProcess([process.execPath, MAIN, '/nonexistent/run.json'], { allowExit: 'any' });
  t.equal(code, 1);
  t.match(stderr, /the run file \/nonexistent\/run\.json is not valid/);
});
