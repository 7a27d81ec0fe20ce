export { preallocate } from '../syscalls/index.ts';
export { ensureDirectory, removeTree } from './directories.ts';
export { fsyncDirectory, readIfExists, writeDurable } from './durable-file.ts';
export { lastLines } from './last-lines.ts';
