export { answered, intend, mayBeAttached, mayBeReserved, pendingProvision, reconcilePages, settledBy, voided } from './provision/index.ts';
export type { Provision, ProvisionAnswer, ProvisionCall, ReconcileContent } from './provision/index.ts';
export { type BackoffOptions, backoff, Deadline, monotonicMs, sleep } from './deadlines/index.ts';
export { type FaultPoint, Journal, type JournalOptions, type JournalRecord, LockFile } from './journal/index.ts';
export { type LockFileOptions, type RotationStep, type SnapshotItem, type TornTail } from './journal/index.ts';
export { unknownJournalSchema, type WriteOptions } from './journal/index.ts';
export { createLogger, type LogFields, type Logger, type LoggerOptions, type LogLevel } from './log/index.ts';
export { KeyedQueue, type RunOptions, TaskGroup, type TaskLogger } from './tasks/index.ts';
export { type Undo, UndoStack } from './undo/index.ts';
