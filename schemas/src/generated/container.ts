// Generated from schemas/contracts/container.avdl by "npm run generate": do not edit.
import type { Empty as CommonEmpty, EmptyInput as CommonEmptyInput } from './common.ts';
import type { Claim as ContainerTypesClaim, ClaimInput as ContainerTypesClaimInput, Resources as ContainerTypesResources, ResourcesInput as ContainerTypesResourcesInput, RestartPolicy as ContainerTypesRestartPolicy, RestartPolicyInput as ContainerTypesRestartPolicyInput, Rlimit as ContainerTypesRlimit, RlimitInput as ContainerTypesRlimitInput, Spec as ContainerTypesSpec, SpecInput as ContainerTypesSpecInput, State as ContainerTypesState, StateInput as ContainerTypesStateInput, StreamTicket as ContainerTypesStreamTicket, StreamTicketInput as ContainerTypesStreamTicketInput } from './container-types.ts';

export interface CreateRequest {
  /** 64 hexadecimal digits, made by the caller, so that a repeated create is the same create. */
  readonly id: string;
  /** Unique on the node. */
  readonly name: string;
  readonly spec: ContainerTypesSpec;
  readonly claims: ReadonlyArray<ContainerTypesClaim>;
  /** Opaque data of the program that makes it, 64 KB at most; given back by inspect and list. */
  readonly client: string;
  /** Shown in every event of the container beside its labels (image=busybox). */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What encoding takes for a CreateRequest: fields with a default may be left out. */
export interface CreateRequestInput {
  readonly id: string;
  readonly name: string;
  readonly spec: ContainerTypesSpecInput;
  readonly claims?: ReadonlyArray<ContainerTypesClaimInput> | undefined;
  readonly client?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

export interface CreateResponse {
  readonly id: string;
  readonly warnings: ReadonlyArray<string>;
  /** False: it was there already, made by the same request. */
  readonly changed: boolean;
}

/** What encoding takes for a CreateResponse: fields with a default may be left out. */
export interface CreateResponseInput {
  readonly id: string;
  readonly warnings?: ReadonlyArray<string> | undefined;
  readonly changed?: boolean | undefined;
}

export interface ClaimState {
  readonly claim: ContainerTypesClaim;
  /** pending, reserved, attached, released. */
  readonly phase: string;
  /** JSON text of the provider: addresses, paths, ... */
  readonly status: string;
  /** The plugin that reserved it. */
  readonly provider: string;
}

/** What encoding takes for a ClaimState: fields with a default may be left out. */
export interface ClaimStateInput {
  readonly claim: ContainerTypesClaimInput;
  readonly phase?: string | undefined;
  readonly status?: string | undefined;
  readonly provider?: string | undefined;
}

/** Paths and handles of a container, for observers and for programs that show it. */
export interface Paths {
  /** Below each cgroup hierarchy; begins with a slash. */
  readonly cgroup: string;
  readonly hosts: string;
  readonly resolvConf: string;
  readonly hostname: string;
  /** The pinned network namespace, when the container has one of its own. */
  readonly networkNamespace: string;
  /** Directory with the log segments of the monitor. */
  readonly logs: string;
  /** The mounted root file system, while a use is open. */
  readonly root: string;
}

/** What encoding takes for a Paths: fields with a default may be left out. */
export interface PathsInput {
  readonly cgroup?: string | undefined;
  readonly hosts?: string | undefined;
  readonly resolvConf?: string | undefined;
  readonly hostname?: string | undefined;
  readonly networkNamespace?: string | undefined;
  readonly logs?: string | undefined;
  readonly root?: string | undefined;
}

export interface Info {
  readonly id: string;
  readonly name: string;
  readonly createdAt: bigint;
  /** The participant that made it. */
  readonly owner: string;
  readonly spec: ContainerTypesSpec;
  readonly claims: ReadonlyArray<ClaimState>;
  readonly client: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly state: ContainerTypesState;
  readonly paths: Paths;
  readonly execs: ReadonlyArray<string>;
  /** Journal position of the last change. */
  readonly position: number;
}

/** What encoding takes for a Info: fields with a default may be left out. */
export interface InfoInput {
  readonly id: string;
  readonly name: string;
  readonly createdAt: bigint;
  readonly owner?: string | undefined;
  readonly spec: ContainerTypesSpecInput;
  readonly claims?: ReadonlyArray<ClaimStateInput> | undefined;
  readonly client?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly state: ContainerTypesStateInput;
  readonly paths?: PathsInput | undefined;
  readonly execs?: ReadonlyArray<string> | undefined;
  readonly position?: number | undefined;
}

export interface InspectRequest {
  /** An id, a name, or a prefix of an id that no other container has. */
  readonly container: string;
}

/** What encoding takes for a InspectRequest: fields with a default may be left out. */
export interface InspectRequestInput {
  readonly container: string;
}

export interface ListRequest {
  /** Give what changed after this position; 0: everything. */
  readonly after: number;
  /** The kernel incarnation that gave the position; another one: everything. */
  readonly incarnation: string;
  /** Where the page before ended. */
  readonly cursor: string;
}

/** What encoding takes for a ListRequest: fields with a default may be left out. */
export interface ListRequestInput {
  readonly after?: number | undefined;
  readonly incarnation?: string | undefined;
  readonly cursor?: string | undefined;
}

export interface ListResponse {
  readonly position: number;
  readonly incarnation: string;
  /** True: a full list, not a difference. */
  readonly full: boolean;
  readonly containers: ReadonlyArray<Info>;
  /** Ids removed after the position asked for. */
  readonly removed: ReadonlyArray<string>;
  /** Not empty: ask again with it. */
  readonly cursor: string;
}

/** What encoding takes for a ListResponse: fields with a default may be left out. */
export interface ListResponseInput {
  readonly position: number;
  readonly incarnation: string;
  readonly full: boolean;
  readonly containers?: ReadonlyArray<InfoInput> | undefined;
  readonly removed?: ReadonlyArray<string> | undefined;
  readonly cursor?: string | undefined;
}

export interface StartRequest {
  readonly container: string;
}

/** What encoding takes for a StartRequest: fields with a default may be left out. */
export interface StartRequestInput {
  readonly container: string;
}

/** changed false: it was running already. */
export interface ChangeResponse {
  readonly changed: boolean;
}

/** What encoding takes for a ChangeResponse: fields with a default may be left out. */
export interface ChangeResponseInput {
  readonly changed?: boolean | undefined;
}

export interface StopRequest {
  readonly container: string;
  /** -1: the container's own. */
  readonly timeoutS: number;
  /** Empty: the container's own. */
  readonly signal: string;
}

/** What encoding takes for a StopRequest: fields with a default may be left out. */
export interface StopRequestInput {
  readonly container: string;
  readonly timeoutS?: number | undefined;
  readonly signal?: string | undefined;
}

export interface RestartRequest {
  readonly container: string;
  readonly timeoutS: number;
  readonly signal: string;
}

/** What encoding takes for a RestartRequest: fields with a default may be left out. */
export interface RestartRequestInput {
  readonly container: string;
  readonly timeoutS?: number | undefined;
  readonly signal?: string | undefined;
}

export interface KillRequest {
  readonly container: string;
  /** Name or number. */
  readonly signal: string;
}

/** What encoding takes for a KillRequest: fields with a default may be left out. */
export interface KillRequestInput {
  readonly container: string;
  readonly signal?: string | undefined;
}

export interface PauseRequest {
  readonly container: string;
}

/** What encoding takes for a PauseRequest: fields with a default may be left out. */
export interface PauseRequestInput {
  readonly container: string;
}

export interface RemoveRequest {
  readonly container: string;
  /** Kill it first when it runs. */
  readonly force: boolean;
  /** Remove what only this container owned: anonymous volumes. */
  readonly purge: boolean;
}

/** What encoding takes for a RemoveRequest: fields with a default may be left out. */
export interface RemoveRequestInput {
  readonly container: string;
  readonly force?: boolean | undefined;
  readonly purge?: boolean | undefined;
}

export interface RenameRequest {
  readonly container: string;
  readonly name: string;
}

/** What encoding takes for a RenameRequest: fields with a default may be left out. */
export interface RenameRequestInput {
  readonly container: string;
  readonly name: string;
}

/** Every field that is null stays as it is. */
export interface UpdateRequest {
  readonly container: string;
  readonly resources: null | ContainerTypesResources;
  readonly restart: null | ContainerTypesRestartPolicy;
  readonly client: null | string;
  readonly rlimits: null | ReadonlyArray<ContainerTypesRlimit>;
}

/** What encoding takes for a UpdateRequest: fields with a default may be left out. */
export interface UpdateRequestInput {
  readonly container: string;
  readonly resources?: null | ContainerTypesResourcesInput | undefined;
  readonly restart?: null | ContainerTypesRestartPolicyInput | undefined;
  readonly client?: null | string | undefined;
  readonly rlimits?: null | ReadonlyArray<ContainerTypesRlimitInput> | undefined;
}

export interface UpdateResponse {
  readonly warnings: ReadonlyArray<string>;
}

/** What encoding takes for a UpdateResponse: fields with a default may be left out. */
export interface UpdateResponseInput {
  readonly warnings?: ReadonlyArray<string> | undefined;
}

export interface ResizeRequest {
  readonly container: string;
  readonly rows: number;
  readonly columns: number;
}

/** What encoding takes for a ResizeRequest: fields with a default may be left out. */
export interface ResizeRequestInput {
  readonly container: string;
  readonly rows: number;
  readonly columns: number;
}

/** A place for one client at the container's streams: connect to the socket, send the token and a line feed. */
export interface AttachRequest {
  readonly container: string;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Closes the client's stream without ending the process ("ctrl-p,ctrl-q"); empty: none. */
  readonly detachKeys: string;
}

/** What encoding takes for a AttachRequest: fields with a default may be left out. */
export interface AttachRequestInput {
  readonly container: string;
  readonly stdin?: boolean | undefined;
  readonly stdout?: boolean | undefined;
  readonly stderr?: boolean | undefined;
  readonly detachKeys?: string | undefined;
}

export interface WaitRequest {
  readonly container: string;
  /** not-running, next-exit, removed. */
  readonly condition: string;
}

/** What encoding takes for a WaitRequest: fields with a default may be left out. */
export interface WaitRequestInput {
  readonly container: string;
  readonly condition?: string | undefined;
}

/** done: the answer is known; else a ticket for a connection that gets it as Docker's JSON line. */
export interface WaitResponse {
  readonly done: boolean;
  readonly exitCode: number;
  readonly error: string;
  readonly ticket: null | ContainerTypesStreamTicket;
}

/** What encoding takes for a WaitResponse: fields with a default may be left out. */
export interface WaitResponseInput {
  readonly done?: boolean | undefined;
  readonly exitCode?: number | undefined;
  readonly error?: string | undefined;
  readonly ticket?: null | ContainerTypesStreamTicketInput | undefined;
}

/** The operations of the contract container. */
export interface Operations {
  /** Reserves every claim and makes the container; when one of them fails all of it is undone. The same id asked for again by the same request answers as the first did. Fails with CONTAINER_NAME_TAKEN, KIND_UNKNOWN, CLAIM_OPTIONS, PLUGIN_AWAY. */
  readonly create: { readonly input: CreateRequestInput; readonly request: CreateRequest; readonly response: CreateResponse; readonly answer: CreateResponseInput };
  /** Attaches the claims and runs the process. `changed` false: it ran already. A start that fails before the process was let run leaves a container that can be started again. */
  readonly start: { readonly input: StartRequestInput; readonly request: StartRequest; readonly response: ChangeResponse; readonly answer: ChangeResponseInput };
  /** Sends the stop signal, waits, then kills. Answers when the process is gone. `changed` false: nothing ran. */
  readonly stop: { readonly input: StopRequestInput; readonly request: StopRequest; readonly response: ChangeResponse; readonly answer: ChangeResponseInput };
  /** Stop, then start. */
  readonly restart: { readonly input: RestartRequestInput; readonly request: RestartRequest; readonly response: ChangeResponse; readonly answer: ChangeResponseInput };
  /** Sends a signal to the process. Fails with CONTAINER_NOT_RUNNING. */
  readonly kill: { readonly input: KillRequestInput; readonly request: KillRequest; readonly response: ChangeResponse; readonly answer: ChangeResponseInput };
  /** Freezes every process of the container. Fails with CONTAINER_PAUSED, CONTAINER_NOT_RUNNING. */
  readonly pause: { readonly input: PauseRequestInput; readonly request: PauseRequest; readonly response: ChangeResponse; readonly answer: ChangeResponseInput };
  /** Lets them go on. Fails with CONTAINER_NOT_PAUSED. */
  readonly unpause: { readonly input: PauseRequestInput; readonly request: PauseRequest; readonly response: ChangeResponse; readonly answer: ChangeResponseInput };
  /** Detaches and releases what the container holds, and forgets it. Fails with CONTAINER_RUNNING without `force`. What a plugin that is away should undo is owed to it; nobody waits for that. */
  readonly remove: { readonly input: RemoveRequestInput; readonly request: RemoveRequest; readonly response: ChangeResponse; readonly answer: ChangeResponseInput };
  /** Gives it another name. Fails with CONTAINER_NAME_TAKEN. */
  readonly rename: { readonly input: RenameRequestInput; readonly request: RenameRequest; readonly response: ChangeResponse; readonly answer: ChangeResponseInput };
  /** Changes limits, restart policy or client data, also of a running container. */
  readonly update: { readonly input: UpdateRequestInput; readonly request: UpdateRequest; readonly response: UpdateResponse; readonly answer: UpdateResponseInput };
  /** Everything the kernel knows of a container; no plugin is asked. Fails with CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS. */
  readonly inspect: { readonly input: InspectRequestInput; readonly request: InspectRequest; readonly response: Info; readonly answer: InfoInput };
  /** All containers, or what changed after a position; no plugin is asked. In pages: a page that is not the last has a cursor. */
  readonly list: { readonly input: ListRequestInput; readonly request: ListRequest; readonly response: ListResponse; readonly answer: ListResponseInput };
  /** Sets the size of the terminal. Fails with CONTAINER_NOT_RUNNING. */
  readonly resize: { readonly input: ResizeRequestInput; readonly request: ResizeRequest; readonly response: CommonEmpty; readonly answer: CommonEmptyInput };
  /** Answers a ticket for the container's streams, also of a container that does not run yet. Fails with CONTAINER_PAUSED, CONTAINER_RESTARTING. */
  readonly attach: { readonly input: AttachRequestInput; readonly request: AttachRequest; readonly response: ContainerTypesStreamTicket; readonly answer: ContainerTypesStreamTicketInput };
  /** Answers the exit code when it is known already, else a ticket for a connection that tells it. */
  readonly wait: { readonly input: WaitRequestInput; readonly request: WaitRequest; readonly response: WaitResponse; readonly answer: WaitResponseInput };
}
