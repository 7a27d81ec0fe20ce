import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProcess } from '@cleat/harness';
import type { Test } from 'tap';
import { type PluginKind, scaffold } from '../src/templates/index.ts';

const TSC = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url));

/** Builds a plugin in TypeScript as its package.json says. */
export async function build(directory: string): Promise<void> {
  await runProcess([process.execPath, TSC, '-p', directory], { timeoutMs: 60_000 });
}

/** Runs a plugin's own tests; the suite of a role has many, so one that ran nothing is noticed. */
export async function runSuite(t: Test, directory: string, atLeast: number, file = 'dist/test/suite.test.js'): Promise<void> {
  const { code, stdout, stderr } = await runProcess([process.execPath, '--test', '--test-reporter=tap', '--test-timeout=100000', file], {
    cwd: directory,
    timeoutMs: 110_000,
    allowExit: 'any',
  });
  t.equal(code, 0, 'its tests pass');
  if (code !== 0) t.comment(`${stdout}\n${stderr}`.slice(-8_000));
  const passed = Number(/^# pass (\d+)$/m.exec(stdout)?.[1] ?? 0);
  t.ok(passed >= atLeast, `${passed} tests passed`);
}

/** A plugin as it is written for its author: built, and every test of it run. */
export async function newPluginPasses(t: Test, kind: PluginKind, atLeast: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cleat-scaffold-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  await scaffold(directory, `my-${kind}`, kind);
  await build(directory);
  await runSuite(t, directory, atLeast);
}
