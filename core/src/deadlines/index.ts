export { type BackoffOptions, backoff } from './backoff.ts';
export { armTimer, monotonicMs, sleep } from './clock.ts';
export { Deadline } from './deadline.ts';
export { wallClockNs } from './wall-clock.ts';
