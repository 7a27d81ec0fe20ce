export { checkGrant, type GivenContribution, type MergedContribution, merge, partsOf } from './contributions.ts';
export type { Provision, ProvisionAnswer, ProvisionCall } from './provision.ts';
export { answered, intend, mayBeAttached, mayBeReserved, pendingProvision, voided } from './provision.ts';
export type { ReconcileContent } from './reconcile.ts';
export { reconcilePages, settledBy } from './reconcile.ts';
