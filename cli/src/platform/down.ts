import { closeSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CleatError } from '@cleat/schemas';
import { connectOperator } from '@cleat/sdk/client';
import { isSameProcess, lockFile, processStartTime, signalProcess } from '@cleat/sdk/platform';
import { clearRunDirectory } from './run-directory.ts';

const ASK_MS = 5_000;
const END_MS = 60_000;
const POLL_MS = 25;

export const downHelp = `Usage: cleat down [flags]

Stops the platform. Containers run on unless asked otherwise, and are found again by the next cleat up.

      --run-dir DIR        of the instance (default /run/cleat)
      --stop-containers    stop them too

Examples:
  cleat down
  cleat down --run-dir /run/cleat-b --stop-containers
`;

/** Stops the platform of a run directory. 0 also when none is up. */
export async function down(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv);
  const runDir = resolve(flags['run-dir'] ?? '/run/cleat');
  const pid = pidOf(runDir);
  if (!isUp(runDir)) {
    process.stdout.write(`Cleat is not up in ${runDir}\n`);
    return 0;
  }
  const startTime = pid === undefined ? undefined : processStartTime(pid);
  const asked = await ask(runDir, flags['stop-containers'] === true);
  if (!asked && flags['stop-containers'] === true)
    throw new CleatError('unavailable', 'KERNEL_AWAY', 'the kernel does not answer, so containers cannot be stopped', {
      hint: 'Without --stop-containers the platform is stopped all the same.',
    });
  // A kernel that cannot be asked is told by signal.
  if (!asked && pid !== undefined && startTime !== undefined) signalProcess(pid, startTime, 'SIGTERM');
  const until = Date.now() + END_MS;
  while (Date.now() < until) {
    const isGone = pid === undefined || startTime === undefined || !isSameProcess(pid, startTime);
    if (isGone && (await cleared(runDir))) return 0;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new CleatError('deadline_exceeded', 'DOWN_SLOW', `Cleat did not go down within ${END_MS / 1000} s`);
}

function parseFlags(argv: readonly string[]): {
  readonly 'run-dir'?: string | undefined;
  readonly 'stop-containers'?: boolean | undefined;
} {
  try {
    return parseArgs({ args: [...argv], options: { 'run-dir': { type: 'string' }, 'stop-containers': { type: 'boolean' } } }).values;
  } catch (cause) {
    throw new CleatError('invalid_argument', 'FLAGS_INVALID', cause instanceof Error ? cause.message : String(cause), {
      hint: 'See cleat help down.',
      cause,
    });
  }
}

async function ask(runDir: string, stopContainers: boolean): Promise<boolean> {
  try {
    const operator = await connectOperator(runDir);
    try {
      await operator.call('node', 'shutdown', { stopContainers }, { timeoutMs: ASK_MS });
    } finally {
      await operator.close();
    }
    return true;
  } catch {
    // The bus or the kernel is away; the caller has another way.
    return false;
  }
}

function pidOf(runDir: string): number | undefined {
  const path = join(runDir, 'up.pid');
  const pid = existsSync(path) ? Number(readFileSync(path, 'utf8').trim()) : Number.NaN;
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

/** False while somebody holds the lock. Under it, so that what the next `cleat up` makes is not taken away. */
async function cleared(runDir: string): Promise<boolean> {
  const fd = existsSync(runDir) ? lockFile(join(runDir, 'up.lock')) : undefined;
  if (fd === undefined) return !existsSync(runDir);
  try {
    await clearRunDirectory(runDir);
  } finally {
    closeSync(fd);
  }
  return true;
}

/** The lock is held for as long as the platform is up. */
export function isUp(runDir: string): boolean {
  const path = join(runDir, 'up.lock');
  if (!existsSync(path)) return false;
  const fd = lockFile(path);
  if (fd === undefined) return true;
  closeSync(fd);
  return false;
}
