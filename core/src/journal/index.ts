export { EventIndex, type EventMark } from './event-index.ts';
export {
  type FaultPoint,
  Journal,
  type JournalOptions,
  type TornTail,
  type WriteOptions,
} from './journal.ts';
export { unknownJournalSchema } from './journal-error.ts';
export { KillPoint } from './kill-point.ts';
export { LockFile, type LockFileOptions } from './lock-file.ts';
export type { RotationStep, SnapshotItem } from './rotation.ts';
export type { JournalRecord } from './segment-scan.ts';
