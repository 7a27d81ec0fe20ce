import { readFileSync } from 'node:fs';
import { type RunOptions, type RunResult, waitFor } from '@cleat/harness';
import type { plugin } from '@cleat/schemas';
import { NodeClient } from './node-client.ts';

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

/** Until every plugin is ready, the bus has all events, and the API answers. */
export async function waitUntilWell(platform: PlatformClients): Promise<void> {
  await waitFor('a platform that is well', () => isWell(platform), { timeoutMs: ANSWER_MS, intervalMs: 200 });
}

async function isWell(platform: PlatformClients): Promise<boolean> {
  const isUp = await asked(platform.runDir, async (client) => {
    const { newestEvent, publishedEvent } = await client.info();
    const { plugins } = await client.call<plugin.ListResponse>('plugin', 'list');
    return newestEvent === publishedEvent && plugins.every(({ state }) => state === 'ready');
  });
  return isUp && (await platform.docker(['version'], { allowExit: 'any' })).code === 0;
}

/** The process of a group of plugins. */
export async function pluginPid({ runDir }: PlatformClients, name: string): Promise<number> {
  const { pid } = await asked(runDir, (client) => client.plugin(name));
  if (pid < 2) throw new Error(`there is no process of ${name}`);
  return pid;
}

/** Not by the cleat command: in an emulated machine its start alone takes seconds. */
async function asked<T>(runDir: string, question: (client: NodeClient) => Promise<T>): Promise<T> {
  const client = await NodeClient.open(runDir, '');
  try {
    return await question(client);
  } finally {
    await client.close();
  }
}
