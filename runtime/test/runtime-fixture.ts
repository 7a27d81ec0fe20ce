import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CgroupTree } from '@cleat/core/cgroup';
import { Deadline } from '@cleat/core/deadlines';
import { processStartTime, signalProcess } from '@cleat/core/syscalls';
import { findProgram, makeBusyboxRootfs, tempDir, waitFor } from '@cleat/harness';
import type { common, containerTypes } from '@cleat/schemas';
import type { Test } from 'tap';
import {
  type CreatedContainer,
  cleanRuntime,
  createMonitored,
  type ExitReport,
  endByCommandLine,
  endCgroup,
  execCommand,
  type Runtime,
  readExit,
  runtimeOf,
  startCreated,
} from '../src/monitor/index.ts';
import {
  buildProcess,
  buildSpec,
  type CgroupPlace,
  cgroupDirectoryOf,
  cgroupsPathOf,
  findDevices,
  hostDevices,
  type OciSpec,
  readHostFacts,
  resolveUser,
  type SpecParts,
} from '../src/oci/index.ts';

import type { ExecCommand } from '../src/runtime-port.ts';

const DEFAULT_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

const NO_MAPPING: common.IdMapping = { uids: [], gids: [] };

/** A process as the callers of the kernel complete it. */
export function processOf(args: readonly string[], change: Partial<containerTypes.Process> = {}): containerTypes.Process {
  return {
    args,
    env: [],
    cwd: '/',
    user: '',
    groups: [],
    terminal: false,
    openStdin: false,
    stdinOnce: false,
    capabilities: DEFAULT_CAPABILITIES,
    noNewPrivileges: false,
    rlimits: [],
    oomScoreAdj: null,
    apparmorProfile: '',
    seccomp: 'default',
    consoleRows: 0,
    consoleColumns: 0,
    ...change,
  };
}

export const NO_RESOURCES: containerTypes.Resources = {
  memoryBytes: 0,
  memorySwapBytes: 0,
  memoryReservationBytes: 0,
  memorySwappiness: -1,
  oomKillDisable: false,
  cpuShares: 0,
  cpuPeriodUs: 0,
  cpuQuotaUs: 0,
  cpusetCpus: '',
  cpusetMems: '',
  pidsLimit: 0,
  blkioWeight: 0,
};

export const PRIVATE: containerTypes.Namespaces = {
  network: 'private',
  pid: 'private',
  ipc: 'private',
  uts: 'private',
  cgroup: 'private',
  user: 'host',
  idMapping: NO_MAPPING,
};

/** A container's spec with Docker's defaults. */
export function specOf(args: readonly string[], change: Partial<containerTypes.Spec> = {}): containerTypes.Spec {
  return {
    process: processOf(args),
    namespaces: PRIVATE,
    hostname: 'box',
    domainname: '',
    rootfs: '',
    readonlyRootfs: false,
    mounts: [],
    devices: [],
    deviceRules: [],
    resources: NO_RESOURCES,
    sysctls: {},
    maskedPaths: ['/proc/kcore', '/proc/keys', '/sys/firmware'],
    readonlyPaths: ['/proc/bus', '/proc/sys', '/proc/sysrq-trigger'],
    shmSizeBytes: 67108864,
    stopSignal: 'SIGTERM',
    stopTimeoutS: 10,
    restart: { name: 'no', maximumRetries: 0 },
    init: false,
    privileged: false,
    cgroupParent: '',
    runtime: '',
    autoRemove: false,
    labels: {},
    annotations: {},
    hosts: [],
    dns: { servers: [], search: [], options: [] },
    ...change,
  };
}

export interface Bundle {
  readonly id: string;
  readonly directory: string;
  readonly exitDir: string;
  readonly logPath: string;
  readonly cgroup: string;
  readonly spec: containerTypes.Spec;
  readonly oci: OciSpec;
}

export interface RunningContainer extends Bundle, CreatedContainer {}

export interface FixtureOptions {
  readonly runtime?: string;
  readonly monitorPath?: string;
  /** systemd makes the cgroups, as scopes of its own slice. */
  readonly isSystemd?: boolean;
}

let made = 0;

/** Containers of one test, by the real programs; whatever is left of them at its end is removed. */
export class RuntimeFixture {
  readonly directory: string;
  readonly root: string;
  readonly tree: CgroupTree = new CgroupTree();
  readonly host: ReturnType<typeof readHostFacts>;
  readonly runtime: Runtime;
  readonly cgroupParent: string;
  readonly monitorPath: string;
  readonly #bundles: Bundle[] = [];
  readonly #isSystemd: boolean;

  constructor(t: Test, options: FixtureOptions = {}) {
    const { runtime = 'runc', monitorPath = findProgram('conmon') ?? 'conmon', isSystemd = false } = options;
    this.#isSystemd = isSystemd;
    this.monitorPath = monitorPath;
    this.directory = tempDir(t, 'cleat-kernel-');
    this.root = copyOfRootfs(join(this.directory, 'root'));
    this.host = readHostFacts(this.tree);
    this.runtime = runtimeOf({ name: runtime, path: findProgram(runtime) ?? runtime, root: join(this.directory, 'runtime'), isSystemd });
    this.cgroupParent = `/cleat-test-${process.pid}-${(made += 1)}`;
    t.teardown(() => this.#removeAll());
  }

  bundle(spec: containerTypes.Spec, change: Partial<SpecParts> = {}): Bundle {
    const id = `c${(made += 1)}`;
    const directory = join(this.directory, id);
    const exitDir = join(directory, 'exits');
    mkdirSync(exitDir, { recursive: true });
    const place: CgroupPlace = this.#isSystemd
      ? { driver: 'systemd', parent: 'system.slice', prefix: 'cleattest', name: `${process.pid}-${id}` }
      : { driver: 'cgroupfs', parent: this.cgroupParent, prefix: '', name: id };
    const cgroup = cgroupDirectoryOf(place);
    const oci = this.oci(spec, { cgroupsPath: cgroupsPathOf(place), ...change });
    writeFileSync(join(directory, 'config.json'), JSON.stringify(oci));
    const bundle = { id, directory, exitDir, logPath: join(directory, 'ctr.log'), cgroup, spec, oci };
    this.#bundles.push(bundle);
    return bundle;
  }

  oci(spec: containerTypes.Spec, change: Partial<SpecParts> = {}): OciSpec {
    const user = resolveUser(this.root, spec.process.user, spec.process.groups);
    const devices = [...findDevices(spec.devices), ...(spec.privileged ? hostDevices() : [])];
    return buildSpec({ spec, root: this.root, user, host: this.host, cgroupsPath: '/x', devices, ...change });
  }

  async create(bundle: Bundle): Promise<RunningContainer> {
    const { process } = bundle.spec;
    const created = await createMonitored({
      id: bundle.id,
      bundle: bundle.directory,
      runtime: this.runtime,
      monitorPath: this.monitorPath,
      logPath: bundle.logPath,
      terminal: process.terminal,
      openStdin: process.openStdin,
      leaveStdinOpen: process.terminal || !process.stdinOnce,
      exitDir: bundle.exitDir,
      persistDir: bundle.directory,
      deadline: Deadline.after(20_000),
    });
    return { ...bundle, ...created };
  }

  async start(container: RunningContainer): Promise<void> {
    await startCreated({
      id: container.id,
      pid: container.pid,
      bundle: container.directory,
      runtime: this.runtime,
      hasPoststartHooks: false,
      deadline: Deadline.after(5000),
    });
  }

  async run(spec: containerTypes.Spec, change: Partial<SpecParts> = {}): Promise<RunningContainer> {
    const container = await this.create(this.bundle(spec, change));
    await this.start(container);
    return container;
  }

  /** What runs one more process in a container, as a child of whoever runs it. */
  async execCommand(container: RunningContainer, args: readonly string[]): Promise<ExecCommand> {
    const directory = join(this.directory, `e${(made += 1)}`);
    mkdirSync(directory);
    const process = buildProcess({
      process: processOf(args),
      user: { uid: 0, gid: 0, additionalGids: [], home: '/root' },
      isPrivileged: false,
      host: this.host,
      environment: [],
      hostname: 'box',
    });
    return execCommand({ container: container.id, directory, runtime: this.runtime, process });
  }

  exitOf(container: RunningContainer): Promise<ExitReport> {
    const place = { id: container.id, exitDir: container.exitDir, persistDir: container.directory };
    return waitFor(`the end of ${container.id}`, () => readExit(place), { intervalMs: 2 });
  }

  kill(container: RunningContainer): void {
    const startTime = processStartTime(container.pid);
    if (startTime !== undefined) signalProcess(container.pid, startTime, 'SIGKILL');
  }

  async clean(bundle: Bundle): Promise<void> {
    await cleanRuntime({
      id: bundle.id,
      runtime: this.runtime,
      tree: this.tree,
      cgroup: bundle.cgroup,
      hasOwnPidNamespace: bundle.spec.namespaces.pid === 'private',
      hasPoststopHooks: false,
      bundle: bundle.directory,
      deadline: Deadline.after(10_000),
    });
  }

  async #removeAll(): Promise<void> {
    for (const bundle of this.#bundles) {
      await endByCommandLine(bundle.directory);
      await endCgroup(this.tree, bundle.cgroup);
      await this.clean(bundle);
    }
    if (this.tree.exists(this.cgroupParent)) await this.tree.remove(this.cgroupParent);
  }
}

let master: string | undefined;

/** Making one starts a process for each of busybox's applets, copying it only one. */
function copyOfRootfs(directory: string): string {
  if (master === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'cleat-rootfs-'));
    process.once('exit', () => {
      rmSync(made, { recursive: true, force: true });
    });
    master = makeBusyboxRootfs(made);
  }
  execFileSync('cp', ['-a', master, directory]);
  return directory;
}

/** The lines of a log of the monitor; P marks a piece of a line whose rest follows. */
export function logLines(text: string): string[] {
  const pieces = text.split('\n').filter((line) => line !== '');
  const joined = pieces.map((line) => {
    const [, , mark, ...words] = line.split(' ');
    return `${words.join(' ')}${mark === 'P' ? '' : '\n'}`;
  });
  return joined.join('').split('\n').slice(0, -1);
}
