import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { becomeSubreaper, spawnProcess } from '@cleat/core/syscalls';
import { ProcessSource } from './process-source.ts';
import type { Exec } from './protocol.ts';
import { exitCodeOf, Reaper } from './reaper.ts';
import type { Source, SourceEvents } from './source.ts';

/** Of a process that did not become our child. */
const UNSEEN_CODE = 137;

export interface ExecProcess {
  /** 0: the runtime could not make it. */
  readonly pid: number;
  /** What the runtime said then. */
  readonly complaint: string;
  readonly listen: (events: SourceEvents) => Source;
  readonly exitCode: Promise<number>;
}

/** Runs the OCI runtime's exec command, and is the parent of what it leaves behind. */
export class ExecProcesses {
  #ready: { readonly reaper: Reaper; readonly nothing: number } | undefined;

  async start({ program, args, directory, pidFile, stdin, openStdin }: Exec): Promise<ExecProcess> {
    const { reaper, nothing } = this.#prepare();
    const source = new ProcessSource(stdin && openStdin, nothing);
    try {
      const runtime = spawnProcess({
        path: program,
        argv: [program, ...args],
        env: { PATH: process.env['PATH'] ?? '' },
        cwd: directory,
        fds: source.theirs,
      });
      source.started();
      const end = await reaper.end(runtime);
      const pid = exitCodeOf(end) === 0 ? Number(await readFile(pidFile, 'utf8')) : 0;
      const listen = (events: SourceEvents): Source => {
        source.listen(events);
        return source;
      };
      if (pid > 0) return { pid, complaint: '', listen, exitCode: reaper.end(pid).then(exitCodeOf, () => UNSEEN_CODE) };
      const complaint = source.complaint();
      source.close();
      return { pid: 0, complaint, listen, exitCode: Promise.resolve(exitCodeOf(end)) };
    } catch (error) {
      source.started();
      source.close();
      throw error;
    }
  }

  /** Only a process that runs execs need be a parent of orphans. */
  #prepare(): { readonly reaper: Reaper; readonly nothing: number } {
    if (this.#ready === undefined) {
      becomeSubreaper();
      this.#ready = { reaper: new Reaper(), nothing: openSync('/dev/null', 'r+') };
    }
    return this.#ready;
  }
}
