import type { Deadline } from '@cleat/core/deadlines';
import type { MergedContribution } from '@cleat/core/provision';
import type { common, containerTypes, execTypes, journal } from '@cleat/schemas';
import type { HostFilePaths } from './host-files.ts';

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

export interface StartedExec {
  readonly pid: number;
  /** Who is its parent, and learns its exit code. */
  readonly monitor: journal.ProcessIdentity;
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
  go(start: Pick<ProcessStart, 'id' | 'runtime' | 'deadline' | 'bundle' | 'hasPoststartHooks'> & { readonly pid: number }): Promise<void>;
  /** Calls back once when the run has ended, also when it had already. */
  watch(run: WatchedRun, ended: (end: RunEnd | 'lost') => void): void;
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
  exec(start: ExecStart): Promise<StartedExec>;
  /** Ends an exec whose start was cut off. Resolves with whether its process had been made. */
  endExec(exec: { readonly directory: string; readonly cgroup: string }): Promise<boolean>;
  /** Tells the end of an exec that an earlier kernel started; without a code when its monitor has died. */
  watchExec(
    exec: { readonly id: string; readonly container: string; readonly directory: string; readonly monitor: journal.ProcessIdentity },
    onEnd: (exitCode?: number) => void,
  ): void;
  /** Throws `invalid_argument` for a spec that can never run here. */
  checkSpec(spec: containerTypes.Spec): readonly string[];
}

/** The OCI runtime's exec command, which ends when the process runs. */
export interface ExecCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** The runtime writes the process's pid to it. */
  readonly pidFile: string;
}

export interface LaunchedExec {
  /** 0 when the runtime could not make the process. */
  readonly pid: number;
  /** What it said then. */
  readonly complaint: string;
  /** Who is the parent of the process now. */
  readonly parent: journal.ProcessIdentity;
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
  /** Runs the command in place of a monitor, and tells the end itself. */
  readonly launch?: (command: ExecCommand) => Promise<LaunchedExec>;
  /** Without a code: who knew it has died. */
  readonly onEnd: (exitCode?: number) => void;
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
  readonly paths: HostFilePaths;
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
  /** Of the user namespace that is joined or made; empty lists without one. */
  readonly idMapping: common.IdMapping;
}
