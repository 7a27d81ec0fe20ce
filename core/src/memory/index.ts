export { releaseMemoryWhenIdle } from './idle-memory.ts';
