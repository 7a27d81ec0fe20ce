import type { Provision } from '@cleat/core';
import type { common, containerTypes, providerTypes } from '@cleat/schemas';
import type { Container } from '../state/container.ts';
import { containerPaths } from './paths.ts';

/** What a provider is told of a claim, by a call or when it is reconciled. */
export interface ClaimFacts {
  readonly reference: providerTypes.Reference;
  readonly options: string;
  readonly status: string;
  readonly container: providerTypes.ContainerInput;
  readonly idMapping: common.IdMapping;
  readonly directory: string;
  /** Pinned, to be configured; empty where there is none, or another container's. */
  readonly networkNamespace: string;
  readonly userNamespace: string;
}

export function referenceOf(container: string, { name, number }: Provision, bootId: string): providerTypes.Reference {
  return { object: `${container}/${name}`, container, claim: name, bootId, number };
}

export function claimFacts(
  { definition, progress }: Container,
  { options }: containerTypes.Claim,
  provision: Provision,
  host: { readonly runDir: string; readonly stateDir: string; readonly bootId: string },
): ClaimFacts {
  const { id, name, spec } = definition;
  const { networkPin, userPin } = containerPaths(host.runDir, host.stateDir, id);
  const { network, user, idMapping } = spec.namespaces;
  return {
    reference: referenceOf(id, provision, host.bootId),
    options,
    status: provision.status,
    container: { id, name, hostname: spec.hostname, labels: spec.labels },
    idMapping,
    directory: provision.directory,
    networkNamespace: progress.namespaces && network === 'private' ? networkPin : '',
    userNamespace: progress.namespaces && user === 'private' ? userPin : '',
  };
}
