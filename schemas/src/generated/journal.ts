// Generated from schemas/contracts/journal.avdl by "npm run generate": do not edit.
import type { Claim as ContainerTypesClaim, ClaimInput as ContainerTypesClaimInput, Spec as ContainerTypesSpec, SpecInput as ContainerTypesSpecInput, State as ContainerTypesState, StateInput as ContainerTypesStateInput } from './container-types.ts';
import type { Info as ExecTypesInfo, InfoInput as ExecTypesInfoInput } from './exec-types.ts';
import type { Contribution as ProviderTypesContribution, ContributionInput as ProviderTypesContributionInput, Reference as ProviderTypesReference, ReferenceInput as ProviderTypesReferenceInput } from './provider-types.ts';

/** An event that goes out with a record. */
export interface OutboxEvent {
  readonly sequence: number;
  readonly type: string;
  readonly subject: string;
  readonly objectSequence: number;
  readonly time: bigint;
  readonly schema: string;
  readonly data: Uint8Array;
}

/** What encoding takes for a OutboxEvent: fields with a default may be left out. */
export interface OutboxEventInput {
  readonly sequence: number;
  readonly type: string;
  readonly subject: string;
  readonly objectSequence?: number | undefined;
  readonly time: bigint;
  readonly schema: string;
  readonly data: Uint8Array;
}

/** What changes only when a client says so. */
export interface Definition {
  readonly id: string;
  readonly name: string;
  readonly createdAt: bigint;
  /** The participant that made it, and for whom. */
  readonly owner: string;
  readonly principal: string;
  readonly spec: ContainerTypesSpec;
  readonly claims: ReadonlyArray<ContainerTypesClaim>;
  readonly client: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** The create operation, so that a repeated one is known. */
  readonly operation: string;
}

/** What encoding takes for a Definition: fields with a default may be left out. */
export interface DefinitionInput {
  readonly id: string;
  readonly name: string;
  readonly createdAt: bigint;
  readonly owner?: string | undefined;
  readonly principal?: string | undefined;
  readonly spec: ContainerTypesSpecInput;
  readonly claims?: ReadonlyArray<ContainerTypesClaimInput> | undefined;
  readonly client?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly operation?: string | undefined;
}

/** How far a claim is. */
export interface ClaimProgress {
  readonly name: string;
  readonly provider: string;
  /** Number and name of the newest call: reserve, attach, detach, release, update; answered false: its end is not known. */
  readonly number: number;
  readonly call: string;
  readonly answered: boolean;
  readonly reserved: boolean;
  readonly attached: boolean;
  readonly status: string;
  readonly contribution: null | ProviderTypesContribution;
  readonly directory: string;
}

/** What encoding takes for a ClaimProgress: fields with a default may be left out. */
export interface ClaimProgressInput {
  readonly name: string;
  readonly provider?: string | undefined;
  readonly number?: number | undefined;
  readonly call?: string | undefined;
  readonly answered?: boolean | undefined;
  readonly reserved?: boolean | undefined;
  readonly attached?: boolean | undefined;
  readonly status?: string | undefined;
  readonly contribution?: null | ProviderTypesContributionInput | undefined;
  readonly directory?: string | undefined;
}

/** Who holds the use that is open: run:N or view:ID. */
export interface Holder {
  readonly id: string;
  /** root or all. */
  readonly scope: string;
  readonly owner: string;
  readonly leaseMs: number;
}

/** What encoding takes for a Holder: fields with a default may be left out. */
export interface HolderInput {
  readonly id: string;
  readonly scope?: string | undefined;
  readonly owner?: string | undefined;
  readonly leaseMs?: number | undefined;
}

/** A process of the kernel's that outlives it, known again by its start time. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: number;
}

/** What encoding takes for a ProcessIdentity: fields with a default may be left out. */
export interface ProcessIdentityInput {
  readonly pid?: number | undefined;
  readonly startTime?: number | undefined;
}

export interface ExecProgress {
  readonly info: ExecTypesInfo;
  readonly monitor: ProcessIdentity;
}

/** What encoding takes for a ExecProgress: fields with a default may be left out. */
export interface ExecProgressInput {
  readonly info: ExecTypesInfoInput;
  readonly monitor?: ProcessIdentityInput | undefined;
}

/** Where the operations on a container are. */
export interface Progress {
  readonly state: ContainerTypesState;
  /** The open operation: create, start, exit, remove, claim.add:NAME, claim.remove:NAME, view:ID; empty: none. */
  readonly open: string;
  /** Its last step. */
  readonly step: string;
  /** Highest number given to a call about this container. */
  readonly number: number;
  readonly bootId: string;
  readonly claims: ReadonlyArray<ClaimProgress>;
  readonly holders: ReadonlyArray<Holder>;
  readonly execs: ReadonlyArray<ExecProgress>;
  readonly objectSequence: number;
  readonly restartAt: bigint;
  readonly monitor: ProcessIdentity;
  readonly init: ProcessIdentity;
  /** Whether the namespaces are pinned and the root is mounted. */
  readonly namespaces: boolean;
  readonly rootMounted: boolean;
  /** Claims whose source is being filled from the image; one that was cut off is emptied and done again. */
  readonly filling: ReadonlyArray<string>;
  /** Purge at release, for a remove that is under way. */
  readonly purge: boolean;
  /** First log segment kept, and the one being written. */
  readonly logFirst: number;
  readonly logLast: number;
  readonly logDropped: number;
}

/** What encoding takes for a Progress: fields with a default may be left out. */
export interface ProgressInput {
  readonly state: ContainerTypesStateInput;
  readonly open?: string | undefined;
  readonly step?: string | undefined;
  readonly number?: number | undefined;
  readonly bootId?: string | undefined;
  readonly claims?: ReadonlyArray<ClaimProgressInput> | undefined;
  readonly holders?: ReadonlyArray<HolderInput> | undefined;
  readonly execs?: ReadonlyArray<ExecProgressInput> | undefined;
  readonly objectSequence?: number | undefined;
  readonly restartAt?: bigint | undefined;
  readonly monitor?: ProcessIdentityInput | undefined;
  readonly init?: ProcessIdentityInput | undefined;
  readonly namespaces?: boolean | undefined;
  readonly rootMounted?: boolean | undefined;
  readonly filling?: ReadonlyArray<string> | undefined;
  readonly purge?: boolean | undefined;
  readonly logFirst?: number | undefined;
  readonly logLast?: number | undefined;
  readonly logDropped?: number | undefined;
}

/** A new or changed container with all its state: created, renamed, updated; also what a snapshot holds. */
export interface ContainerRecord {
  readonly step: string;
  readonly definition: Definition;
  readonly progress: Progress;
  readonly events: ReadonlyArray<OutboxEvent>;
}

/** What encoding takes for a ContainerRecord: fields with a default may be left out. */
export interface ContainerRecordInput {
  readonly step: string;
  readonly definition: DefinitionInput;
  readonly progress: ProgressInput;
  readonly events?: ReadonlyArray<OutboxEventInput> | undefined;
}

/** A step of an operation: the state of the container after it. */
export interface ProgressRecord {
  readonly container: string;
  readonly step: string;
  readonly progress: Progress;
  readonly events: ReadonlyArray<OutboxEvent>;
}

/** What encoding takes for a ProgressRecord: fields with a default may be left out. */
export interface ProgressRecordInput {
  readonly container: string;
  readonly step: string;
  readonly progress: ProgressInput;
  readonly events?: ReadonlyArray<OutboxEventInput> | undefined;
}

export interface ContainerRemoved {
  readonly container: string;
  readonly events: ReadonlyArray<OutboxEvent>;
}

/** What encoding takes for a ContainerRemoved: fields with a default may be left out. */
export interface ContainerRemovedInput {
  readonly container: string;
  readonly events?: ReadonlyArray<OutboxEventInput> | undefined;
}

/** What a plugin that is away should undo. */
export interface OwedRecord {
  readonly provider: string;
  readonly kind: string;
  readonly reference: ProviderTypesReference;
  readonly operation: string;
  readonly purge: boolean;
  readonly settled: boolean;
  readonly since: bigint;
}

/** What encoding takes for a OwedRecord: fields with a default may be left out. */
export interface OwedRecordInput {
  readonly provider: string;
  readonly kind: string;
  readonly reference: ProviderTypesReferenceInput;
  readonly operation: string;
  readonly purge?: boolean | undefined;
  readonly settled?: boolean | undefined;
  readonly since?: bigint | undefined;
}

/** The event stream: which incarnation, and sequence = stream sequence + base. */
export interface StreamRecord {
  readonly incarnation: string;
  readonly base: number;
  readonly createdAt: bigint;
}

/** What encoding takes for a StreamRecord: fields with a default may be left out. */
export interface StreamRecordInput {
  readonly incarnation: string;
  readonly base: number;
  readonly createdAt: bigint;
}

export interface PublishedRecord {
  readonly sequence: number;
}

/** What encoding takes for a PublishedRecord: fields with a default may be left out. */
export interface PublishedRecordInput {
  readonly sequence: number;
}

export interface PluginRecord {
  readonly name: string;
  /** JSON text: manifest, grant, state. */
  readonly data: string;
  readonly removed: boolean;
  readonly events: ReadonlyArray<OutboxEvent>;
}

/** What encoding takes for a PluginRecord: fields with a default may be left out. */
export interface PluginRecordInput {
  readonly name: string;
  readonly data: string;
  readonly removed?: boolean | undefined;
  readonly events?: ReadonlyArray<OutboxEventInput> | undefined;
}

export interface PluginEventRecord {
  readonly plugin: string;
  readonly store: string;
  readonly number: number;
  readonly events: ReadonlyArray<OutboxEvent>;
}

/** What encoding takes for a PluginEventRecord: fields with a default may be left out. */
export interface PluginEventRecordInput {
  readonly plugin: string;
  readonly store: string;
  readonly number: number;
  readonly events?: ReadonlyArray<OutboxEventInput> | undefined;
}

export interface ConsumerRecord {
  readonly name: string;
  readonly data: string;
  readonly removed: boolean;
}

/** What encoding takes for a ConsumerRecord: fields with a default may be left out. */
export interface ConsumerRecordInput {
  readonly name: string;
  readonly data: string;
  readonly removed?: boolean | undefined;
}

/** An answer to an operation that changed something, kept for ten minutes. */
export interface AnswerRecord {
  readonly caller: string;
  readonly operation: string;
  readonly at: bigint;
  readonly answer: Uint8Array;
  readonly error: string;
}

/** What encoding takes for a AnswerRecord: fields with a default may be left out. */
export interface AnswerRecordInput {
  readonly caller: string;
  readonly operation: string;
  readonly at: bigint;
  readonly answer: Uint8Array;
  readonly error?: string | undefined;
}

/** Something of the node itself, with its events. */
export interface NodeRecord {
  readonly what: string;
  readonly data: string;
  readonly events: ReadonlyArray<OutboxEvent>;
}

/** What encoding takes for a NodeRecord: fields with a default may be left out. */
export interface NodeRecordInput {
  readonly what: string;
  readonly data?: string | undefined;
  readonly events?: ReadonlyArray<OutboxEventInput> | undefined;
}
