import { answered, type Deadline, intend, mayBeAttached, mayBeReserved, type Provision, type ProvisionCall } from '@cleat/core';
import { wallClockNs as now } from '@cleat/core/deadlines';
import { checkGrant } from '@cleat/core/provision';
import {
  CleatError,
  type common,
  type containerTypes,
  matchesPattern,
  type provider,
  type providerTypes,
  toCleatError,
} from '@cleat/schemas';
import { withClaim } from '../state/container.ts';
import { type EventDraft, objectEvent } from '../state/event-draft.ts';
import type { KernelStore } from '../state/kernel-store.ts';
import { type ClaimFacts, claimFacts, referenceOf } from './claim-facts.ts';
import { containerPaths } from './paths.ts';
import type { EngineHost, ProviderEntry } from './ports.ts';

/** Options of calls that belong together. */
export interface CallScope {
  readonly deadline: Deadline;
  readonly signal?: AbortSignal | undefined;
  readonly actor: common.ActorInput;
}

type Gone = (claim: containerTypes.Claim) => boolean;
const EVERY: Gone = () => true;

/**
 * The kernel's calls of `provider@1`, each written before it is made: with a number that only grows, for all claims of one
 * attempt alike. Ways forward throw; ways back never do: what a plugin that is away should undo is owed to it.
 */
export class ClaimCalls {
  readonly #store: KernelStore;
  readonly #host: EngineHost;

  constructor(store: KernelStore, host: EngineHost) {
    this.#store = store;
    this.#host = host;
  }

  /** Reserves claims, kinds in parallel, the root's among them (ADR 15). Resolves with warnings. */
  async reserve(id: string, scope: CallScope, wanted: Gone = EVERY): Promise<readonly string[]> {
    const claims = await this.#providedClaims(id, scope, (entry) => entry.kind.reserve, wanted);
    if (claims.length === 0) return [];
    this.#intend(id, claims, 'reserve', 'reserve.intent');
    // A reservation may outlive power loss at the provider, so the wish for it has to as well.
    await this.#store.sync();
    const warnings: string[] = [];
    await this.#inOrder(claims, async (claim, entry) => {
      const response = await this.#host.providers.call(entry.at, 'reserve', this.#reserveRequest(id, claim), scope);
      warnings.push(...response.warnings);
      this.#settle(id, claim.name, response, entry.provider, { step: 'reserve.done', actor: scope.actor });
    });
    return warnings;
  }

  /** Attaches claims that are not attached yet. The caller asks for the root's before the others'. */
  async attach(id: string, scope: CallScope, wanted: Gone = EVERY): Promise<void> {
    const isDetached: Gone = (claim) => wanted(claim) && !this.#claim(id, claim.name).attached;
    const claims = await this.#providedClaims(id, scope, (entry) => entry.kind.attach, isDetached);
    if (claims.length === 0) return;
    this.#intend(id, claims, 'attach', 'attach.intent');
    await this.#inOrder(claims, async (claim, entry) => {
      const request = this.#attachRequest(id, claim, entry.provider);
      const response = await this.#host.providers.call(entry.at, 'attach', request, scope);
      this.#settle(id, claim.name, response, entry.provider, { step: 'attach.done', actor: scope.actor });
    });
  }

  /** Detaches whatever may be attached, in reverse; never throws. */
  async detach(id: string, scope: CallScope, wanted: Gone = EVERY): Promise<void> {
    const claims = this.#store.get(id).definition.claims.filter((claim) => wanted(claim) && mayBeAttached(this.#claim(id, claim.name)));
    if (claims.length === 0) return;
    const wereAttached = new Set(claims.filter((claim) => this.#claim(id, claim.name).attached).map(({ name }) => name));
    this.#intend(id, claims, 'detach', 'detach.intent');
    const isRoot = ({ kind }: containerTypes.Claim): boolean => kind === 'root';
    const one = async (claim: containerTypes.Claim): Promise<void> => {
      const reference = this.#reference(id, claim.name);
      await this.#undo(id, claim, { operation: 'detach', reference, purge: false }, scope, async (entry) => {
        const response = await this.#host.providers.call(entry, 'detach', { reference }, scope);
        // Of an attach that was never recorded nobody was told, so nobody is told of its end.
        return wereAttached.has(claim.name) ? response : { events: [] };
      });
    };
    // Whoever was given the path of the root goes before it.
    await this.#inReverse(
      claims.filter((claim) => !isRoot(claim)),
      one,
    );
    await this.#inReverse(claims.filter(isRoot), one);
  }

  /** Releases whatever may be reserved, kinds in parallel, each in reverse; never throws. */
  async release(id: string, purge: boolean, scope: CallScope, wanted: Gone = EVERY): Promise<void> {
    const claims = this.#store.get(id).definition.claims.filter((claim) => wanted(claim) && mayBeReserved(this.#claim(id, claim.name)));
    if (claims.length === 0) return;
    this.#intend(id, claims, 'release', 'release.intent');
    await this.#store.sync();
    await this.#inReverse(claims, async (claim) => {
      const reference = this.#reference(id, claim.name);
      await this.#undo(id, claim, { operation: 'release', reference, purge }, scope, (entry) =>
        this.#host.providers.call(entry, 'release', { reference, purge }, scope),
      );
    });
  }

  /** Tells the providers that ask to hear of it about a new name or new options. Throws what the provider answers. */
  async update(
    id: string,
    changes: { readonly containerName?: string; readonly options?: string },
    scope: CallScope,
    wanted: Gone = EVERY,
  ): Promise<void> {
    const hears = (entry: ProviderEntry): boolean => changes.options !== undefined || entry.kind.hearsUpdates === true;
    const isReserved: Gone = (claim) => wanted(claim) && this.#claim(id, claim.name).reserved;
    const claims = await this.#providedClaims(id, scope, hears, isReserved);
    if (claims.length === 0) return;
    this.#intend(id, claims, 'update', 'update.intent');
    await this.#inOrder(claims, async (claim, entry) => {
      const reference = this.#reference(id, claim.name);
      const response = await this.#host.providers.call(entry.at, 'update', { reference, ...changes }, scope);
      this.#settle(id, claim.name, response, entry.provider, { step: 'update.done', actor: scope.actor });
    });
  }

  #claim(id: string, name: string): Provision {
    const found = this.#store.get(id).progress.claims.find((claim) => claim.name === name);
    if (found === undefined) throw new CleatError('not_found', 'CLAIM_NOT_FOUND', `container ${id} has no claim ${name}`);
    return found;
  }

  async #providedClaims(
    id: string,
    scope: CallScope,
    needs: (entry: ProviderEntry) => boolean,
    wanted: Gone,
  ): Promise<readonly containerTypes.Claim[]> {
    const claims = this.#store.get(id).definition.claims.filter(wanted);
    const kept: containerTypes.Claim[] = [];
    for (const claim of claims) {
      const known = this.#host.providers.find(claim.kind);
      // Whom nothing is asked is not waited for.
      if (known !== undefined && !needs(known)) continue;
      const entry = await this.#host.providers.ready(claim.kind, scope.deadline, scope.signal);
      if (needs(entry)) kept.push(claim);
    }
    return kept;
  }

  /** One record for the whole attempt. */
  #intend(id: string, claims: readonly containerTypes.Claim[], call: ProvisionCall, step: string): void {
    const { progress } = this.#store.get(id);
    const number = progress.number + 1;
    const names = new Set(claims.map(({ name }) => name));
    const next = progress.claims.map((claim) =>
      names.has(claim.name) ? intend(claim, call, number, this.#providerOf(claims, claim)) : claim,
    );
    this.#store.step(id, step, { ...progress, number, claims: next });
  }

  #providerOf(claims: readonly containerTypes.Claim[], provision: Provision): string {
    const kind = claims.find(({ name }) => name === provision.name)?.kind ?? '';
    // Who reserved it is asked to detach and release it, also when another plugin provides the kind by then.
    return provision.provider === '' ? (this.#host.providers.find(kind)?.plugin ?? '') : provision.provider;
  }

  #settle(
    id: string,
    name: string,
    response: {
      readonly status?: string;
      readonly contribution?: providerTypes.Contribution | null;
      readonly events: readonly providerTypes.Event[];
    },
    entry: ProviderEntry | undefined,
    how: { readonly step: string; readonly actor: common.ActorInput },
  ): void {
    const { contribution } = response;
    if (contribution != null && entry !== undefined) checkGrant({ claim: name, plugin: entry.plugin, contribution }, entry.grant);
    const { progress } = this.#store.get(id);
    const claim = answered(this.#claim(id, name), response);
    this.#store.step(id, how.step, withClaim(progress, claim), this.#drafts(response.events, entry, how.actor));
  }

  #drafts(events: readonly providerTypes.Event[], entry: ProviderEntry | undefined, actor: common.ActorInput): readonly EventDraft[] {
    return events.flatMap((given) => {
      if (entry !== undefined && matchesPattern(entry.grant.publishes, given.type)) {
        return [objectEvent(given.type, given.subject, { actor, labels: given.labels, properties: given.properties })];
      }
      this.#host.log.warn('a plugin gave an event of a type that it is not granted', { plugin: entry?.plugin, type: given.type });
      return [];
    });
  }

  async #undo(
    id: string,
    claim: containerTypes.Claim,
    debt: { readonly operation: 'detach' | 'release'; readonly reference: providerTypes.Reference; readonly purge: boolean },
    scope: CallScope,
    call: (at: { readonly plugin: string; readonly kind: string }) => Promise<provider.DetachResponse>,
  ): Promise<void> {
    const plugin = this.#claim(id, claim.name).provider;
    const entry = this.#host.providers.find(claim.kind);
    let events: readonly providerTypes.Event[] = [];
    try {
      if (entry?.plugin !== plugin || !entry.isReady)
        throw new CleatError('unavailable', 'PLUGIN_AWAY', `plugin ${plugin} is away`, { plugin });
      if (scope.deadline.isExpired) throw new CleatError('deadline_exceeded', 'DETACH_LATE', `no time left for ${plugin}`, { plugin });
      // It was silent about this claim a moment ago: nobody waits for it twice.
      if (this.#store.owed.has(id, claim.name))
        throw new CleatError('unavailable', 'PLUGIN_AWAY', `plugin ${plugin} owes a detach already`, { plugin });
      events = (await call({ plugin, kind: claim.kind })).events;
    } catch (error) {
      const { operation, reference, purge } = debt;
      this.#host.log.warn('a plugin owes an undo', {
        plugin,
        operation,
        container: id,
        claim: claim.name,
        reason: toCleatError(error).message,
      });
      this.#store.writeOwed({ provider: plugin, kind: claim.kind, reference, operation, purge, settled: false, since: now() });
    }
    this.#settle(id, claim.name, { events }, entry, { step: `${debt.operation}.done`, actor: scope.actor });
  }

  #reference(id: string, claim: string): providerTypes.Reference {
    return referenceOf(id, this.#claim(id, claim), this.#host.bootId);
  }

  #reserveRequest(id: string, claim: containerTypes.Claim): provider.ReserveRequestInput {
    const { reference, options, container, idMapping, directory } = this.#facts(id, claim);
    return { reference, options, container, idMapping, directory, fromImage: claim.fromImage };
  }

  #attachRequest(id: string, claim: containerTypes.Claim, entry: ProviderEntry): provider.AttachRequestInput {
    const { root } = containerPaths(this.#host.runDir, this.#host.stateDir, id);
    return { ...this.#facts(id, claim), rootPath: entry.kind.needsRoot === true ? root : '' };
  }

  #facts(id: string, claim: containerTypes.Claim): ClaimFacts {
    return claimFacts(this.#store.get(id), claim, this.#claim(id, claim.name), this.#host);
  }

  async #inOrder(
    claims: readonly containerTypes.Claim[],
    call: (
      claim: containerTypes.Claim,
      entry: { readonly at: { readonly plugin: string; readonly kind: string }; readonly provider: ProviderEntry },
    ) => Promise<void>,
  ): Promise<void> {
    const one = async (claim: containerTypes.Claim): Promise<void> => {
      const provider = this.#host.providers.find(claim.kind);
      if (provider === undefined) throw new CleatError('unavailable', 'PLUGIN_AWAY', `no plugin provides ${claim.kind} now`);
      await call(claim, { at: { plugin: provider.plugin, kind: claim.kind }, provider });
    };
    const kinds = grouped(claims);
    // Every kind is waited for, also when one has failed: an undo must not overtake a call that is under way.
    const results = await Promise.allSettled(
      [...kinds.values()].map(async (ofKind) => {
        for (const claim of ofKind) await one(claim);
      }),
    );
    const failed = results.find((result): result is PromiseRejectedResult => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #inReverse(claims: readonly containerTypes.Claim[], call: (claim: containerTypes.Claim) => Promise<void>): Promise<void> {
    await Promise.all(
      [...grouped(claims).values()].map(async (ofKind) => {
        for (const claim of [...ofKind].reverse()) await call(claim);
      }),
    );
  }
}

/** The claims of each kind, in the request's order. */
function grouped(claims: readonly containerTypes.Claim[]): ReadonlyMap<string, readonly containerTypes.Claim[]> {
  const kinds = new Map<string, containerTypes.Claim[]>();
  for (const claim of claims) {
    const ofKind = kinds.get(claim.kind) ?? [];
    ofKind.push(claim);
    kinds.set(claim.kind, ofKind);
  }
  return kinds;
}
