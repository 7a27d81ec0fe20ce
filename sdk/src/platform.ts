// What a program that starts the platform needs of the system.
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { flock } from '@cleat/core/syscalls';

export { Journal, type JournalRecord } from '@cleat/core/journal';
export {
  execve,
  findProcesses,
  isSameProcess,
  listenTcpInheritable,
  listenUnixInheritable,
  moveDescriptor,
  processStartTime,
  setCloseOnExec,
  signalProcess,
} from '@cleat/core/syscalls';

/** Takes the lock of a file, for as long as the descriptor that it gives is open; undefined when another has it. */
export function lockFile(path: string): number | undefined {
  while (true) {
    const fd = openSync(path, 'a', 0o600);
    if (!flock(fd, { exclusive: true, nonBlocking: true })) {
      closeSync(fd);
      return undefined;
    }
    // Whoever had it before may have removed the file: then it is another one that everybody else locks.
    if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return fd;
    closeSync(fd);
  }
}
