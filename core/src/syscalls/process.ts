import { chmodSync, closeSync } from 'node:fs';
import { constants } from 'node:os';
import { setCloseOnExec, setNonBlocking } from './descriptors.ts';
import { errnoName, errnoOf, systemError, translated } from './errno.ts';
import { bind, checked, cPath, lastErrno } from './libc.ts';
import { isSameProcess } from './process-table.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
// These two calls have the same number on every architecture.
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;
const PR_SET_PDEATHSIG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const SIG_DFL = 0;
const IGNORED_BY_NODE: readonly number[] = [constants.signals.SIGPIPE, constants.signals.SIGXFSZ];
const STANDARD_STREAMS: readonly number[] = [0, 1, 2];

const execveCall = bind<[string, readonly (string | null)[], readonly (string | null)[]]>(
  'int execve(const char *path, const char **argv, const char **env)',
);
const signalCall = bind<[number, number]>('intptr_t signal(int number, intptr_t handler)');
const flockCall = bind<[number, number]>('int flock(int fd, int operation)');
const pidfdOpenCall = bind<[number, number, number]>('long syscall(long number, long pid, unsigned long flags)');
const pidfdSendSignalCall = bind<[number, number, number, null, number]>(
  'long syscall(long number, long pidfd, long signal, const void *info, unsigned long flags)',
);
const prctlCall = bind<[number, number, number, number, number]>(
  'int prctl(int option, unsigned long value, unsigned long unused1, unsigned long unused2, unsigned long unused3)',
);
const mkfifoCall = bind<[string, number]>('int mkfifo(const char *path, unsigned int mode)');

export interface ExecRequest {
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Descriptors that the new program keeps, beside 0, 1 and 2. */
  readonly keepFds?: readonly number[];
}

/** Replaces this process by another program. Does not return; on failure it throws and this process goes on as before. */
export function execve(request: ExecRequest): never {
  const { path, argv, env, keepFds = [] } = request;
  const file = cPath(path);
  const words = [...argv.map(cPath), null];
  const environment = [...Object.entries(env).map(([name, value]) => cPath(`${name}=${value}`)), null];
  const undo: (() => void)[] = [];
  try {
    for (const fd of keepFds) changed(undo, fd, setCloseOnExec);
    // What Node changed for itself and exec does not change back: its standard streams, and two ignored signals.
    for (const fd of STANDARD_STREAMS) {
      unlessClosed(() => {
        changed(undo, fd, setCloseOnExec);
        changed(undo, fd, setNonBlocking);
      });
    }
    for (const signal of IGNORED_BY_NODE) {
      const previous = signalCall(signal, SIG_DFL);
      undo.push(() => signalCall(signal, previous));
    }
    execveCall(file, words, environment);
    throw systemError(lastErrno(), 'execve', path);
  } finally {
    // Only a failure comes here.
    for (const restore of undo.reverse()) restore();
  }
}

/** Takes a flag from a descriptor and notes how to give it back. */
function changed(undo: (() => void)[], fd: number, change: (fd: number, isSet: boolean) => boolean): void {
  if (change(fd, false)) undo.push(() => change(fd, true));
}

/** A daemon may have closed its standard streams. */
function unlessClosed(change: () => void): void {
  try {
    change();
  } catch (error) {
    if (errnoOf(error) !== 'EBADF') throw error;
  }
}

/** This process gets the signal when its parent ends. A parent that has ended before is not noticed: compare `process.ppid` afterwards. */
export function signalAtParentEnd(signal: NodeJS.Signals): void {
  checked(prctlCall(PR_SET_PDEATHSIG, constants.signals[signal], 0, 0, 0), 'prctl', 'PR_SET_PDEATHSIG');
}

/** Makes this process the parent of descendants whose own parents have ended, so that it can wait for them (prctl(2)). */
export function becomeSubreaper(): void {
  checked(prctlCall(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 'prctl', 'PR_SET_CHILD_SUBREAPER');
}

export interface LockOptions {
  readonly exclusive: boolean;
  /** Without it the whole process waits for the lock. */
  readonly nonBlocking: boolean;
}

/** Locks an open file until it is closed or its last holder ends. False when another holds it and `nonBlocking` is set. */
export function flock(fd: number, options: LockOptions): boolean {
  const operation = (options.exclusive ? LOCK_EX : LOCK_SH) | (options.nonBlocking ? LOCK_NB : 0);
  if (flockCall(fd, operation) === 0) return true;
  const errno = lastErrno();
  if (errnoName(errno) === 'EAGAIN') return false;
  throw systemError(errno, 'flock', `descriptor ${fd}`);
}

export function unlock(fd: number): void {
  checked(flockCall(fd, LOCK_UN), 'flock', `descriptor ${fd}`);
}

/** A descriptor for a process, with close-on-exec; the caller closes it. No such process is ESRCH. */
export function pidfdOpen(pid: number): number {
  return checked(pidfdOpenCall(SYS_PIDFD_OPEN, pid, 0), 'pidfd_open', `of process ${pid}`);
}

/** Sends a signal, by name or (a real-time one, which has no name) number, to the process that `pidfd` stands for. False when it is gone. */
export function pidfdSendSignal(pidfd: number, signal: NodeJS.Signals | number): boolean {
  const number = typeof signal === 'number' ? signal : constants.signals[signal];
  if (pidfdSendSignalCall(SYS_PIDFD_SEND_SIGNAL, pidfd, number, null, 0) === 0) return true;
  const errno = lastErrno();
  if (errnoName(errno) === 'ESRCH') return false;
  throw systemError(errno, 'pidfd_send_signal', String(signal));
}

/**
 * Sends a signal to the process that began at `startTime`, never to another one that has got its pid. False when it is gone.
 * A zombie takes signals like a living process, without effect.
 */
export function signalProcess(pid: number, startTime: number, signal: NodeJS.Signals | number): boolean {
  let pidfd: number;
  try {
    pidfd = pidfdOpen(pid);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    if (errnoOf(error) !== 'ENOSYS') throw error;
    // Before Linux 5.3 the check and the signal cannot be one.
    return isSameProcess(pid, startTime) && signalByPid(pid, signal);
  }
  try {
    return isSameProcess(pid, startTime) && pidfdSendSignal(pidfd, signal);
  } finally {
    closeSync(pidfd);
  }
}

/** Sends a signal by number alone: for a process known to be there, as one of a cgroup that is being emptied. False when it is gone. */
export function signalByPid(pid: number, signal: NodeJS.Signals | number): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/** Makes a named pipe with exactly this mode. */
export function mkfifo(path: string, mode: number): void {
  checked(mkfifoCall(cPath(path), mode), 'mkfifo', path);
  // mkfifo takes the umask away; setting it to 0 for a moment would open up files that pool threads make just then.
  translated(path, () => {
    chmodSync(path, mode);
  });
}
