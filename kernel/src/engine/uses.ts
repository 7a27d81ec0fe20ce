import { mkdirSync } from 'node:fs';
import { mayBeAttached } from '@cleat/core';
import {
  bringLoopbackUp,
  createNetworkNamespace,
  createUserAndNetworkNamespace,
  isNamespacePinned,
  unpinNamespace,
} from '@cleat/core/syscalls';
import { mountRoot, unmountRoot } from '@cleat/runtime';
import { CleatError, type containerTypes, type journal, type providerTypes } from '@cleat/schemas';
import type { KernelStore } from '../state/kernel-store.ts';
import type { CallScope, ClaimCalls } from './claim-calls.ts';
import { containerPaths } from './paths.ts';
import type { EngineHost } from './ports.ts';

/**
 * A use of a container: its claims attached, its namespaces pinned, its root mounted. It is held by a run and by views; the
 * first opens it, the last to leave closes it, and what only the others needed is closed when they leave.
 */
export class Uses {
  readonly #store: KernelStore;
  readonly #host: EngineHost;
  readonly #claims: ClaimCalls;

  constructor(store: KernelStore, host: EngineHost, claims: ClaimCalls) {
    this.#store = store;
    this.#host = host;
    this.#claims = claims;
  }

  /** Joins or opens the use for a holder that has been written already. Throws; the caller then lets `leave` undo it. */
  async open(id: string, scope: CallScope): Promise<void> {
    const { progress } = this.#store.get(id);
    if (progress.holders.some(isRun)) await this.#pinNamespaces(id);
    await this.#claims.attach(id, scope, ({ kind }) => kind === 'root');
    this.#mountRoot(id);
    await this.#claims.attach(id, scope, (claim) => claim.kind !== 'root' && this.#isNeeded(id, claim));
  }

  /** Takes a holder out and closes what nobody needs any more; never throws. */
  async leave(id: string, holder: string, scope: CallScope): Promise<void> {
    const { progress } = this.#store.get(id);
    if (progress.holders.some((known) => known.id === holder)) {
      this.#store.step(id, 'use.leave', { ...progress, holders: progress.holders.filter((known) => known.id !== holder) });
    }
    await this.close(id, scope);
  }

  /** Closes what no holder needs. */
  async close(id: string, scope: CallScope): Promise<void> {
    await this.#claims.detach(id, scope, (claim) => claim.kind !== 'root' && !this.#isNeeded(id, claim));
    const { holders } = this.#store.get(id).progress;
    if (holders.length === 0) {
      this.#unmountRoot(id);
      await this.#claims.detach(id, scope, ({ kind }) => kind === 'root');
    }
    if (!holders.some(isRun)) this.#unpinNamespaces(id);
  }

  /** A use that ended with the host: nothing is attached, mounted or pinned any more. */
  voidAll(id: string, bootId: string): void {
    const { progress } = this.#store.get(id);
    const claims = progress.claims.map((claim) => ({
      ...claim,
      attached: false,
      answered: claim.call === 'attach' || claim.call === 'detach' ? true : claim.answered,
    }));
    this.#store.step(id, 'use.void', { ...progress, claims, holders: [], namespaces: false, rootMounted: false, bootId });
  }

  #isNeeded(id: string, claim: containerTypes.Claim): boolean {
    const { holders } = this.#store.get(id).progress;
    if (holders.some(isRun)) return true;
    const grant = this.#host.providers.find(claim.kind)?.grant;
    const givesMounts = grant?.contribution.includes('mounts') === true;
    return holders.some(({ scope }) => scope === 'all') && givesMounts;
  }

  async #pinNamespaces(id: string): Promise<void> {
    const { definition, progress } = this.#store.get(id);
    const { network, user, idMapping } = definition.spec.namespaces;
    const paths = containerPaths(this.#host.runDir, this.#host.stateDir, id);
    if (progress.namespaces) return;
    this.#store.step(id, 'namespaces.intent', progress);
    mkdirSync(paths.run, { recursive: true, mode: 0o711 });
    // What a start before this one left half done is made anew: a pair that belongs together.
    unpinNamespace(paths.networkPin);
    unpinNamespace(paths.userPin);
    if (user === 'private') {
      const { uids, gids } = idMapping;
      await createUserAndNetworkNamespace({ userPin: paths.userPin, netPin: paths.networkPin, uidMap: uids, gidMap: gids });
    } else if (network === 'private') {
      createNetworkNamespace(paths.networkPin, bringLoopbackUp);
    }
    this.#store.step(id, 'namespaces.done', { ...this.#store.get(id).progress, namespaces: true });
  }

  #unpinNamespaces(id: string): void {
    const paths = containerPaths(this.#host.runDir, this.#host.stateDir, id);
    const { progress } = this.#store.get(id);
    if (!progress.namespaces && !isNamespacePinned(paths.networkPin) && !isNamespacePinned(paths.userPin)) return;
    unpinNamespace(paths.networkPin);
    unpinNamespace(paths.userPin);
    this.#store.step(id, 'namespaces.gone', { ...progress, namespaces: false });
  }

  #mountRoot(id: string): void {
    const { definition, progress } = this.#store.get(id);
    if (progress.rootMounted) return;
    const paths = containerPaths(this.#host.runDir, this.#host.stateDir, id);
    const root = rootOf(definition.spec, definition.claims, progress);
    this.#store.step(id, 'root.intent', progress);
    unmountRoot(paths.root);
    mountRoot(root, paths.root);
    this.#store.step(id, 'root.done', { ...this.#store.get(id).progress, rootMounted: true });
  }

  #unmountRoot(id: string): void {
    const paths = containerPaths(this.#host.runDir, this.#host.stateDir, id);
    unmountRoot(paths.root);
    const { progress } = this.#store.get(id);
    if (progress.rootMounted) this.#store.step(id, 'root.gone', { ...progress, rootMounted: false });
  }

  /** True while a provider may have something of the container attached. */
  isOpen(id: string): boolean {
    const { progress } = this.#store.get(id);
    return progress.rootMounted || progress.namespaces || progress.claims.some(mayBeAttached);
  }
}

function isRun(holder: journal.Holder): boolean {
  return holder.id.startsWith('run:');
}

function rootOf(spec: containerTypes.Spec, claims: readonly containerTypes.Claim[], progress: journal.Progress): providerTypes.Root {
  if (spec.rootfs !== '') return { type: 'bind', source: spec.rootfs, lower: [], upper: '', work: '', options: [] };
  const names = new Set(claims.filter(({ kind }) => kind === 'root').map(({ name }) => name));
  const root = progress.claims.find((claim) => names.has(claim.name))?.contribution?.root;
  if (root === undefined || root === null) {
    throw new CleatError('internal', 'ROOT_MISSING', 'the provider of the root file system described none');
  }
  return root;
}
