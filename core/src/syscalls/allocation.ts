import { bind, checked } from './libc.ts';

const FALLOC_FL_KEEP_SIZE = 0x1;

const fallocateCall = bind<[number, number, number, number]>('int fallocate(int fd, int mode, long offset, long length)');

/**
 * Takes disk blocks for a range of a file and leaves its size as it is, so that a later write there cannot fail for want
 * of space. Blocks beyond the end are given back by a truncate. Fails with `SYSCALL_ENOSPC`, or with `SYSCALL_EOPNOTSUPP`
 * on a file system that cannot do it.
 */
export function allocateBlocks(fd: number, offset: number, length: number): void {
  checked(fallocateCall(fd, FALLOC_FL_KEEP_SIZE, offset, length), 'fallocate', `descriptor ${fd}`);
}

/** Gives an open file its first `sizeBytes` now, as zeros that have their disk blocks: the file grows to that size. */
export function preallocate(fd: number, sizeBytes: number): void {
  checked(fallocateCall(fd, 0, 0, sizeBytes), 'fallocate', `${sizeBytes} bytes for descriptor ${fd}`);
}
