export { DetachDetector, parseDetachKeys } from './detach-keys.ts';
