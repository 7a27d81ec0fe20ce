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
