import { readdirSync, readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { errnoOf, translated } from './errno.ts';

/** USER_HZ, which Linux shows user space on every architecture of ours (times(2)). */
const TICKS_PER_SECOND = 100;

/** The text of a file below /proc/PID; undefined when the process is gone. */
function readOf(pid: number, file: string): string | undefined {
  return translated(`process ${pid}`, () => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch (error) {
      const name = errnoOf(error);
      if (name === 'ENOENT' || name === 'ESRCH') return undefined;
      throw error;
    }
  });
}

/** The fields of /proc/PID/stat from the third (state) on: the name before them may hold spaces and parentheses. */
function statFields(pid: number): string[] | undefined {
  const text = readOf(pid, 'stat');
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** When the process began, in clock ticks since boot: with the pid it names one process of this boot. Undefined when there is none. */
export function processStartTime(pid: number): number | undefined {
  const field = statFields(pid)?.[19];
  return field === undefined ? undefined : Number(field);
}

/** How long ago a process with this start time began, in seconds; the time in which the machine slept counts. */
export function processAge(startTime: number): number {
  return uptime() - startTime / TICKS_PER_SECOND;
}

/** True while the process that began at `startTime` exists under this pid, also as a zombie. */
export function isSameProcess(pid: number, startTime: number): boolean {
  return processStartTime(pid) === startTime;
}

/** True for a process that has ended and waits for its parent. */
export function isZombie(pid: number): boolean {
  const state = statFields(pid)?.[0];
  return state === 'Z' || state === 'X';
}

/** The arguments of a process; empty for a kernel thread or a zombie, undefined when there is no such process. */
export function commandLine(pid: number): string[] | undefined {
  const text = readOf(pid, 'cmdline');
  if (text === undefined) return undefined;
  const words = text.split('\0');
  // Each argument ends with a NUL, so the last piece is empty, unless a process wrote over its arguments.
  if (words.at(-1) === '') words.pop();
  return words;
}

export interface FoundProcess {
  readonly pid: number;
  readonly startTime: number;
  readonly argv: readonly string[];
}

/** Every process whose arguments satisfy `matches`. Reads all of /proc: for recovery, not for every step. */
export function findProcesses(matches: (argv: readonly string[], pid: number) => boolean): FoundProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = /^\d+$/.test(name) ? Number(name) : undefined;
    if (pid === undefined) return [];
    // The start time first: a pid that is taken anew in between then fails isSameProcess.
    const startTime = processStartTime(pid);
    const argv = commandLine(pid);
    if (startTime === undefined || argv === undefined || argv.length === 0 || !matches(argv, pid)) return [];
    return [{ pid, startTime, argv }];
  });
}
