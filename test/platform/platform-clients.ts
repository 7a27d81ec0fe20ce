import { readFileSync } from 'node:fs';
import { type RunOptions, type RunResult, waitFor } from '@cleat/harness';

/** What a platform's users have: docker and cleat, told where it is. */
export interface PlatformClients {
  readonly runDir: string;
  docker(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  cleat(args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

const KERNEL_MAIN = 'kernel/dist/src/main.js';
const ANSWER_MS = 30_000;

/** The kernel of a platform: the child of the loop that `cleat up` became. */
export function kernelPid(runDir: string): number {
  const loop = readFileSync(`${runDir}/up.pid`, 'utf8').trim();
  const children = readFileSync(`/proc/${loop}/task/${loop}/children`, 'utf8').trim().split(' ');
  const kernel = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(KERNEL_MAIN));
  if (kernel === undefined) throw new Error(`process ${loop} has no kernel`);
  return Number(kernel);
}

/** Kills the kernel and returns when another one answers. */
export async function killKernel(platform: PlatformClients): Promise<void> {
  const killed = kernelPid(platform.runDir);
  process.kill(killed, 'SIGKILL');
  await waitFor('another kernel', () => kernelPid(platform.runDir) !== killed, { timeoutMs: ANSWER_MS });
  await waitUntilWell(platform);
}

/** Until every part says that it is well. */
export async function waitUntilWell(platform: PlatformClients): Promise<void> {
  await waitFor(
    'a platform that is well',
    async () => (await platform.cleat(['status', '--run-dir', platform.runDir], { allowExit: 'any' })).code === 0,
    { timeoutMs: ANSWER_MS, intervalMs: 200 },
  );
}

/** The process of a group of plugins. */
export async function pluginPid(platform: PlatformClients, plugin: string): Promise<number> {
  const { stdout } = await platform.cleat(['status', '--json', '--run-dir', platform.runDir], { allowExit: [0, 1] });
  const status: unknown = JSON.parse(stdout);
  const plugins: unknown = field(status, 'plugins');
  const found: unknown = Array.isArray(plugins) ? plugins.find((one) => field(one, 'name') === plugin) : undefined;
  const pid = field(found, 'pid');
  if (typeof pid !== 'number' || pid < 2) throw new Error(`there is no process of ${plugin} in ${stdout}`);
  return pid;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined;
}
