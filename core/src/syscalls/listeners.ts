import { chmodSync, chownSync, fchmodSync, lstatSync, unlinkSync } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { setCloseOnExec } from './descriptors.ts';
import { errnoOf, translated } from './errno.ts';
import { addressFamily, bindInet, bindUnix, connectUnix } from './socket-addresses.ts';
import {
  AF_UNIX,
  closeDescriptor,
  listenSocket,
  rawSocket,
  SO_REUSEADDR,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  setSocketOption,
} from './sockets.ts';

export interface UnixListenerOptions {
  /** The group that may connect, with a mode of 0660. */
  readonly gid?: number;
}

/**
 * A listening Unix socket as a descriptor without close-on-exec, to be handed on to children. A socket file that nobody listens on any
 * more is replaced; one that somebody listens on is a conflict. The file is never open to more users than `mode` says, not even for a moment.
 */
export function listenUnixInheritable(path: string, mode: number, options: UnixListenerOptions = {}): number {
  return listening(rawSocket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK), (fd) => {
    // The mode of the socket's own inode is what bind gives the file.
    fchmodSync(fd, 0o600);
    bindReplacingStale(fd, path);
    translated(path, () => {
      if (options.gid !== undefined) chownSync(path, -1, options.gid);
      chmodSync(path, mode);
    });
  });
}

/** A listening TCP socket as a descriptor without close-on-exec, to be handed on to children. `host` is a numeric address. */
export function listenTcpInheritable(host: string, port: number): number {
  return listening(rawSocket(addressFamily(host), SOCK_STREAM | SOCK_NONBLOCK), (fd) => {
    setSocketOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    bindInet(fd, host, port);
  });
}

function listening(fd: number, prepare: (fd: number) => void): number {
  try {
    prepare(fd);
    listenSocket(fd);
    setCloseOnExec(fd, false);
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

function bindReplacingStale(fd: number, path: string): void {
  try {
    bindUnix(fd, path);
    return;
  } catch (error) {
    if (errnoOf(error) !== 'EADDRINUSE') throw error;
  }
  if (!translated(path, () => lstatSync(path)).isSocket()) {
    throw new CleatError('already_exists', 'SOCKET_PATH_TAKEN', `${path} exists and is not a socket`);
  }
  if (hasListener(path)) {
    throw new CleatError('conflict', 'SOCKET_IN_USE', `another process listens on ${path}`);
  }
  translated(path, () => {
    unlinkSync(path);
  });
  bindUnix(fd, path);
}

function hasListener(path: string): boolean {
  const probe = rawSocket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  try {
    connectUnix(probe, path);
    return true;
  } catch (error) {
    // EAGAIN is a full backlog, EPROTOTYPE a socket of another type: somebody is there.
    if (errnoOf(error) === 'ECONNREFUSED') return false;
    if (errnoOf(error) === 'EAGAIN' || errnoOf(error) === 'EPROTOTYPE') return true;
    throw error;
  } finally {
    closeDescriptor(probe);
  }
}
