export { answered, intend, mayBeAttached, mayBeReserved, pendingProvision, reconcilePages, settledBy, voided } from './provision/index.ts';
export type { Provision, ProvisionAnswer, ProvisionCall, ReconcileContent } from './provision/index.ts';
