import { access, closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { errnoOf, translated } from './errno.ts';
import { bind, checked } from './libc.ts';
import { bindMount, fileSystemType, umount } from './mounts.ts';
import { AF_INET, closeDescriptor, rawSocket, SOCK_DGRAM } from './sockets.ts';

const CLONE_NEWNET = 0x40000000;
const NSFS_MAGIC = 0x6e736673;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 0x1;
/** The namespace of the calling thread; /proc/self would be the main thread's. */
const OWN_NAMESPACE = '/proc/thread-self/ns/net';

const unshareCall = bind<[number]>('int unshare(int flags)');
const setnsCall = bind<[number, number]>('int setns(int fd, int type)');
const ioctlCall = bind<[number, number, Uint8Array]>('int ioctl(int fd, unsigned long request, void *argument)');

let isPoolWarm = false;

/**
 * Makes libuv's thread pool exist. Its threads start at the first work given to it and take over the namespace of the thread that gave it,
 * so a first use inside a namespace window would leave the pool there for ever. Every window calls this by itself.
 */
export function warmThreadPool(): void {
  if (isPoolWarm) return;
  isPoolWarm = true;
  // All threads are up when this returns. (access never goes to io_uring.)
  access('/', () => undefined);
}

/** Runs `inside` and goes back to the namespace of `home`; a thread that cannot go back must not run on. */
function inWindow<T>(home: number, inside: () => T): T {
  try {
    const result = inside();
    if (result instanceof Promise) {
      throw new CleatError('internal', 'NAMESPACE_WINDOW_ASYNC', 'a namespace window must be synchronous');
    }
    return result;
  } finally {
    if (setnsCall(home, CLONE_NEWNET) !== 0) {
      process.stderr.write('cleat: cannot leave a network namespace, ending\n');
      process.abort();
    }
  }
}

function openNamespace(path: string): number {
  const fd = translated(path, () => openSync(path, constants.O_RDONLY));
  try {
    // setns by CLONE_NEWNET would refuse another kind too, but with EINVAL only.
    if (fileSystemType(`/proc/self/fd/${fd}`) !== NSFS_MAGIC) {
      throw new CleatError('not_found', 'NAMESPACE_NOT_PINNED', `${path} is not a namespace`);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Runs `inside` with this thread in another network namespace: sockets made there stay there, /proc/sys/net is that namespace's.
 * `inside` is synchronous and starts no process; what it begins on the event loop (dgram.bind, fs.promises) happens outside.
 */
export function withNetworkNamespace<T>(namespace: string | number, inside: () => T): T {
  warmThreadPool();
  const target = typeof namespace === 'string' ? openNamespace(namespace) : namespace;
  try {
    const home = openNamespace(OWN_NAMESPACE);
    try {
      checked(setnsCall(target, CLONE_NEWNET), 'setns', `to ${namespace}`);
      return inWindow(home, inside);
    } finally {
      closeSync(home);
    }
  } finally {
    if (typeof namespace === 'string') closeSync(target);
  }
}

/**
 * Makes a network namespace and pins it at `pinFile`, a file that must not exist; `inside` runs in it, as in `withNetworkNamespace`.
 * On any failure nothing is left.
 */
export function createNetworkNamespace(pinFile: string, inside: () => void = () => undefined): void {
  warmThreadPool();
  createPinFile(pinFile);
  try {
    const home = openNamespace(OWN_NAMESPACE);
    try {
      checked(unshareCall(CLONE_NEWNET), 'unshare', 'the network namespace');
      inWindow(home, () => {
        bindMount(OWN_NAMESPACE, pinFile);
        return inside();
      });
    } finally {
      closeSync(home);
    }
  } catch (error) {
    unpinNamespace(pinFile);
    throw error;
  }
}

/** The empty file that a namespace is mounted on. */
export function createPinFile(path: string): void {
  closeSync(translated(path, () => openSync(path, 'wx', 0o600)));
}

/** True when a namespace is mounted at the path. */
export function isNamespacePinned(pinFile: string): boolean {
  try {
    return fileSystemType(pinFile) === NSFS_MAGIC;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Unmounts and removes a pin; whatever of it is gone already is fine. The namespace ends with its last process and open descriptor. */
export function unpinNamespace(pinFile: string): void {
  while (umount(pinFile, { lazy: true }));
  try {
    unlinkSync(pinFile);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** Sets the loopback link of the current network namespace up. */
export function bringLoopbackUp(): void {
  const socket = rawSocket(AF_INET, SOCK_DGRAM);
  try {
    // struct ifreq: 16 bytes of name, then a union that begins with the flags.
    const request = Buffer.alloc(40);
    request.write('lo');
    checked(ioctlCall(socket, SIOCGIFFLAGS, request), 'ioctl', 'SIOCGIFFLAGS of lo');
    request.writeUInt16LE(request.readUInt16LE(16) | IFF_UP, 16);
    checked(ioctlCall(socket, SIOCSIFFLAGS, request), 'ioctl', 'SIOCSIFFLAGS of lo');
  } finally {
    closeDescriptor(socket);
  }
}
