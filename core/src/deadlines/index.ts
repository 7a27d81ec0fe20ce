export { type BackoffOptions, backoff } from './backoff.ts';
export { armTimer, everyWhole, monotonicMs, sleep, untilWhole } from './clock.ts';
export { Deadline } from './deadline.ts';
export { wallClockNs } from './wall-clock.ts';
