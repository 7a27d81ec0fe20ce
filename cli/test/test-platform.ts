import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  hostSnapshot,
  isBelow,
  makeBusyboxRootfs,
  mountPoints,
  type RunOptions,
  type RunResult,
  runProcess,
  type TestContext,
  tempDir,
  waitFor,
} from '@cleat/harness';

export const MAIN: string = fileURLToPath(new URL('../src/main.js', import.meta.url));

const UP_MS = 60_000;

/** A platform of a test's own, and a root file system to run in. */
export interface TestPlatform {
  readonly directory: string;
  readonly rootfs: string;
  /** Argument list of a command line of cleat on this platform. */
  argv(...args: readonly string[]): readonly string[];
  /** Runs cleat; exit codes other than 0 are the test's to look at. */
  cleat(args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

/** Starts a kernel, without any plugin unless some are named; it is stopped, with all that runs in it, when the test ends. */
export async function testPlatform(t: TestContext, plugins = 'none', env: RunOptions['env'] = {}): Promise<TestPlatform> {
  const directory = tempDir(t);
  const rootfs = join(directory, 'rootfs');
  const runDir = join(directory, 'run');
  const argv = (...args: readonly string[]): readonly string[] => [process.execPath, MAIN, '--run-dir', runDir, ...args];
  t.teardown(async () => {
    await runProcess(argv('down', '--stop-containers'), { timeoutMs: UP_MS });
    await endWhatStays(directory);
  });
  makeBusyboxRootfs(rootfs);
  await runProcess(argv('up', '--detach', '--plugins', plugins, '--state-dir', join(directory, 'state')), { timeoutMs: UP_MS, env });
  return { directory, rootfs, argv, cleat: (args, options = {}) => runProcess(argv(...args), { allowExit: 'any', ...options }) };
}

/** Two things outlive the platform, for its next start: the process that holds streams, for a while, and the tmpfs of the run directory. */
async function endWhatStays(directory: string): Promise<void> {
  const { processes } = hostSnapshot({ dirs: [directory] });
  for (const line of processes) {
    const pid = Number.parseInt(line, 10);
    if (line.includes('/streams/') && pid > 1) process.kill(pid, 'SIGTERM');
  }
  for (const point of mountPoints().filter((mounted) => isBelow(mounted, directory))) await runProcess(['umount', point]);
  await waitFor('the end of all processes', () => hostSnapshot({ dirs: [directory] }).processes.length === 0);
}
