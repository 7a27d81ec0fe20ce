/** The caller's half of `provider@1`, for a kind of claims that has drivers of its own. */
export {
  type DriverCallScope,
  DriverLedger,
  type DriverLedgerOptions,
  type HeldObject,
  type ReserveObject,
} from './driver-ledger.ts';
