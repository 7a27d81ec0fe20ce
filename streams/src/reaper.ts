import { type ProcessEnd, reapProcess } from '@cleat/core/syscalls';

/** Children that were not started by node:child_process, or that became ours when their parents ended. */
export class Reaper {
  readonly #waiting = new Map<number, (end: ProcessEnd) => void>();

  constructor() {
    process.on('SIGCHLD', () => {
      for (const pid of [...this.#waiting.keys()]) this.#look(pid);
    });
  }

  /** How it ends, also when it has ended already. Each process may be asked for once. */
  end(pid: number): Promise<ProcessEnd> {
    return new Promise((resolve) => {
      this.#waiting.set(pid, resolve);
      this.#look(pid);
    });
  }

  #look(pid: number): void {
    const end = reapProcess(pid);
    if (end.type === 'running') return;
    this.#waiting.get(pid)?.(end);
    this.#waiting.delete(pid);
  }
}

/** As a shell counts: 128 and the number of the signal. */
export function exitCodeOf(end: ProcessEnd): number {
  if (end.type === 'exited') return end.exitCode;
  return end.type === 'killed' ? 128 + end.signal : -1;
}
