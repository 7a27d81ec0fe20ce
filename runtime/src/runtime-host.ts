import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Deadline } from '@cleat/core';
import { CgroupTree, loggedOomKills } from '@cleat/core/cgroup';
import { readIfExists } from '@cleat/core/files';
import { processAge, processStartTime, signalProcess } from '@cleat/core/syscalls';
import type { containerTypes, journal } from '@cleat/schemas';
import { CleatError } from '@cleat/schemas';
import type { CleanRequest, MonitorLink, Runtime } from './monitor/index.ts';
import {
  ControlQueue,
  cleanRuntime,
  createMonitored,
  createView,
  ExitWatcher,
  endByCommandLine,
  endCgroup,
  endView,
  execCommand,
  execError,
  execMonitored,
  runtimeOf,
  startCreated,
  updateResources,
} from './monitor/index.ts';
import type { CgroupDriver, HostFacts } from './oci/index.ts';
import {
  buildProcess,
  buildSpec,
  cgroupDirectoryOf,
  cgroupsPathOf,
  findDevices,
  findProgram,
  hostDevices,
  prepareBindSources,
  readHostFacts,
  resolveUser,
  resourcesOf,
  supportedResources,
  viewSpec,
} from './oci/index.ts';
import type {
  BundleInput,
  ExecStart,
  NamespacePaths,
  ProcessStart,
  RunEnd,
  RuntimePort,
  StartedExec,
  StartedProcess,
  WatchedRun,
} from './runtime-port.ts';
import { checkSpecText } from './spec-check.ts';

const UPDATE_MS = 10_000;

export interface RuntimeHostOptions {
  /** name -> program; the first is the default. */
  readonly runtimes: ReadonlyMap<string, string>;
  readonly defaultRuntime: string;
  readonly runDir: string;
  readonly cgroupDriver: CgroupDriver;
  /** Parent of the containers' cgroups: a path, or a slice. */
  readonly cgroupParent: string;
  readonly monitorPath?: string | undefined;
}

type Ended = (end: RunEnd | 'lost') => void;

/** The engine's way to processes: OCI runtime, monitor and cgroups of this host. */
export class RuntimeHost implements RuntimePort {
  readonly #options: RuntimeHostOptions;
  readonly #tree = new CgroupTree();
  readonly #host: HostFacts;
  readonly #runtimes: ReadonlyMap<string, Runtime>;
  readonly #links = new Map<string, MonitorLink>();
  readonly #ended = new Map<string, Ended>();
  readonly #controls = new Map<string, ControlQueue>();
  readonly #watcher = new ExitWatcher({ onEnd: (key, end) => this.#onEnd(key, end.type === 'exited' ? end.report : undefined) });
  readonly #monitorPath: string;

  constructor(options: RuntimeHostOptions) {
    this.#options = options;
    this.#host = readHostFacts(this.#tree);
    this.#monitorPath = options.monitorPath ?? findProgram('conmon') ?? 'conmon';
    const isSystemd = options.cgroupDriver === 'systemd';
    this.#runtimes = new Map(
      [...options.runtimes].map(([name, path]) => [name, runtimeOf({ name, path, root: join(options.runDir, 'oci', name), isSystemd })]),
    );
  }

  get facts(): HostFacts {
    return this.#host;
  }

  get names(): readonly string[] {
    return [...this.#runtimes.keys()];
  }

  /** Name and program of each runtime. */
  get programs(): readonly { readonly name: string; readonly path: string }[] {
    return [...this.#runtimes.values()].map(({ name, path }) => ({ name, path }));
  }

  cgroup(name: string, parent: string): string {
    return cgroupDirectoryOf(this.#place(name, parent));
  }

  checkSpec(spec: containerTypes.Spec): readonly string[] {
    checkSpecText(spec);
    this.#runtime(spec.runtime);
    if (spec.init && this.#host.initPath === undefined) {
      throw new CleatError('invalid_argument', 'INIT_MISSING', 'this host has no docker-init (or tini-static) to run as process 1', {
        hint: 'Install the package tini.',
      });
    }
    return supportedResources(spec.resources, this.#host).warnings;
  }

  async writeBundle(input: BundleInput): Promise<void> {
    const { spec, bundle, contribution, paths, root } = input;
    const { resources } = supportedResources(spec.resources, this.#host);
    prepareBindSources(spec.mounts);
    const user = resolveUser(root, spec.process.user, spec.process.groups);
    const devices = [...(spec.privileged ? hostDevices() : []), ...findDevices([...spec.devices, ...contribution.devices])];
    const cgroupsPath = cgroupsPathOf(this.#place(input.cgroupName, spec.cgroupParent));
    const built = buildSpec({
      spec: { ...spec, resources },
      root,
      user,
      host: this.#host,
      cgroupsPath,
      contribution: {
        mounts: [...contribution.mounts],
        environment: [...contribution.environment],
        annotations: contribution.annotations,
        hooks: [...contribution.hooks],
      },
      devices,
      files: { hosts: paths.hosts, resolvConf: paths.resolvConf, hostname: paths.hostname },
      namespacePaths: given(input.namespaces),
      ...(input.namespaces.idMapping.uids.length > 0 ? { idMapping: input.namespaces.idMapping } : {}),
    });
    const document = input.isView ? viewSpec(built, cgroupsPath) : built;
    await mkdir(bundle, { recursive: true, mode: 0o711 });
    await writeFile(join(bundle, 'config.json'), JSON.stringify(document), { mode: 0o600 });
  }

  async create(start: ProcessStart): Promise<StartedProcess> {
    const { spec, bundle, id } = start;
    const { terminal, openStdin, stdinOnce } = spec.process;
    const made = await createMonitored({
      ...{ id, bundle, terminal, openStdin },
      runtime: this.#runtime(start.runtime),
      monitorPath: this.#monitorPath,
      logPath: start.logPath,
      leaveStdinOpen: openStdin && (terminal || !stdinOnce),
      exitDir: start.exitDir,
      persistDir: bundle,
      deadline: start.deadline,
    });
    this.#links.set(keyOf(id, start.run), made.link);
    const startTime = processStartTime(made.pid) ?? 0;
    return { pid: made.pid, init: { pid: made.pid, startTime }, monitor: made.monitor };
  }

  async go(start: Parameters<RuntimePort['go']>[0]): Promise<void> {
    const { id, pid, deadline, bundle } = start;
    await startCreated({ id, pid, bundle, runtime: this.#runtime(start.runtime), hasPoststartHooks: start.hasPoststartHooks, deadline });
  }

  watch(run: WatchedRun, ended: Ended): void {
    const key = keyOf(run.id, run.run);
    this.#ended.set(key, (end) => ended(end === 'lost' ? end : { ...end, oomKilled: end.oomKilled || this.#sawOom(run, end.exitCode) }));
    const link = this.#links.get(key);
    this.#links.delete(key);
    const { id, exitDir, bundle, monitor } = run;
    this.#watcher.watch({ key, id, exitDir, persistDir: bundle, monitor, ...(link === undefined ? {} : { link }) });
  }

  signal(init: journal.ProcessIdentity, signal: number): boolean {
    return signalProcess(init.pid, init.startTime, signal);
  }

  async pause(cgroup: string, deadline: Deadline): Promise<void> {
    await this.#tree.freeze(cgroup, deadline.signal);
  }

  async unpause(cgroup: string, deadline: Deadline): Promise<void> {
    if (this.#tree.exists(cgroup) && this.#tree.isFrozen(cgroup)) await this.#tree.thaw(cgroup, deadline.signal);
  }

  async killAll(cgroup: string, deadline: Deadline): Promise<void> {
    if (this.#tree.exists(cgroup)) await this.#tree.killAll(cgroup, deadline.remainingMs);
  }

  async clean(run: Parameters<RuntimePort['clean']>[0], deadline: Deadline): Promise<void> {
    const { id, cgroup, bundle, spec } = run;
    this.#controls.delete(bundle);
    await cleanRuntime({
      ...this.#cleanRequest({ id, cgroup, bundle, runtime: run.runtime }, deadline),
      hasOwnPidNamespace: spec.namespaces.pid === 'private',
      hasPoststopHooks: run.hasPoststopHooks,
    });
  }

  async endCreation(run: Parameters<RuntimePort['endCreation']>[0], deadline: Deadline): Promise<void> {
    const { id, bundle, cgroup, runtime } = run;
    // Monitor and runtime are started on a bundle: without one there was neither.
    if (existsSync(bundle)) {
      await endByCommandLine(bundle);
      await endCgroup(this.#tree, cgroup);
      await cleanRuntime(this.#cleanRequest({ id, bundle, cgroup, runtime }, deadline));
    }
    for (const key of [...this.#links.keys()]) {
      if (!key.startsWith(`${id}/`)) continue;
      this.#links.get(key)?.destroy();
      this.#links.delete(key);
    }
  }

  async endExec({ directory, cgroup }: Parameters<RuntimePort['endExec']>[0]): Promise<boolean> {
    await endByCommandLine(directory);
    const pid = Number((await readIfExists(join(directory, 'pidfile')))?.toString() ?? 0);
    // The pid may be another's by now: only what is in the container's cgroup is ended.
    const startTime = this.#tree.processes(cgroup).includes(pid) ? processStartTime(pid) : undefined;
    if (startTime !== undefined) signalProcess(pid, startTime, 'SIGKILL');
    return pid > 0;
  }

  async createView(view: Parameters<RuntimePort['createView']>[0]): Promise<journal.ProcessIdentity> {
    const { id, bundle, deadline } = view;
    return createView({ id, bundle, runtime: this.#runtime(view.runtime), deadline });
  }

  async endView(view: Parameters<RuntimePort['endView']>[0], deadline: Deadline): Promise<void> {
    await endView(undefined, this.#cleanRequest(view, deadline));
  }

  async update(run: Parameters<RuntimePort['update']>[0], resources: containerTypes.Resources): Promise<readonly string[]> {
    const { id, bundle } = run;
    const supported = supportedResources(resources, this.#host);
    await updateResources({
      id,
      bundle,
      runtime: this.#runtime(run.runtime),
      resources: resourcesOf(supported.resources),
      deadline: Deadline.after(UPDATE_MS),
    });
    return supported.warnings;
  }

  async resize(bundle: string, rows: number, columns: number): Promise<void> {
    await this.#control(bundle).resize(rows, columns);
  }

  async rotateLog(bundle: string, from: string, to: string): Promise<void> {
    await this.#control(bundle).rotateLog(from, to, Deadline.after(UPDATE_MS));
  }

  async exec(start: ExecStart): Promise<StartedExec> {
    const { info, container, directory, containerSpec } = start;
    const wanted = { ...info.process, consoleRows: start.rows, consoleColumns: start.columns };
    const user = resolveUser(start.root, wanted.user === '' ? containerSpec.process.user : wanted.user, wanted.groups);
    const process = buildProcess({
      process: wanted,
      user,
      isPrivileged: info.privileged,
      host: this.#host,
      environment: start.environment,
      hostname: containerSpec.hostname,
    });
    const { onSocket, launch } = start;
    const runtime = this.#runtime(start.runtime);
    if (launch !== undefined) {
      const command = await execCommand({ container, directory, runtime, process });
      const { pid, complaint, parent } = await launch(command);
      if (pid === 0) throw await execError(runtime, directory, complaint);
      return { pid, monitor: parent };
    }
    const made = await execMonitored({
      ...{ container, directory, process, runtime },
      id: info.id,
      monitorPath: this.#monitorPath,
      openStdin: info.attachStdin,
      leaveStdinOpen: wanted.terminal,
      ...(start.attach && onSocket !== undefined ? { onAttachable: onSocket } : {}),
      deadline: start.deadline,
    });
    this.watchExec({ id: info.id, container, directory, monitor: made.monitor }, start.onEnd, made.link);
    return { pid: made.pid, monitor: made.monitor };
  }

  /** Tells the end of an exec, also of one that an earlier kernel started. */
  watchExec(
    exec: { readonly id: string; readonly container: string; readonly directory: string; readonly monitor: journal.ProcessIdentity },
    onEnd: (exitCode?: number) => void,
    link?: MonitorLink,
  ): void {
    const key = `exec/${exec.id}`;
    this.#ended.set(key, (end) => {
      this.#controls.delete(exec.directory);
      onEnd(end === 'lost' ? undefined : end.exitCode);
    });
    const exitDir = join(exec.directory, 'exits');
    this.#watcher.watch({
      key,
      id: exec.container,
      exitDir,
      persistDir: exec.directory,
      monitor: exec.monitor,
      ...(link === undefined ? {} : { link }),
    });
  }

  close(): void {
    this.#watcher.close();
  }

  /** The cgroup that all containers without a parent of their own are in; none may be there any more. A slice is systemd's to remove. */
  async removeParentCgroup(): Promise<void> {
    const { cgroupDriver, cgroupParent } = this.#options;
    if (cgroupDriver === 'cgroupfs') await this.#tree.remove(cgroupParent);
  }

  #onEnd(key: string, report: { readonly exitCode: number; readonly finishedAtNs: bigint; readonly oomKilled: boolean } | undefined): void {
    const ended = this.#ended.get(key);
    this.#ended.delete(key);
    ended?.(report === undefined ? 'lost' : { exitCode: report.exitCode, finishedAt: report.finishedAtNs, oomKilled: report.oomKilled });
  }

  /** The monitor may miss it, and so do we where systemd has removed the cgroup with the last process: then Linux's own log knows. */
  #sawOom({ cgroup, init }: WatchedRun, exitCode: number): boolean {
    const counted = this.#tree.oomKillCount(cgroup);
    if (counted !== undefined || exitCode === 0) return (counted ?? 0) > 0;
    return loggedOomKills(cgroup, processAge(init.startTime)) > 0;
  }

  #cleanRequest(
    run: { readonly id: string; readonly bundle: string; readonly cgroup: string; readonly runtime: string },
    deadline: Deadline,
  ): CleanRequest {
    const { id, bundle, cgroup } = run;
    return {
      id,
      bundle,
      cgroup,
      deadline,
      runtime: this.#runtime(run.runtime),
      tree: this.#tree,
      hasOwnPidNamespace: true,
      hasPoststopHooks: false,
    };
  }

  #control(bundle: string): ControlQueue {
    const known = this.#controls.get(bundle) ?? new ControlQueue(bundle);
    this.#controls.set(bundle, known);
    return known;
  }

  #runtime(name: string): Runtime {
    const runtime = this.#runtimes.get(name === '' ? this.#options.defaultRuntime : name);
    if (runtime !== undefined) return runtime;
    throw new CleatError('invalid_argument', 'RUNTIME_UNKNOWN', `unknown or invalid runtime name: ${name}`, {
      hint: `This node has ${this.names.join(', ')}.`,
    });
  }

  #place(name: string, parent: string): { driver: CgroupDriver; parent: string; prefix: string; name: string } {
    const { cgroupDriver, cgroupParent } = this.#options;
    return { driver: cgroupDriver, parent: parent === '' ? cgroupParent : parent, prefix: 'cleat', name };
  }
}

function keyOf(id: string, run: number): string {
  return `${id}/${run}`;
}

/** Only the namespaces that are joined by path. */
function given(paths: NamespacePaths): Partial<Record<'network' | 'user' | 'pid' | 'ipc', string>> {
  const { network, user, pid, ipc } = paths;
  return Object.fromEntries(Object.entries({ network, user, pid, ipc }).filter(([, path]) => path !== '' && path !== 'host'));
}
