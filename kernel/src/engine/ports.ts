import type { Deadline, Logger, TaskGroup } from '@cleat/core';
import type {
  Contracts,
  common,
  containerTypes,
  execTypes,
  Grant,
  journal,
  ProvidedKind,
  providerTypes,
} from '@cleat/schemas';
import type { ContainerPaths } from './paths.ts';

type ProviderOperations = Contracts['provider'];
export type ProviderOperation = keyof ProviderOperations;

/** A kind's provider as the engine sees it. */
export interface ProviderEntry {
  readonly plugin: string;
  readonly kind: ProvidedKind;
  readonly grant: Grant;
  /** It answers calls. */
  readonly isReady: boolean;
}

/** The providers of kinds, whoever they are. */
export interface ProviderPort {
  /** The provider of a kind, ready or not; undefined when none is installed and enabled. */
  find(kind: string): ProviderEntry | undefined;
  /** Waits while the provider is starting. Throws `unavailable` PLUGIN_AWAY, `invalid_argument` KIND_UNKNOWN. */
  ready(kind: string, deadline: Deadline, signal?: AbortSignal): Promise<ProviderEntry>;
  call<O extends ProviderOperation>(
    entry: { readonly plugin: string; readonly kind: string },
    operation: O,
    request: ProviderOperations[O]['input'],
    options: { readonly deadline: Deadline; readonly signal?: AbortSignal | undefined },
  ): Promise<ProviderOperations[O]['response']>;
  /** Checks a claim's options against the schema of its kind. Throws `invalid_argument` CLAIM_OPTIONS. */
  checkOptions(entry: ProviderEntry, options: string): Promise<void>;
}

export interface ProcessStart {
  readonly id: string;
  readonly run: number;
  readonly bundle: string;
  readonly runtime: string;
  readonly spec: containerTypes.Spec;
  readonly logPath: string | undefined;
  readonly exitDir: string;
  readonly cgroup: string;
  readonly hasPoststartHooks: boolean;
  readonly deadline: Deadline;
  readonly signal?: AbortSignal | undefined;
}

/** What ended, and how. */
export interface RunEnd {
  readonly exitCode: number;
  readonly finishedAt: bigint;
  readonly oomKilled: boolean;
}

export interface StartedProcess {
  readonly pid: number;
  readonly init: journal.ProcessIdentity;
  readonly monitor: journal.ProcessIdentity;
}

/** An ended run to clean up after. */
export interface CleanRun {
  readonly id: string;
  readonly runtime: string;
  readonly bundle: string;
  readonly cgroup: string;
  readonly spec: containerTypes.Spec;
  readonly hasPoststopHooks: boolean;
}

/** Everything that makes, watches and ends processes. */
export interface RuntimePort {
  /** The cgroup of a name below a parent (empty: the instance's own), as a path below every hierarchy. */
  cgroup(name: string, parent: string): string;
  writeBundle(input: BundleInput): Promise<void>;
  create(start: ProcessStart): Promise<StartedProcess>;
  /** Lets the created process run. */
  go(
    start: Pick<ProcessStart, 'id' | 'runtime' | 'deadline' | 'bundle' | 'hasPoststartHooks'> & {
      readonly pid: number;
    },
  ): Promise<void>;
  /** Calls back once when the run has ended, also when it had already. */
  watch(run: WatchedRun, ended: (end: RunEnd | 'lost') => void): void;
  unwatch(id: string): void;
  readEnd(run: Pick<WatchedRun, 'id' | 'bundle' | 'exitDir' | 'cgroup'>): RunEnd | undefined;
  signal(init: journal.ProcessIdentity, signal: number): boolean;
  pause(cgroup: string, deadline: Deadline): Promise<void>;
  unpause(cgroup: string, deadline: Deadline): Promise<void>;
  killAll(cgroup: string, deadline: Deadline): Promise<void>;
  /** Removes the runtime's state and the cgroup of an ended run. */
  clean(run: CleanRun, deadline: Deadline): Promise<void>;
  /** Ends whatever may still be creating the run: monitor, runtime, and what is in the cgroup. */
  endCreation(
    run: { readonly id: string; readonly bundle: string; readonly cgroup: string; readonly runtime: string },
    deadline: Deadline,
  ): Promise<void>;
  createView(view: {
    readonly id: string;
    readonly bundle: string;
    readonly runtime: string;
    readonly deadline: Deadline;
  }): Promise<journal.ProcessIdentity>;
  endView(
    view: { readonly id: string; readonly bundle: string; readonly runtime: string; readonly cgroup: string },
    deadline: Deadline,
  ): Promise<void>;
  update(
    run: { readonly bundle: string; readonly id: string; readonly runtime: string },
    resources: containerTypes.Resources,
  ): Promise<readonly string[]>;
  resize(bundle: string, rows: number, columns: number): Promise<void>;
  rotateLog(bundle: string, from: string, to: string): Promise<void>;
  exec(start: ExecStart): Promise<StartedProcess>;
  /** Tells the end of an exec that an earlier kernel started. */
  watchExec(
    exec: {
      readonly id: string;
      readonly container: string;
      readonly directory: string;
      readonly monitor: journal.ProcessIdentity;
    },
    onEnd: (exitCode: number) => void,
  ): void;
  /** Throws `invalid_argument` for a spec that can never run here. */
  checkSpec(spec: containerTypes.Spec): readonly string[];
}

export interface ExecStart {
  readonly info: execTypes.Info;
  readonly container: string;
  readonly runtime: string;
  readonly directory: string;
  readonly containerSpec: containerTypes.Spec;
  readonly root: string;
  readonly environment: readonly string[];
  readonly attach: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly deadline: Deadline;
  /** Called when the monitor's socket is there and nothing runs yet. */
  readonly onSocket?: (path: string) => Promise<void>;
  readonly onEnd: (exitCode: number) => void;
}

export interface WatchedRun {
  readonly id: string;
  readonly run: number;
  readonly bundle: string;
  readonly exitDir: string;
  readonly cgroup: string;
  readonly monitor: journal.ProcessIdentity;
  readonly init: journal.ProcessIdentity;
}

export interface BundleInput {
  readonly id: string;
  readonly name: string;
  readonly bundle: string;
  readonly spec: containerTypes.Spec;
  readonly root: string;
  readonly contribution: MergedContribution;
  readonly paths: ContainerPaths;
  /** Name of the cgroup below the spec's parent. */
  readonly cgroupName: string;
  /** Paths for setns(2), empty: a new one, or none. */
  readonly namespaces: NamespacePaths;
  readonly isView: boolean;
}

/** Where the process shall find its namespaces; "" makes a new one, "host" takes the host's. */
export interface NamespacePaths {
  readonly network: string;
  readonly user: string;
  readonly pid: string;
  readonly ipc: string;
  readonly uts: string;
}

/** All contributions put together, checked. */
export interface MergedContribution {
  readonly root: providerTypes.Root | undefined;
  readonly mounts: readonly providerTypes.Mount[];
  readonly devices: readonly common.Device[];
  readonly environment: readonly string[];
  readonly hosts: readonly string[];
  readonly dns: common.Dns;
  readonly hooks: readonly providerTypes.Hook[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** The process that holds attached clients. */
export interface StreamsPort {
  offerAttach(session: {
    readonly container: string;
    readonly spec: containerTypes.Spec;
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
    readonly detachKeys: string;
    /** The monitor's socket of the run that is there already. */
    readonly attachPath: string | undefined;
    readonly run: number;
  }): Promise<containerTypes.StreamTicket>;
  offerExec(session: {
    readonly exec: string;
    readonly container: string;
    readonly info: execTypes.Info;
  }): Promise<containerTypes.StreamTicket>;
  offerWait(wait: { readonly container: string; readonly condition: string }): Promise<containerTypes.StreamTicket>;
  /** True when somebody waits for the container's next run, so that its output must be caught from the first byte. */
  hasSessions(container: string): boolean;
  connect(container: string, run: number, attachPath: string): Promise<void>;
  connectExec(exec: string, attachPath: string): Promise<void>;
  exited(container: string, run: number, exitCode: number, willRestart: boolean): void;
  execExited(exec: string, exitCode: number): void;
  removed(container: string, exitCode: number): void;
}

/** What all parts of the engine share. */
export interface EngineHost {
  readonly log: Logger;
  readonly tasks: TaskGroup;
  readonly bootId: string;
  readonly instanceId: string;
  readonly runDir: string;
  readonly stateDir: string;
  readonly providers: ProviderPort;
  readonly runtime: RuntimePort;
  readonly streams: StreamsPort;
}
