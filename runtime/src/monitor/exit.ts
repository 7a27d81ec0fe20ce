import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromNodeError } from '@cleat/core/syscalls';

/** How a process ended. */
export interface ExitReport {
  /** 128 plus the number of a signal that ended it. */
  readonly exitCode: number;
  readonly finishedAtNs: bigint;
  /** Memory ran out, by the monitor's note; see also `CgroupTree.oomKillCount`. */
  readonly oomKilled: boolean;
}

export interface ExitPlace {
  readonly id: string;
  readonly exitDir: string;
  readonly persistDir: string;
}

/** What the monitor wrote at the end; undefined while it has not. */
export function readExit({ id, exitDir, persistDir }: ExitPlace): ExitReport | undefined {
  const path = join(exitDir, id);
  try {
    const exitCode = Number(readFileSync(path, 'utf8'));
    const finishedAtNs = statSync(path, { bigint: true }).mtimeNs;
    return { exitCode, finishedAtNs, oomKilled: existsSync(join(persistDir, 'oom')) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromNodeError(error, path);
  }
}
