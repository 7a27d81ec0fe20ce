import type { providerTypes } from '@cleat/schemas';

/** The calls of `provider@1` that have a number. */
export type ProvisionCall = 'reserve' | 'attach' | 'detach' | 'release' | 'update';

/** One object reserved with a provider, as its caller remembers it. Immutable: each step makes the next one. */
export interface Provision {
  readonly name: string;
  /** The plugin that was asked. */
  readonly provider: string;
  /** Number and name of the newest call; `answered` false: how it ended is not known. */
  readonly number: number;
  readonly call: string;
  readonly answered: boolean;
  readonly reserved: boolean;
  readonly attached: boolean;
  /** JSON text of the provider. */
  readonly status: string;
  readonly contribution: providerTypes.Contribution | null;
  readonly directory: string;
}

/** What an answer may carry on. */
export interface ProvisionAnswer {
  readonly status?: string | undefined;
  readonly contribution?: providerTypes.Contribution | null | undefined;
}

/** A provision that nobody was asked about yet. */
export function pendingProvision(name: string, directory: string): Provision {
  const untouched = { number: 0, call: '', answered: true, reserved: false, attached: false };
  return { name, provider: '', ...untouched, status: '', contribution: null, directory };
}

/** The provision once a call is about to be made: to be written before it is. */
export function intend(provision: Provision, call: ProvisionCall, number: number, provider?: string): Provision {
  return { ...provision, call, number, answered: false, provider: provider ?? provision.provider };
}

/** The provision once its newest call has been answered with success. */
export function answered(provision: Provision, answer: ProvisionAnswer = {}): Provision {
  const base = {
    ...provision,
    answered: true,
    status: answer.status !== undefined && answer.status !== '' ? answer.status : provision.status,
  };
  const contribution = answer.contribution ?? provision.contribution;
  switch (provision.call) {
    case 'reserve':
      return { ...base, reserved: true, contribution };
    case 'attach':
      return { ...base, attached: true, contribution };
    case 'detach':
      return { ...base, attached: false };
    case 'release':
      return { ...base, reserved: false, attached: false, contribution: null };
    default:
      return { ...base, contribution };
  }
}

/** True while the provider may have it attached: also when the answer never came. */
export function mayBeAttached(provision: Provision): boolean {
  return provision.attached || (!provision.answered && (provision.call === 'attach' || provision.call === 'detach'));
}

/** True while the provider may hold anything of it: also when the answer never came. */
export function mayBeReserved(provision: Provision): boolean {
  if (provision.reserved || mayBeAttached(provision)) return true;
  return !provision.answered && (provision.call === 'reserve' || provision.call === 'release');
}

/** The provision after its use was void without a call: the host was restarted. */
export function voided(provision: Provision): Provision {
  const open = !provision.answered && (provision.call === 'attach' || provision.call === 'detach');
  return { ...provision, attached: false, answered: open ? true : provision.answered };
}
