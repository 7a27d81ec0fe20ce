import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, type RunResult, runProcess } from './processes.ts';
import { tempDir } from './temp-dir.ts';
import type { TestContext } from './test-context.ts';

/** A network namespace of a test's own, with loopback up, in which addresses, ports, links and rules meet no other's. */
export interface TestNetwork {
  /** Where it is pinned. */
  readonly path: string;
  /** The command that runs `argv` in it. */
  command(...argv: string[]): readonly string[];
  /** Runs a program in it, to its end. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
}

/** Makes a network namespace that is gone after the test, with everything in it. Needs root. */
export async function testNetwork(t: Pick<TestContext, 'teardown'>): Promise<TestNetwork> {
  const path = join(tempDir(t, 'cleat-net-'), 'net');
  closeSync(openSync(path, 'wx'));
  await runProcess(['unshare', `--net=${path}`, 'true']);
  t.teardown(async () => {
    await runProcess(['umount', path]);
  });
  const command = (...argv: string[]): readonly string[] => ['nsenter', `--net=${path}`, ...argv];
  await runProcess(command('ip', 'link', 'set', 'lo', 'up'));
  return { path, command, run: (argv, options) => runProcess(command(...argv), options) };
}
