import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { now, sleep } from './statistics.mjs';

const V1_CPU = '/sys/fs/cgroup/cpuacct';
const V2 = '/sys/fs/cgroup';

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process has ended meanwhile.
    return '';
  }
}

/** A cgroup that only counts: what is started in it, with all that comes of it, but not the containers, which have cgroups of their own. */
export class CpuAccount {
  path;
  #isV1 = existsSync(`${V1_CPU}/cpuacct.usage`);

  constructor(name) {
    this.path = `${this.#isV1 ? V1_CPU : V2}/${name}`;
    mkdirSync(this.path, { recursive: true });
  }

  get usedMs() {
    if (this.#isV1) return Number(read(`${this.path}/cpuacct.usage`)) / 1e6;
    return Number(/usage_usec (\d+)/.exec(read(`${this.path}/cpu.stat`))?.[1] ?? Number.NaN) / 1e3;
  }

  get pids() {
    return read(`${this.path}/cgroup.procs`).split('\n').filter(Boolean).map(Number);
  }

  /** Waits until what was begun has ended, so that work after the answer counts as well. */
  async settle(limitMs = 1500) {
    const end = now() + limitMs;
    let before = this.usedMs;
    for (let quiet = 0; quiet < 2 && now() < end; ) {
      await sleep(40);
      const used = this.usedMs;
      quiet = used - before < 1.5 ? quiet + 1 : 0;
      before = used;
    }
  }

  remove() {
    for (let tries = 0; tries < 20; tries++) {
      try {
        rmdirSync(this.path);
        return;
      } catch (error) {
        if (error.code === 'ENOENT') return;
        // Processes that have just been killed count until they are reaped.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      }
    }
  }
}

/** Memory of processes: each page counted once, shared by those that map it. In MiB, with the parts by name. */
export function memoryOf(pids) {
  const byName = {};
  let totalKiB = 0;
  for (const pid of pids) {
    const kib = Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
    const name = read(`/proc/${pid}/comm`).trim();
    byName[name] ??= { processes: 0, mib: 0 };
    byName[name].processes += 1;
    byName[name].mib += kib / 1024;
    totalKiB += kib;
  }
  return { mib: totalKiB / 1024, byName };
}

/** pid -> parent, of all processes. */
function parents() {
  const found = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    if (stat !== '') found.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  return found;
}

export function childrenOf(pid) {
  return [...parents()].filter(([, parent]) => parent === pid).map(([child]) => child);
}

/** Every process with all of these words in its command line, which begins with `program`: a shell that holds another command has its words too. */
export function findByCommand(words, program = '') {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      const command = read(`/proc/${name}/cmdline`);
      return command.startsWith(program) && words.every((word) => command.includes(word));
    })
    .map(Number);
}
