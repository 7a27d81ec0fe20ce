import type { containerTypes } from '@cleat/schemas';
import type { ExposedPort, HealthOptions, LogOptions, NetworkOptions, PublishedPort, VolumeOptions } from './claims.ts';

/**
 * What a client wants of a container, in no client's words: `docker run`, `cleat run`, a build step and a service task all say it like this.
 * What is absent comes from the image, then from Cleat's defaults.
 */
export interface ContainerRequest {
  /** The reference that the user wrote; shown in events. */
  readonly imageReference?: string;
  /** Run in this directory of the host instead of an image. */
  readonly rootfs?: string;

  /** Absent: the image's. Empty, or one empty string: none. */
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** NAME=value; a NAME alone takes a variable of the image away. */
  readonly env?: readonly string[];
  readonly workingDir?: string;
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly hostname?: string;
  readonly domainname?: string;
  readonly terminal?: boolean;
  readonly openStdin?: boolean;
  readonly stdinOnce?: boolean;
  readonly consoleSize?: { readonly rows: number; readonly columns: number };
  readonly stopSignal?: string;
  readonly stopTimeoutS?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Fields that are absent or 0 come from the image's check. */
  readonly health?: Partial<HealthOptions>;

  readonly namespaces?: containerTypes.NamespacesInput;
  readonly resources?: containerTypes.ResourcesInput;
  readonly restart?: containerTypes.RestartPolicyInput;
  readonly autoRemove?: boolean;
  readonly init?: boolean;
  readonly runtime?: string;
  readonly cgroupParent?: string;
  readonly shmSizeBytes?: number;
  readonly oomScoreAdj?: number;
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Type by its short name: nofile. */
  readonly ulimits?: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];

  readonly privileged?: boolean;
  readonly readonlyRootfs?: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly security?: SecurityRequest;
  readonly devices?: readonly { readonly hostPath: string; readonly containerPath: string; readonly permissions: string }[];
  readonly deviceRules?: readonly string[];

  /** In the order in which they shall be mounted. */
  readonly mounts?: readonly MountRequest[];
  readonly storage?: Readonly<Record<string, string>>;

  /** One for each network, the first carries the published ports. Empty: none (`namespaces.network` says what there is instead). */
  readonly networks?: readonly NetworkOptions[];
  readonly publish?: readonly PublishedPort[];
  readonly expose?: readonly ExposedPort[];
  readonly publishAll?: boolean;
  /** "name:address". */
  readonly extraHosts?: readonly string[];
  readonly dns?: { readonly servers?: readonly string[]; readonly search?: readonly string[]; readonly options?: readonly string[] };

  /** Absent: no log is kept. Without a driver: the node's default, if there is a logging plugin. */
  readonly log?: LogOptions;
  /** Claims of other kinds: what third parties provide. */
  readonly claims?: readonly { readonly kind: string; readonly options: Readonly<Record<string, unknown>> }[];
}

export interface SecurityRequest {
  /** "default", "unconfined", or the JSON text of a profile. */
  readonly seccomp?: string;
  /** Name of a loaded profile; "unconfined". */
  readonly apparmor?: string;
  readonly noNewPrivileges?: boolean;
  /** Absent: the defaults. */
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
}

/** A bind mount, a tmpfs or a volume. */
export type MountRequest =
  | {
      readonly type: 'bind';
      readonly source: string;
      readonly target: string;
      readonly readonly?: boolean;
      /** Mounts below it stay writable. */
      readonly readonlyNonRecursive?: boolean;
      readonly nonRecursive?: boolean;
      /** rprivate by default. */
      readonly propagation?: string;
      readonly createSource?: boolean;
    }
  | { readonly type: 'tmpfs'; readonly target: string; readonly options?: readonly string[] }
  | ({ readonly type: 'volume' } & VolumeOptions);

/** What an image says of containers made from it: its id and its configuration. */
export interface ImageDefaults {
  readonly id: string;
  readonly config: {
    readonly user: string;
    readonly exposedPorts: readonly string[];
    readonly env: readonly string[];
    readonly entrypoint: readonly string[];
    readonly cmd: readonly string[];
    readonly volumes: readonly string[];
    readonly workingDir: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly stopSignal: string;
    readonly healthcheck: HealthOptions | null;
  };
}

/** What of this node decides how a request becomes a spec. Absent: as on a current host with everything. */
export interface HostFacts {
  /** CAP_* that a container here can have. */
  readonly capabilities?: readonly string[];
  /** mount_setattr(2) is there, so that "read-only" can reach the mounts below. */
  readonly recursiveReadonly?: boolean;
  readonly cgroupVersion?: 1 | 2;
  readonly cpus?: number;
}

/** All that `container.create` needs, but for id and name. */
export interface ContainerParts {
  readonly spec: containerTypes.SpecInput;
  readonly claims: readonly containerTypes.ClaimInput[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}
