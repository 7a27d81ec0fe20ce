import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const MOUNT = '/sys/fs/cgroup';

/** Reads files of one container's cgroup, on either layout. */
export interface CgroupFiles {
  readonly version: 1 | 2;
  /** The text of a file; of version 1 below the controller. Undefined when it is not there. */
  read(controller: string, file: string): Promise<string | undefined>;
}

export function cgroupFiles(version: 1 | 2, path: string): CgroupFiles {
  return {
    version,
    read: async (controller, file) => {
      const directory = version === 2 ? join(MOUNT, path) : join(MOUNT, controller, path);
      try {
        return await readFile(join(directory, file), 'utf8');
      } catch {
        // A controller that is off, or the container has just ended.
        return undefined;
      }
    },
  };
}

/** "name value" lines. */
export function table(text: string | undefined): ReadonlyMap<string, number> {
  const rows = (text ?? '').split('\n').map((line) => line.split(' '));
  return new Map(rows.filter((row) => row.length === 2).map(([name = '', value]) => [name, Number(value)]));
}

/** "max" is no limit. */
export function number(text: string | undefined): number {
  const value = Number((text ?? '').trim());
  return Number.isFinite(value) ? value : 0;
}

/** Ids of the processes in a cgroup, those below it too. */
export async function processIds(files: CgroupFiles): Promise<readonly number[]> {
  const text = await files.read('pids', 'cgroup.procs');
  return (text ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}
