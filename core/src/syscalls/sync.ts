import { bind, checked } from './libc.ts';

const syncfsCall = bind<[number]>('int syncfs(int fd)');

/** Writes all of a file system that is still in memory to its disk, where thousands of files would each need an fsync; `fd` is any open file on it. */
export function syncFileSystem(fd: number): void {
  checked(syncfsCall(fd), 'syncfs', `fd ${fd}`);
}
