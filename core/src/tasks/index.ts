export { KeyedQueue, type RunOptions } from './keyed-queue.ts';
export { TaskGroup, type TaskLogger } from './task-group.ts';
