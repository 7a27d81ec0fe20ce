import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { CleatError } from '@cleat/schemas';
import { errnoName, systemError, translated } from './errno.ts';
import { bind, checked, lastErrno } from './libc.ts';

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0x800;
export const SOCK_CLOEXEC = 0x80000;
export const SOL_SOCKET = 1;
export const SOL_NETLINK = 270;
export const SO_REUSEADDR = 2;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_PEERCRED = 17;
export const SO_RCVTIMEO = 20;
export const SO_SNDTIMEO = 21;
export const MSG_PEEK = 0x2;
export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x40000000;

const socketCall = bind<[number, number, number]>('int socket(int domain, int type, int protocol)');
const bindCall = bind<[number, Uint8Array, number]>('int bind(int fd, const void *address, unsigned int length)');
const connectCall = bind<[number, Uint8Array, number]>('int connect(int fd, const void *address, unsigned int length)');
const listenCall = bind<[number, number]>('int listen(int fd, int backlog)');
const acceptCall = bind<[number, null, null, number]>('int accept4(int fd, void *address, void *length, int flags)');
const socketpairCall = bind<[number, number, number, Uint8Array]>('int socketpair(int domain, int type, int protocol, void *pair)');
const sendCall = bind<[number, Uint8Array, number, number]>('long send(int fd, const void *data, unsigned long length, int flags)');
const recvCall = bind<[number, Uint8Array, number, number]>('long recv(int fd, void *data, unsigned long length, int flags)');
const setOptionCall = bind<[number, number, number, Uint8Array, number]>(
  'int setsockopt(int fd, int level, int name, const void *value, unsigned int length)',
);
const getOptionCall = bind<[number, number, number, Uint8Array, Uint8Array]>(
  'int getsockopt(int fd, int level, int name, void *value, void *length)',
);
const getNameCall = bind<[number, Uint8Array, Uint8Array]>('int getsockname(int fd, void *address, void *length)');

/** A socket as a bare descriptor, with close-on-exec. Made inside a network namespace window it stays in that namespace. */
export function rawSocket(domain: number, type: number, protocol = 0): number {
  return checked(socketCall(domain, type | SOCK_CLOEXEC, protocol), 'socket', `of family ${domain}`);
}

export function bindSocket(fd: number, address: Uint8Array, subject: string): void {
  checked(bindCall(fd, address, address.length), 'bind', subject);
}

export function connectSocket(fd: number, address: Uint8Array, subject: string): void {
  checked(connectCall(fd, address, address.length), 'connect', subject);
}

export function listenSocket(fd: number, backlog = 511): void {
  checked(listenCall(fd, backlog), 'listen', `on descriptor ${fd}`);
}

/** The next connection of a listening socket, with close-on-exec; undefined when none waits. The listener is non-blocking. */
export function accept(fd: number): number | undefined {
  return unlessAgain(acceptCall(fd, null, null, SOCK_CLOEXEC), 'accept4', fd);
}

/** Two Unix sockets connected to each other, with close-on-exec. */
export function socketPair(type: number): readonly [number, number] {
  const pair = Buffer.alloc(8);
  checked(socketpairCall(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 'socketpair', `of type ${type}`);
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** The bytes sent, or undefined when the socket's buffer is full. A peer that is gone is EPIPE, never a signal. */
export function send(fd: number, data: Uint8Array, flags: number = MSG_DONTWAIT): number | undefined {
  return unlessAgain(sendCall(fd, data, data.length, flags | MSG_NOSIGNAL), 'send', fd);
}

/** The bytes received into `buffer` (0 at end of file), or undefined when nothing is there. With MSG_TRUNC a message's true length. */
export function recv(fd: number, buffer: Uint8Array, flags: number = MSG_DONTWAIT): number | undefined {
  return unlessAgain(recvCall(fd, buffer, buffer.length, flags), 'recv', fd);
}

/** The result of a transfer; undefined for EAGAIN, which also ends a wait bounded by SO_RCVTIMEO. */
export function unlessAgain(result: number, call: string, fd: number): number | undefined {
  if (result >= 0) return result;
  const errno = lastErrno();
  if (errnoName(errno) === 'EAGAIN') return undefined;
  throw systemError(errno, call, `on descriptor ${fd}`);
}

export function closeDescriptor(fd: number): void {
  translated(`descriptor ${fd}`, () => {
    closeSync(fd);
  });
}

export function setSocketOption(fd: number, level: number, name: number, value: number | Uint8Array): void {
  const bytes = typeof value === 'number' ? int32(value) : value;
  checked(setOptionCall(fd, level, name, bytes, bytes.length), 'setsockopt', `${level}/${name} on descriptor ${fd}`);
}

/** An option's bytes, `sizeBytes` at most. */
export function socketOption(fd: number, level: number, name: number, sizeBytes = 4): Buffer {
  const value = Buffer.alloc(sizeBytes);
  const length = int32(sizeBytes);
  checked(getOptionCall(fd, level, name, value, length), 'getsockopt', `${level}/${name} on descriptor ${fd}`);
  return value.subarray(0, length.readInt32LE(0));
}

/** Bounds every blocking receive on this socket; one that ends by it gives undefined. */
export function setReceiveTimeout(fd: number, timeoutMs: number): void {
  const timeval = Buffer.alloc(16);
  timeval.writeBigInt64LE(BigInt(Math.floor(timeoutMs / 1000)), 0);
  timeval.writeBigInt64LE(BigInt(Math.round((timeoutMs % 1000) * 1000)), 8);
  setSocketOption(fd, SOL_SOCKET, SO_RCVTIMEO, timeval);
}

/** The socket's own address, family first, as the kernel writes it. */
export function localAddress(fd: number): Buffer {
  const address = Buffer.alloc(128);
  const length = int32(address.length);
  checked(getNameCall(fd, address, length), 'getsockname', `of descriptor ${fd}`);
  return address.subarray(0, length.readInt32LE(0));
}

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Who was at the other end of a Unix socket when it connected. The pid is 0 for a process outside our pid namespace. */
export function peerCredentials(fd: number): PeerCredentials {
  const value = socketOption(fd, SOL_SOCKET, SO_PEERCRED, 12);
  return { pid: value.readInt32LE(0), uid: value.readUInt32LE(4), gid: value.readUInt32LE(8) };
}

/** The descriptor below a connected socket. Node has no public way to it; the handle's `fd` has been there since 0.12. */
export function descriptorOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
  if (typeof fd !== 'number' || fd < 0) {
    throw new CleatError('conflict', 'SOCKET_CLOSED', 'the socket has no descriptor: it is closed or not yet connected');
  }
  return fd;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value, 0);
  return bytes;
}
