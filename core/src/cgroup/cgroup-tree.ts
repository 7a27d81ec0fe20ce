import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CleatError } from '@cleat/schemas';
import { signalByPid } from '../syscalls/index.ts';
import {
  keyedNumber,
  makeV1,
  makeV2,
  processesIn,
  readControl,
  removeSubtree,
  subtree,
  unlessFailing,
  writeControl,
} from './cgroup-directory.ts';
import { type CgroupHierarchy, type CgroupHost, type CgroupLayout, detectCgroups } from './layout.ts';

/** A cgroup just emptied may be busy for a moment: its processes are still being reaped. */
const REMOVE_LIMIT_MS = 500;
const FREEZE_LIMIT_MS = 2000;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 20;

/** The cgroups of a host, named by one path in every hierarchy: `/cleat-<instance>/<id>`. The root itself is never touched. */
export class CgroupTree {
  readonly layout: CgroupLayout;
  readonly #hierarchies: readonly CgroupHierarchy[];
  readonly #unified: CgroupHierarchy | undefined;

  constructor(host: CgroupHost = detectCgroups()) {
    this.layout = host.layout;
    this.#hierarchies = host.hierarchies;
    this.#unified = host.hierarchies.find((hierarchy) => hierarchy.isV2);
  }

  /** The cgroup's directory by controller: `memory`, `cpu`, ..., `systemd` on v1, `unified` for the v2 tree. Whether or not they exist. */
  paths(path: string): ReadonlyMap<string, string> {
    return new Map(this.#all(path).flatMap(({ hierarchy, directory }) => hierarchy.names.map((name) => [name, directory])));
  }

  exists(path: string): boolean {
    return this.#all(path).some(({ directory }) => existsSync(directory));
  }

  /**
   * Makes the cgroup in every hierarchy, with those above it; what is there already is fine. On v2 those above it hand every controller
   * down, after which they can hold no processes themselves.
   */
  create(path: string): void {
    for (const { hierarchy, directory } of this.#all(path)) {
      if (hierarchy.isV2) makeV2(directory, hierarchy.mountPoint);
      else makeV1(directory, hierarchy.mountPoint, hierarchy.names.includes('cpuset'));
    }
  }

  /** Moves a process into the cgroup in every hierarchy. No such process is ESRCH. */
  addProcess(path: string, pid: number): void {
    for (const { directory } of this.#all(path)) writeControl(directory, 'cgroup.procs', String(pid));
  }

  /** Every process in the cgroup and below it, in whichever hierarchy. */
  processes(path: string): number[] {
    const pids = this.#all(path).flatMap(({ directory }) => subtree(directory).flatMap(processesIn));
    return [...new Set(pids)];
  }

  /**
   * Ends every process in the cgroup and below it, also in a frozen one, and returns when none is left.
   * Processes that do not go in time (they hang in the kernel) are an error that names them.
   */
  async killAll(path: string, deadlineMs: number, signal?: AbortSignal): Promise<void> {
    const all = this.#all(path);
    const isEmpty = await pollUntil(deadlineMs, signal, () => {
      if (this.layout === 'unified' && this.#killByKernel(path)) return this.processes(path).length === 0;
      return this.#killOneByOne(path);
    });
    if (isEmpty) return;
    const pids = this.processes(path);
    throw new CleatError('deadline_exceeded', 'CGROUP_KILL_TIMEOUT', `processes in ${path} do not end: ${pids.join(', ')}`, {
      retryable: true,
      details: { pids: pids.join(' '), directory: all[0]?.directory ?? path },
    });
  }

  /** cgroup.kill (Linux 5.14) also reaches what forks meanwhile. */
  #killByKernel(path: string): boolean {
    const directory = this.#unified === undefined ? undefined : directoryIn(this.#unified, path);
    if (directory === undefined || !existsSync(`${directory}/cgroup.kill`)) return false;
    const isKilled = unlessFailing(directory, ['ENOENT', 'ENODEV', 'EOPNOTSUPP', 'ENOTSUP'], () => {
      writeControl(directory, 'cgroup.kill', '1');
      return true;
    });
    return isKilled === true;
  }

  /** One round: freezing holds those still that would fork away; a frozen process takes its signal only when thawed. */
  #killOneByOne(path: string): boolean {
    if (this.processes(path).length === 0) return true;
    this.#requestFreeze(path, true);
    for (const pid of this.processes(path)) signalByPid(pid, 'SIGKILL');
    this.#thawBelow(path);
    return this.processes(path).length === 0;
  }

  #thawBelow(path: string): void {
    const freezer = this.#freezer(path);
    if (freezer === undefined) return;
    for (const directory of subtree(freezer.directory)) setFrozen(freezer.isV2, directory, false);
  }

  /** Removes the cgroup and all below it from every hierarchy; what is gone already is fine. One with processes is a conflict. */
  async remove(path: string, signal?: AbortSignal): Promise<void> {
    const all = this.#all(path);
    const isGone = await pollUntil(REMOVE_LIMIT_MS, signal, () => {
      // Every hierarchy is tried in every round, so that one that is busy does not keep the others.
      const results = all.map(({ directory }) => removeSubtree(directory));
      return !results.includes(false);
    });
    if (isGone) return;
    const pids = this.processes(path);
    throw new CleatError('conflict', 'CGROUP_BUSY', `the cgroup ${path} can't be removed: it is in use`, {
      retryable: true,
      details: { pids: pids.join(' ') },
    });
  }

  /** Stops every process in the cgroup where it is; returns when all stand still. If they do not in time, they run on. */
  async freeze(path: string, signal?: AbortSignal): Promise<void> {
    if (!this.#requestFreeze(path, true)) throw noFreezer(path);
    let isDone = false;
    try {
      isDone = await pollUntil(FREEZE_LIMIT_MS, signal, () => {
        // v1 may stay at FREEZING over a process that forked just then, until it is told again.
        if (!this.#isFullyFrozen(path)) this.#requestFreeze(path, true);
        return this.#isFullyFrozen(path);
      });
    } finally {
      if (!isDone) this.#requestFreeze(path, false);
    }
    if (!isDone) throw new CleatError('deadline_exceeded', 'CGROUP_FREEZE_TIMEOUT', `the processes in ${path} do not stand still`);
  }

  async thaw(path: string, signal?: AbortSignal): Promise<void> {
    if (!this.#requestFreeze(path, false)) throw noFreezer(path);
    const isDone = await pollUntil(FREEZE_LIMIT_MS, signal, () => !this.isFrozen(path));
    if (!isDone) throw new CleatError('deadline_exceeded', 'CGROUP_FREEZE_TIMEOUT', `the cgroup ${path} does not thaw`);
  }

  /** True when the cgroup itself is frozen or about to be; false when it is not there. */
  isFrozen(path: string): boolean {
    const freezer = this.#freezer(path);
    if (freezer === undefined) return false;
    if (freezer.isV2) return readControl(freezer.directory, 'cgroup.freeze')?.trim() === '1';
    const state = readControl(freezer.directory, 'freezer.state')?.trim();
    return state !== undefined && state !== 'THAWED';
  }

  #isFullyFrozen(path: string): boolean {
    const freezer = this.#freezer(path);
    if (freezer === undefined) return false;
    if (freezer.isV2) return keyedNumber(readControl(freezer.directory, 'cgroup.events'), 'frozen') === 1;
    return readControl(freezer.directory, 'freezer.state')?.trim() === 'FROZEN';
  }

  /** False when the cgroup has no freezer, or is not there. */
  #requestFreeze(path: string, isFrozen: boolean): boolean {
    const freezer = this.#freezer(path);
    return freezer !== undefined && setFrozen(freezer.isV2, freezer.directory, isFrozen);
  }

  #freezer(path: string): { readonly directory: string; readonly isV2: boolean } | undefined {
    const hierarchy = this.#hierarchies.find(({ names }) => names.includes('freezer')) ?? this.#unified;
    return hierarchy === undefined ? undefined : { directory: directoryIn(hierarchy, path), isV2: hierarchy.isV2 };
  }

  /** How often the kernel has ended a process here for want of memory; undefined when the cgroup or its memory controller is not there. */
  oomKillCount(path: string): number | undefined {
    const memory = this.#hierarchies.find(({ names }) => names.includes('memory'));
    if (memory !== undefined) return keyedNumber(readControl(directoryIn(memory, path), 'memory.oom_control'), 'oom_kill');
    if (this.#unified === undefined) return undefined;
    return keyedNumber(readControl(directoryIn(this.#unified, path), 'memory.events'), 'oom_kill');
  }

  #all(path: string): { readonly hierarchy: CgroupHierarchy; readonly directory: string }[] {
    return this.#hierarchies.map((hierarchy) => ({ hierarchy, directory: directoryIn(hierarchy, path) }));
  }
}

function directoryIn(hierarchy: CgroupHierarchy, path: string): string {
  const names = path.split('/').slice(1);
  const isValid = path.startsWith('/') && names.every((name) => name !== '' && name !== '.' && name !== '..');
  if (!isValid) throw new CleatError('invalid_argument', 'CGROUP_PATH_INVALID', `${path} is not the path of a cgroup below the root`);
  return `${hierarchy.mountPoint}${path}`;
}

function setFrozen(isV2: boolean, directory: string, isFrozen: boolean): boolean {
  const [file, value] = isV2
    ? (['cgroup.freeze', isFrozen ? '1' : '0'] as const)
    : (['freezer.state', isFrozen ? 'FROZEN' : 'THAWED'] as const);
  const isDone = unlessFailing(directory, ['ENOENT', 'ENODEV'], () => {
    writeControl(directory, file, value);
    return true;
  });
  return isDone === true;
}

function noFreezer(path: string): CleatError {
  return new CleatError('not_found', 'CGROUP_NOT_FOUND', `the cgroup ${path} does not exist or has no freezer`);
}

/** Asks at once and then with growing pauses. False when the answer is still no at the end. */
async function pollUntil(limitMs: number, signal: AbortSignal | undefined, isDone: () => boolean): Promise<boolean> {
  const end = performance.now() + limitMs;
  for (let pauseMs = FIRST_PAUSE_MS; !isDone(); pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const leftMs = end - performance.now();
    if (leftMs <= 0) return false;
    await delay(Math.min(pauseMs, leftMs), undefined, signal === undefined ? {} : { signal });
  }
  return true;
}
