// Generated from schemas/contracts/container-types.avdl by "npm run generate": do not edit.
import type { Device as CommonDevice, DeviceInput as CommonDeviceInput, Dns as CommonDns, DnsInput as CommonDnsInput, IdMapping as CommonIdMapping, IdMappingInput as CommonIdMappingInput } from './common.ts';

/** A resource limit of the process (setrlimit(2)). */
export interface Rlimit {
  /** RLIMIT_NOFILE and the like. */
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

/** What encoding takes for a Rlimit: fields with a default may be left out. */
export interface RlimitInput {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

/** A bind mount of a host path, or a tmpfs, asked for by the user. No provider is involved. */
export interface Mount {
  /** bind or tmpfs. */
  readonly type: string;
  /** Absolute host path of a bind; empty for a tmpfs. */
  readonly source: string;
  /** Absolute path in the container. */
  readonly target: string;
  /** Options of mount(8): ro, nosuid, rprivate, size=64m, ... */
  readonly options: ReadonlyArray<string>;
  /** Make the source as a directory when it is missing (docker run -v). */
  readonly createSource: boolean;
}

/** What encoding takes for a Mount: fields with a default may be left out. */
export interface MountInput {
  readonly type: string;
  readonly source?: string | undefined;
  readonly target: string;
  readonly options?: ReadonlyArray<string> | undefined;
  readonly createSource?: boolean | undefined;
}

/** The first process of a container, or of an exec. */
export interface Process {
  readonly args: ReadonlyArray<string>;
  readonly env: ReadonlyArray<string>;
  readonly cwd: string;
  /** "", "name", "uid", each with ":group"; names are looked up in the container's root. */
  readonly user: string;
  /** More groups, by name or number. */
  readonly groups: ReadonlyArray<string>;
  readonly terminal: boolean;
  /** Keep a stdin for it. */
  readonly openStdin: boolean;
  /** Close stdin when the first attached client leaves. */
  readonly stdinOnce: boolean;
  /** CAP_* that it has; what this host cannot give is left out when the container is privileged, else refused. */
  readonly capabilities: ReadonlyArray<string>;
  readonly noNewPrivileges: boolean;
  readonly rlimits: ReadonlyArray<Rlimit>;
  readonly oomScoreAdj: null | number;
  /** "" none, or the name of a loaded AppArmor profile. */
  readonly apparmorProfile: string;
  /** "default": Docker's profile; "unconfined"; or the JSON text of a profile in Docker's format. */
  readonly seccomp: string;
  readonly consoleRows: number;
  readonly consoleColumns: number;
}

/** What encoding takes for a Process: fields with a default may be left out. */
export interface ProcessInput {
  readonly args: ReadonlyArray<string>;
  readonly env?: ReadonlyArray<string> | undefined;
  readonly cwd?: string | undefined;
  readonly user?: string | undefined;
  readonly groups?: ReadonlyArray<string> | undefined;
  readonly terminal?: boolean | undefined;
  readonly openStdin?: boolean | undefined;
  readonly stdinOnce?: boolean | undefined;
  readonly capabilities?: ReadonlyArray<string> | undefined;
  readonly noNewPrivileges?: boolean | undefined;
  readonly rlimits?: ReadonlyArray<RlimitInput> | undefined;
  readonly oomScoreAdj?: null | number | undefined;
  readonly apparmorProfile?: string | undefined;
  readonly seccomp?: string | undefined;
  readonly consoleRows?: number | undefined;
  readonly consoleColumns?: number | undefined;
}

/** How much of the host a container may use. 0 or empty: no limit. */
export interface Resources {
  readonly memoryBytes: number;
  /** Memory and swap together; -1: no limit on swap. */
  readonly memorySwapBytes: number;
  readonly memoryReservationBytes: number;
  /** -1: the host's default. */
  readonly memorySwappiness: number;
  readonly oomKillDisable: boolean;
  readonly cpuShares: number;
  readonly cpuPeriodUs: number;
  readonly cpuQuotaUs: number;
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
  /** 0 or -1: no limit. */
  readonly pidsLimit: number;
  readonly blkioWeight: number;
}

/** What encoding takes for a Resources: fields with a default may be left out. */
export interface ResourcesInput {
  readonly memoryBytes?: number | undefined;
  readonly memorySwapBytes?: number | undefined;
  readonly memoryReservationBytes?: number | undefined;
  readonly memorySwappiness?: number | undefined;
  readonly oomKillDisable?: boolean | undefined;
  readonly cpuShares?: number | undefined;
  readonly cpuPeriodUs?: number | undefined;
  readonly cpuQuotaUs?: number | undefined;
  readonly cpusetCpus?: string | undefined;
  readonly cpusetMems?: string | undefined;
  readonly pidsLimit?: number | undefined;
  readonly blkioWeight?: number | undefined;
}

/** Which namespaces are the container's own. */
export interface Namespaces {
  /** private: made and pinned by the kernel; host; or container:ID. */
  readonly network: string;
  /** private, host, container:ID. */
  readonly pid: string;
  /** private, shareable, host, none (private without /dev/shm), container:ID. */
  readonly ipc: string;
  /** private, host. */
  readonly uts: string;
  /** private, host. */
  readonly cgroup: string;
  /** host, or private with an id mapping. */
  readonly user: string;
  readonly idMapping: CommonIdMapping;
}

/** What encoding takes for a Namespaces: fields with a default may be left out. */
export interface NamespacesInput {
  readonly network?: string | undefined;
  readonly pid?: string | undefined;
  readonly ipc?: string | undefined;
  readonly uts?: string | undefined;
  readonly cgroup?: string | undefined;
  readonly user?: string | undefined;
  readonly idMapping?: CommonIdMappingInput | undefined;
}

/** When the kernel starts a container again by itself. */
export interface RestartPolicy {
  /** no, on-failure, always, unless-stopped. */
  readonly name: string;
  /** With on-failure: how often at most; 0 without end. */
  readonly maximumRetries: number;
}

/** What encoding takes for a RestartPolicy: fields with a default may be left out. */
export interface RestartPolicyInput {
  readonly name?: string | undefined;
  readonly maximumRetries?: number | undefined;
}

/** What the kernel runs: complete, nothing is filled in from elsewhere. */
export interface Spec {
  readonly process: Process;
  readonly namespaces: Namespaces;
  readonly hostname: string;
  readonly domainname: string;
  /** A directory to use as the root file system, instead of a claim of the kind root. */
  readonly rootfs: string;
  readonly readonlyRootfs: boolean;
  readonly mounts: ReadonlyArray<Mount>;
  readonly devices: ReadonlyArray<CommonDevice>;
  /** Rules for the device cgroup in the form "c 1:3 rwm". */
  readonly deviceRules: ReadonlyArray<string>;
  readonly resources: Resources;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly maskedPaths: ReadonlyArray<string>;
  readonly readonlyPaths: ReadonlyArray<string>;
  readonly shmSizeBytes: number;
  /** Name or number. */
  readonly stopSignal: string;
  readonly stopTimeoutS: number;
  readonly restart: RestartPolicy;
  /** Run a small init as process 1. */
  readonly init: boolean;
  readonly privileged: boolean;
  /** Below which cgroup; empty: the instance's own. */
  readonly cgroupParent: string;
  /** Name of an OCI runtime of this node; empty: the default. */
  readonly runtime: string;
  /** Remove the container when its run has ended. */
  readonly autoRemove: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Lines for /etc/hosts, "address name ...". */
  readonly hosts: ReadonlyArray<string>;
  /** What the user said of name servers; a contribution fills the rest. */
  readonly dns: CommonDns;
}

/** What encoding takes for a Spec: fields with a default may be left out. */
export interface SpecInput {
  readonly process: ProcessInput;
  readonly namespaces?: NamespacesInput | undefined;
  readonly hostname?: string | undefined;
  readonly domainname?: string | undefined;
  readonly rootfs?: string | undefined;
  readonly readonlyRootfs?: boolean | undefined;
  readonly mounts?: ReadonlyArray<MountInput> | undefined;
  readonly devices?: ReadonlyArray<CommonDeviceInput> | undefined;
  readonly deviceRules?: ReadonlyArray<string> | undefined;
  readonly resources?: ResourcesInput | undefined;
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
  readonly maskedPaths?: ReadonlyArray<string> | undefined;
  readonly readonlyPaths?: ReadonlyArray<string> | undefined;
  readonly shmSizeBytes?: number | undefined;
  readonly stopSignal?: string | undefined;
  readonly stopTimeoutS?: number | undefined;
  readonly restart?: RestartPolicyInput | undefined;
  readonly init?: boolean | undefined;
  readonly privileged?: boolean | undefined;
  readonly cgroupParent?: string | undefined;
  readonly runtime?: string | undefined;
  readonly autoRemove?: boolean | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly hosts?: ReadonlyArray<string> | undefined;
  readonly dns?: CommonDnsInput | undefined;
}

/** Something that a provider gives to a container. */
export interface Claim {
  /** Unique in the container, [a-z0-9][a-z0-9._-]*: root, network-front, volume-1. */
  readonly name: string;
  /** Which kind of provider: root, network, volume, log, ... */
  readonly kind: string;
  /** JSON text, checked against the schema that the kind publishes. */
  readonly options: string;
  /** It comes from the image, not from the user: where nobody provides the kind it is left out with a warning. */
  readonly fromImage: boolean;
}

/** What encoding takes for a Claim: fields with a default may be left out. */
export interface ClaimInput {
  readonly name: string;
  readonly kind: string;
  readonly options?: string | undefined;
  readonly fromImage?: boolean | undefined;
}

export interface CreateRequest {
  /** 64 hexadecimal digits, made by the caller, so that a repeated create is the same create. */
  readonly id: string;
  /** Unique on the node. */
  readonly name: string;
  readonly spec: Spec;
  readonly claims: ReadonlyArray<Claim>;
  /** Opaque data of the program that makes it, 64 KB at most; given back by inspect and list. */
  readonly client: string;
  /** Shown in every event of the container beside its labels (image=busybox). */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What encoding takes for a CreateRequest: fields with a default may be left out. */
export interface CreateRequestInput {
  readonly id: string;
  readonly name: string;
  readonly spec: SpecInput;
  readonly claims?: ReadonlyArray<ClaimInput> | undefined;
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

/** Where a container is in its life. */
export type Status = 'UNKNOWN' | 'created' | 'starting' | 'running' | 'pausing' | 'paused' | 'restarting' | 'stopping' | 'exited' | 'removing' | 'dead';

export type StatusInput = Status;

export interface State {
  readonly status: Status;
  /** 0: no process. */
  readonly pid: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why the last start failed. */
  readonly error: string;
  readonly startedAt: bigint;
  readonly finishedAt: bigint;
  /** Restarts by policy since the last start by a client. */
  readonly restartCount: number;
  /** Counts every run; 0: never ran. */
  readonly run: number;
  /** It was stopped by a client, so that unless-stopped leaves it. */
  readonly stoppedByClient: boolean;
}

/** What encoding takes for a State: fields with a default may be left out. */
export interface StateInput {
  readonly status: StatusInput;
  readonly pid?: number | undefined;
  readonly exitCode?: number | undefined;
  readonly oomKilled?: boolean | undefined;
  readonly error?: string | undefined;
  readonly startedAt?: bigint | undefined;
  readonly finishedAt?: bigint | undefined;
  readonly restartCount?: number | undefined;
  readonly run?: number | undefined;
  readonly stoppedByClient?: boolean | undefined;
}

export interface ClaimState {
  readonly claim: Claim;
  /** pending, reserved, attached, released. */
  readonly phase: string;
  /** JSON text of the provider: addresses, paths, ... */
  readonly status: string;
  /** The plugin that reserved it. */
  readonly provider: string;
}

/** What encoding takes for a ClaimState: fields with a default may be left out. */
export interface ClaimStateInput {
  readonly claim: ClaimInput;
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
  readonly spec: Spec;
  readonly claims: ReadonlyArray<ClaimState>;
  readonly client: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly state: State;
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
  readonly spec: SpecInput;
  readonly claims?: ReadonlyArray<ClaimStateInput> | undefined;
  readonly client?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  readonly state: StateInput;
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
  readonly resources: null | Resources;
  readonly restart: null | RestartPolicy;
  readonly client: null | string;
  readonly rlimits: null | ReadonlyArray<Rlimit>;
}

/** What encoding takes for a UpdateRequest: fields with a default may be left out. */
export interface UpdateRequestInput {
  readonly container: string;
  readonly resources?: null | ResourcesInput | undefined;
  readonly restart?: null | RestartPolicyInput | undefined;
  readonly client?: null | string | undefined;
  readonly rlimits?: null | ReadonlyArray<RlimitInput> | undefined;
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

export interface StreamTicket {
  /** Unix socket of the process that holds the streams. */
  readonly socket: string;
  /** Good once, for 60 seconds. */
  readonly token: string;
  /** The frames are raw because of a terminal. */
  readonly terminal: boolean;
}

/** What encoding takes for a StreamTicket: fields with a default may be left out. */
export interface StreamTicketInput {
  readonly socket: string;
  readonly token: string;
  readonly terminal?: boolean | undefined;
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
  readonly ticket: null | StreamTicket;
}

/** What encoding takes for a WaitResponse: fields with a default may be left out. */
export interface WaitResponseInput {
  readonly done?: boolean | undefined;
  readonly exitCode?: number | undefined;
  readonly error?: string | undefined;
  readonly ticket?: null | StreamTicketInput | undefined;
}
