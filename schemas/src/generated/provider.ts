// Generated from schemas/contracts/provider.avdl by "npm run generate": do not edit.
import type { IdMapping as CommonIdMapping, IdMappingInput as CommonIdMappingInput } from './common.ts';
import type { Container as ProviderTypesContainer, ContainerInput as ProviderTypesContainerInput, Contribution as ProviderTypesContribution, ContributionInput as ProviderTypesContributionInput, Event as ProviderTypesEvent, EventInput as ProviderTypesEventInput, Reference as ProviderTypesReference, ReferenceInput as ProviderTypesReferenceInput } from './provider-types.ts';

export interface ReserveRequest {
  readonly reference: ProviderTypesReference;
  /** JSON text by the kind's options schema. */
  readonly options: string;
  readonly container: ProviderTypesContainer;
  readonly idMapping: CommonIdMapping;
  /** A directory on tmpfs where the provider alone writes; removed after release. Empty at the second level. */
  readonly directory: string;
  readonly fromImage: boolean;
}

/** What encoding takes for a ReserveRequest: fields with a default may be left out. */
export interface ReserveRequestInput {
  readonly reference: ProviderTypesReferenceInput;
  readonly options: string;
  readonly container?: ProviderTypesContainerInput | undefined;
  readonly idMapping?: CommonIdMappingInput | undefined;
  readonly directory?: string | undefined;
  readonly fromImage?: boolean | undefined;
}

export interface ReserveResponse {
  /** JSON text, small, shown by inspect; by the kind's status schema. */
  readonly status: string;
  readonly warnings: ReadonlyArray<string>;
  readonly events: ReadonlyArray<ProviderTypesEvent>;
  /** What holds from the reservation on and needs no use: the log policy. */
  readonly contribution: null | ProviderTypesContribution;
}

/** What encoding takes for a ReserveResponse: fields with a default may be left out. */
export interface ReserveResponseInput {
  readonly status?: string | undefined;
  readonly warnings?: ReadonlyArray<string> | undefined;
  readonly events?: ReadonlyArray<ProviderTypesEventInput> | undefined;
  readonly contribution?: null | ProviderTypesContributionInput | undefined;
}

export interface AttachRequest {
  readonly reference: ProviderTypesReference;
  readonly options: string;
  /** What reserve, or the last attach, answered. */
  readonly status: string;
  readonly container: ProviderTypesContainer;
  readonly idMapping: CommonIdMapping;
  readonly directory: string;
  /** The mounted root file system, for a provider whose manifest asks for it. */
  readonly rootPath: string;
  /** Pinned namespaces of the container: paths for setns(2); empty when it has none of its own. */
  readonly networkNamespace: string;
  readonly userNamespace: string;
}

/** What encoding takes for a AttachRequest: fields with a default may be left out. */
export interface AttachRequestInput {
  readonly reference: ProviderTypesReferenceInput;
  readonly options: string;
  readonly status?: string | undefined;
  readonly container?: ProviderTypesContainerInput | undefined;
  readonly idMapping?: CommonIdMappingInput | undefined;
  readonly directory?: string | undefined;
  readonly rootPath?: string | undefined;
  readonly networkNamespace?: string | undefined;
  readonly userNamespace?: string | undefined;
}

export interface AttachResponse {
  readonly contribution: ProviderTypesContribution;
  readonly status: string;
  readonly events: ReadonlyArray<ProviderTypesEvent>;
}

/** What encoding takes for a AttachResponse: fields with a default may be left out. */
export interface AttachResponseInput {
  readonly contribution?: ProviderTypesContributionInput | undefined;
  readonly status?: string | undefined;
  readonly events?: ReadonlyArray<ProviderTypesEventInput> | undefined;
}

export interface DetachRequest {
  readonly reference: ProviderTypesReference;
}

/** What encoding takes for a DetachRequest: fields with a default may be left out. */
export interface DetachRequestInput {
  readonly reference: ProviderTypesReferenceInput;
}

export interface DetachResponse {
  readonly events: ReadonlyArray<ProviderTypesEvent>;
}

/** What encoding takes for a DetachResponse: fields with a default may be left out. */
export interface DetachResponseInput {
  readonly events?: ReadonlyArray<ProviderTypesEventInput> | undefined;
}

export interface ReleaseRequest {
  readonly reference: ProviderTypesReference;
  /** Remove what only this object owned. */
  readonly purge: boolean;
}

/** What encoding takes for a ReleaseRequest: fields with a default may be left out. */
export interface ReleaseRequestInput {
  readonly reference: ProviderTypesReferenceInput;
  readonly purge?: boolean | undefined;
}

export interface ReleaseResponse {
  readonly events: ReadonlyArray<ProviderTypesEvent>;
}

/** What encoding takes for a ReleaseResponse: fields with a default may be left out. */
export interface ReleaseResponseInput {
  readonly events?: ReadonlyArray<ProviderTypesEventInput> | undefined;
}

export interface UpdateRequest {
  readonly reference: ProviderTypesReference;
  /** null: unchanged. */
  readonly options: null | string;
  readonly containerName: null | string;
}

/** What encoding takes for a UpdateRequest: fields with a default may be left out. */
export interface UpdateRequestInput {
  readonly reference: ProviderTypesReferenceInput;
  readonly options?: null | string | undefined;
  readonly containerName?: null | string | undefined;
}

export interface UpdateResponse {
  /** Only parts that need no new spec: lines of hosts and resolv.conf. */
  readonly contribution: null | ProviderTypesContribution;
  readonly status: string;
  readonly events: ReadonlyArray<ProviderTypesEvent>;
}

/** What encoding takes for a UpdateResponse: fields with a default may be left out. */
export interface UpdateResponseInput {
  readonly contribution?: null | ProviderTypesContributionInput | undefined;
  readonly status?: string | undefined;
  readonly events?: ReadonlyArray<ProviderTypesEventInput> | undefined;
}

export interface Held {
  readonly reference: ProviderTypesReference;
  readonly options: string;
  readonly status: string;
  readonly attached: boolean;
  readonly container: ProviderTypesContainer;
  readonly idMapping: CommonIdMapping;
  readonly directory: string;
  readonly networkNamespace: string;
  readonly userNamespace: string;
}

/** What encoding takes for a Held: fields with a default may be left out. */
export interface HeldInput {
  readonly reference: ProviderTypesReferenceInput;
  readonly options?: string | undefined;
  readonly status?: string | undefined;
  readonly attached?: boolean | undefined;
  readonly container?: ProviderTypesContainerInput | undefined;
  readonly idMapping?: CommonIdMappingInput | undefined;
  readonly directory?: string | undefined;
  readonly networkNamespace?: string | undefined;
  readonly userNamespace?: string | undefined;
}

export interface Owed {
  readonly reference: ProviderTypesReference;
  /** detach or release. */
  readonly operation: string;
  readonly purge: boolean;
}

/** What encoding takes for a Owed: fields with a default may be left out. */
export interface OwedInput {
  readonly reference: ProviderTypesReferenceInput;
  readonly operation: string;
  readonly purge?: boolean | undefined;
}

/** All that the provider shall hold and all that it is owed, as of a position; it drops the rest. */
export interface ReconcileRequest {
  readonly bootId: string;
  readonly position: number;
  /** Counts pages from 0; nothing is dropped before the last one has come. */
  readonly page: number;
  readonly last: boolean;
  readonly held: ReadonlyArray<Held>;
  readonly owed: ReadonlyArray<Owed>;
}

/** What encoding takes for a ReconcileRequest: fields with a default may be left out. */
export interface ReconcileRequestInput {
  readonly bootId: string;
  readonly position: number;
  readonly page?: number | undefined;
  readonly last?: boolean | undefined;
  readonly held?: ReadonlyArray<HeldInput> | undefined;
  readonly owed?: ReadonlyArray<OwedInput> | undefined;
}

export interface Failure {
  readonly reference: ProviderTypesReference;
  readonly reason: string;
}

/** What encoding takes for a Failure: fields with a default may be left out. */
export interface FailureInput {
  readonly reference: ProviderTypesReferenceInput;
  readonly reason: string;
}

export interface ReconcileResponse {
  /** objects that it should hold and does not know. */
  readonly lacks: ReadonlyArray<ProviderTypesReference>;
  /** What it could not remove, with the reason. */
  readonly failures: ReadonlyArray<Failure>;
}

/** What encoding takes for a ReconcileResponse: fields with a default may be left out. */
export interface ReconcileResponseInput {
  readonly lacks?: ReadonlyArray<ProviderTypesReferenceInput> | undefined;
  readonly failures?: ReadonlyArray<FailureInput> | undefined;
}

export interface ListRequest {
  /** Name of a driver of this kind. */
  readonly driver: string;
}

/** What encoding takes for a ListRequest: fields with a default may be left out. */
export interface ListRequestInput {
  readonly driver: string;
}

export interface ListResponse {
  readonly count: number;
  /** The first of them, as people know them: enough for a sentence. */
  readonly names: ReadonlyArray<string>;
}

/** What encoding takes for a ListResponse: fields with a default may be left out. */
export interface ListResponseInput {
  readonly count?: number | undefined;
  readonly names?: ReadonlyArray<string> | undefined;
}

/** The operations of the contract provider. */
export interface Operations {
  /** Pins and makes what the claim needs, counts it as in use. */
  readonly reserve: { readonly input: ReserveRequestInput; readonly request: ReserveRequest; readonly response: ReserveResponse; readonly answer: ReserveResponseInput };
  /** The claim is over: gives back what reserve took. */
  readonly release: { readonly input: ReleaseRequestInput; readonly request: ReleaseRequest; readonly response: ReleaseResponse; readonly answer: ReleaseResponseInput };
  /** A use begins: answers what the container shall get. */
  readonly attach: { readonly input: AttachRequestInput; readonly request: AttachRequest; readonly response: AttachResponse; readonly answer: AttachResponseInput };
  /** The use has ended: takes back what attach gave. */
  readonly detach: { readonly input: DetachRequestInput; readonly request: DetachRequest; readonly response: DetachResponse; readonly answer: DetachResponseInput };
  /** Options, name or labels have changed. */
  readonly update: { readonly input: UpdateRequestInput; readonly request: UpdateRequest; readonly response: UpdateResponse; readonly answer: UpdateResponseInput };
  /** All that it holds and is owed; comes before anything else after a hello. */
  readonly reconcile: { readonly input: ReconcileRequestInput; readonly request: ReconcileRequest; readonly response: ReconcileResponse; readonly answer: ReconcileResponseInput };
  /** The kind's own objects that a driver holds. Asked of a kind that has drivers, before one of them is taken away; who does not answer it has none. */
  readonly list: { readonly input: ListRequestInput; readonly request: ListRequest; readonly response: ListResponse; readonly answer: ListResponseInput };
}
