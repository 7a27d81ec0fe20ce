// The part of the OCI runtime specification (1.0.2) that containers are described with. Field names are the specification's, and what is
// undefined is not written: JSON has no such value.

export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export type OciCapabilities = Readonly<Record<'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient', readonly string[]>>;

export interface OciProcess {
  readonly terminal: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
  readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids: readonly number[] };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: OciCapabilities;
  readonly rlimits: readonly { readonly type: string; readonly soft: number; readonly hard: number }[];
  readonly noNewPrivileges: boolean;
  readonly apparmorProfile?: string | undefined;
  readonly oomScoreAdj: number;
}

export interface OciDevice {
  readonly path: string;
  readonly type: string;
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface OciDeviceRule {
  readonly allow: boolean;
  readonly type?: string;
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  readonly access: string;
}

type Numbers<Name extends string> = Readonly<Partial<Record<Name, number | undefined>>>;

/** Limits; what is not set is not mentioned. */
export interface OciLimits {
  readonly memory: Numbers<'limit' | 'swap' | 'reservation' | 'swappiness'> & { readonly disableOOMKiller?: true | undefined };
  readonly cpu: Numbers<'shares' | 'period' | 'quota'> & Readonly<Partial<Record<'cpus' | 'mems', string | undefined>>>;
  readonly pids?: { readonly limit: number } | undefined;
  readonly blockIO?: { readonly weight: number } | undefined;
}

export interface OciSeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number | undefined;
  readonly args?: readonly (Numbers<'index' | 'value' | 'valueTwo'> & { readonly op: string })[] | undefined;
}

export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number | undefined;
  readonly architectures?: readonly string[] | undefined;
  readonly flags?: readonly string[] | undefined;
  readonly listenerPath?: string | undefined;
  readonly listenerMetadata?: string | undefined;
  readonly syscalls: readonly OciSeccompRule[];
}

export type HookName = 'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop';

export interface OciHook {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly timeout: number;
}

export interface OciNamespace {
  readonly type: 'network' | 'pid' | 'ipc' | 'uts' | 'mount' | 'cgroup' | 'user';
  readonly path?: string | undefined;
}

export type OciIdMapping = Readonly<Record<'containerID' | 'hostID' | 'size', number>>;

export interface OciLinux {
  readonly namespaces: readonly OciNamespace[];
  readonly uidMappings?: readonly OciIdMapping[] | undefined;
  readonly gidMappings?: readonly OciIdMapping[] | undefined;
  readonly devices: readonly OciDevice[];
  readonly cgroupsPath: string;
  readonly resources: OciLimits & { readonly devices: readonly OciDeviceRule[] };
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly seccomp?: OciSeccomp | undefined;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly rootfsPropagation?: string | undefined;
}

export interface OciSpec {
  readonly ociVersion: string;
  readonly process: OciProcess;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname?: string | undefined;
  readonly mounts: readonly OciMount[];
  readonly hooks?: Readonly<Partial<Record<HookName, readonly OciHook[]>>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux: OciLinux;
}
