import { closeSync } from 'node:fs';
import { CleatError } from '@cleat/schemas';
import { addressOf, bind, checked } from './libc.ts';
import { closeDescriptor, MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_DONTWAIT, MSG_NOSIGNAL, SOL_SOCKET, unlessAgain } from './sockets.ts';

const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 0x800;
const SCM_RIGHTS = 1;
const CMSG_HEADER_BYTES = 16;

const dup3Call = bind<[number, number, number]>('int dup3(int from, int to, int flags)');
const fcntlCall = bind<[number, number, number]>('int fcntl(int fd, int command, long argument)');
const sendmsgCall = bind<[number, Uint8Array, number]>('long sendmsg(int fd, const void *message, int flags)');
const recvmsgCall = bind<[number, Uint8Array, number]>('long recvmsg(int fd, void *message, int flags)');

/** The most descriptors that Linux takes in one message (SCM_MAX_FD). */
export const DESCRIPTORS_PER_MESSAGE = 253;

/** Returns what it was before. */
export function setCloseOnExec(fd: number, isSet: boolean): boolean {
  return changeFlag(fd, { get: F_GETFD, set: F_SETFD, flag: FD_CLOEXEC }, isSet);
}

/** Another name of `fd`, the lowest that is free from `least` on, with close-on-exec. */
export function duplicateAbove(fd: number, least: number): number {
  return checked(fcntlCall(fd, F_DUPFD_CLOEXEC, least), 'fcntl', `descriptor ${fd}`);
}

/** Makes `to` another name of `from`, without close-on-exec, and closes `from`; what `to` was is closed. */
export function moveDescriptor(from: number, to: number): void {
  if (from === to) {
    setCloseOnExec(to, false);
    return;
  }
  checked(dup3Call(from, to, 0), 'dup3', `descriptor ${from}`);
  closeSync(from);
}

/** Of the open file, so for everybody who shares it. Returns what it was before. */
export function setNonBlocking(fd: number, isSet: boolean): boolean {
  return changeFlag(fd, { get: F_GETFL, set: F_SETFL, flag: O_NONBLOCK }, isSet);
}

interface DescriptorFlag {
  readonly get: number;
  readonly set: number;
  readonly flag: number;
}

function changeFlag(fd: number, { get, set, flag }: DescriptorFlag, isSet: boolean): boolean {
  const flags = checked(fcntlCall(fd, get, 0), 'fcntl', `descriptor ${fd}`);
  const wasSet = (flags & flag) !== 0;
  if (wasSet !== isSet) checked(fcntlCall(fd, set, flags ^ flag), 'fcntl', `descriptor ${fd}`);
  return wasSet;
}

/** A struct msghdr of one piece of data and room for control data, with the buffers that it points into. */
interface Message {
  readonly header: Buffer;
  readonly vector: Buffer;
  readonly control: Buffer;
}

function messageFor(data: Uint8Array, control: Buffer): Message {
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(addressOf(data), 0);
  vector.writeBigUInt64LE(BigInt(data.length), 8);
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(addressOf(vector), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(addressOf(control), 32);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  return { header, vector, control };
}

/**
 * Sends data with open descriptors over a Unix socket; the receiver gets copies, so the caller may close its own afterwards.
 * The bytes sent, or undefined when the socket's buffer is full. At least one byte of data is needed to carry descriptors.
 */
export function sendFds(socketFd: number, data: Uint8Array, fds: readonly number[]): number | undefined {
  if (data.length === 0 || fds.length === 0 || fds.length > DESCRIPTORS_PER_MESSAGE) {
    throw new CleatError(
      'invalid_argument',
      'DESCRIPTORS_INVALID',
      `a message carries 1 to ${DESCRIPTORS_PER_MESSAGE} descriptors and at least one byte`,
    );
  }
  const control = Buffer.alloc(CMSG_HEADER_BYTES + Math.ceil((fds.length * 4) / 8) * 8);
  control.writeBigUInt64LE(BigInt(CMSG_HEADER_BYTES + fds.length * 4), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  fds.forEach((fd, index) => control.writeInt32LE(fd, CMSG_HEADER_BYTES + index * 4));
  const message = messageFor(data, control);
  return unlessAgain(sendmsgCall(socketFd, message.header, MSG_DONTWAIT | MSG_NOSIGNAL), 'sendmsg', socketFd);
}

export interface ReceivedDescriptors {
  /** Empty, with no descriptors, at end of file. */
  readonly data: Buffer;
  /** With close-on-exec; the receiver owns and closes them. */
  readonly fds: readonly number[];
}

/** Receives data and the descriptors that came with it; undefined when nothing is there. */
export function recvFds(socketFd: number, maxBytes: number, maxFds: number): ReceivedDescriptors | undefined {
  const data = Buffer.alloc(maxBytes);
  const control = Buffer.alloc(CMSG_HEADER_BYTES + Math.ceil((maxFds * 4) / 8) * 8);
  const message = messageFor(data, control);
  const length = unlessAgain(recvmsgCall(socketFd, message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), 'recvmsg', socketFd);
  if (length === undefined) return undefined;
  const fds = descriptorsIn(control.subarray(0, Number(message.header.readBigUInt64LE(40))));
  const isCut = (message.header.readInt32LE(48) & MSG_CTRUNC) !== 0;
  if (isCut || fds.length > maxFds) {
    for (const fd of fds) closeDescriptor(fd);
    throw new CleatError('invalid_argument', 'DESCRIPTORS_INVALID', `the message carries more than ${maxFds} descriptors`);
  }
  return { data: data.subarray(0, length), fds };
}

function descriptorsIn(control: Buffer): number[] {
  const fds: number[] = [];
  for (let offset = 0; offset + CMSG_HEADER_BYTES <= control.length; ) {
    const length = Number(control.readBigUInt64LE(offset));
    if (length < CMSG_HEADER_BYTES) break;
    const isRights = control.readInt32LE(offset + 8) === SOL_SOCKET && control.readInt32LE(offset + 12) === SCM_RIGHTS;
    const end = Math.min(offset + length, control.length);
    for (let at = offset + CMSG_HEADER_BYTES; isRights && at + 4 <= end; at += 4) fds.push(control.readInt32LE(at));
    offset += Math.ceil(length / 8) * 8;
  }
  return fds;
}
