import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { JsonObject } from '../wire/json.ts';
import { type CgroupFiles, number, table } from './cgroup-files.ts';

/** USER_HZ of every Linux that Node runs on. */
const NS_PER_TICK = 10_000_000;
const NS_PER_US = 1000;

/** What Docker shows for a limit that is not set on version 1: the largest multiple of a page in 63 bits, as a double. */
const NO_LIMIT = 9_223_372_036_854_771_712;

export interface Sample {
  readonly cpu: JsonObject;
  readonly memory: JsonObject;
  readonly pids: JsonObject;
  readonly block: JsonObject;
  readonly networks: JsonObject | undefined;
}

/** Time that all processors have spent since boot. */
async function systemCpuNs(): Promise<number> {
  const line = (await readFile('/proc/stat', 'utf8')).split('\n', 1)[0] ?? '';
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  return ticks.reduce((total, value) => total + value, 0) * NS_PER_TICK;
}

async function cpuOf(files: CgroupFiles): Promise<JsonObject> {
  const usage = files.version === 2 ? await cpuUsageV2(files) : await cpuUsageV1(files);
  return { ...usage, system_cpu_usage: await systemCpuNs(), online_cpus: availableParallelism() };
}

async function cpuUsageV2(files: CgroupFiles): Promise<JsonObject> {
  const stat = table(await files.read('', 'cpu.stat'));
  const ns = (name: string): number => (stat.get(name) ?? 0) * NS_PER_US;
  return {
    cpu_usage: { total_usage: ns('usage_usec'), usage_in_kernelmode: ns('system_usec'), usage_in_usermode: ns('user_usec') },
    throttling_data: {
      periods: stat.get('nr_periods') ?? 0,
      throttled_periods: stat.get('nr_throttled') ?? 0,
      throttled_time: ns('throttled_usec'),
    },
  };
}

async function cpuUsageV1(files: CgroupFiles): Promise<JsonObject> {
  const [total, perCpu, split, cpu] = await Promise.all([
    files.read('cpuacct', 'cpuacct.usage'),
    files.read('cpuacct', 'cpuacct.usage_percpu'),
    files.read('cpuacct', 'cpuacct.stat'),
    files.read('cpu', 'cpu.stat'),
  ]);
  const ticks = table(split);
  const throttling = table(cpu);
  return {
    cpu_usage: {
      total_usage: number(total),
      percpu_usage: (perCpu ?? '')
        .trim()
        .split(/\s+/)
        .filter((value) => value !== '')
        .map(Number),
      usage_in_kernelmode: (ticks.get('system') ?? 0) * NS_PER_TICK,
      usage_in_usermode: (ticks.get('user') ?? 0) * NS_PER_TICK,
    },
    throttling_data: {
      periods: throttling.get('nr_periods') ?? 0,
      throttled_periods: throttling.get('nr_throttled') ?? 0,
      throttled_time: throttling.get('throttled_time') ?? 0,
    },
  };
}

async function memoryOf(files: CgroupFiles, hostBytes: number): Promise<JsonObject> {
  const isV2 = files.version === 2;
  const [usage, limit, stat, failures, highest] = await Promise.all([
    files.read('memory', isV2 ? 'memory.current' : 'memory.usage_in_bytes'),
    files.read('memory', isV2 ? 'memory.max' : 'memory.limit_in_bytes'),
    files.read('memory', 'memory.stat'),
    isV2 ? undefined : files.read('memory', 'memory.failcnt'),
    isV2 ? undefined : files.read('memory', 'memory.max_usage_in_bytes'),
  ]);
  if (usage === undefined) return {};
  const bound = number(limit);
  return {
    usage: number(usage),
    stats: Object.fromEntries(table(stat)),
    // A limit above what the host has is none.
    limit: bound === 0 || bound >= NO_LIMIT || bound > hostBytes ? hostBytes : bound,
    ...(isV2 ? {} : { max_usage: number(highest), failcnt: number(failures) }),
  };
}

async function pidsOf(files: CgroupFiles): Promise<JsonObject> {
  const [current, limit] = await Promise.all([files.read('pids', 'pids.current'), files.read('pids', 'pids.max')]);
  if (current === undefined) return {};
  const bound = number(limit);
  return { current: number(current), ...(bound > 0 ? { limit: bound } : {}) };
}

interface BlockEntry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

/** "8:0 Read 4096" of version 1. */
function blockLines(text: string | undefined): readonly BlockEntry[] {
  return (text ?? '')
    .split('\n')
    .map((line) => /^(\d+):(\d+) (\w+) (\d+)$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ major: Number(match[1]), minor: Number(match[2]), op: match[3] ?? '', value: Number(match[4]) }));
}

/** "8:0 rbytes=4096 wbytes=0 ..." of version 2. */
function ioLines(text: string | undefined, names: Readonly<Record<string, string>>): readonly BlockEntry[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const match = /^(\d+):(\d+) (.*)$/.exec(line);
    const values = (match?.[3] ?? '').split(' ').map((part) => part.split('='));
    return values.flatMap(([name = '', value]) => {
      const op = names[name];
      return op === undefined ? [] : [{ major: Number(match?.[1]), minor: Number(match?.[2]), op, value: Number(value) }];
    });
  });
}

async function blockOf(files: CgroupFiles): Promise<JsonObject> {
  // Statistics of the old CFQ scheduler: empty on version 1, unknown on version 2.
  const none = files.version === 2 ? null : [];
  const others = {
    io_queue_recursive: none,
    io_service_time_recursive: none,
    io_wait_time_recursive: none,
    io_merged_recursive: none,
    io_time_recursive: none,
    sectors_recursive: none,
  };
  if (files.version === 2) {
    const io = await files.read('', 'io.stat');
    return { io_service_bytes_recursive: ioLines(io, { rbytes: 'read', wbytes: 'write' }), io_serviced_recursive: null, ...others };
  }
  const [bytes, operations] = await Promise.all([
    files.read('blkio', 'blkio.throttle.io_service_bytes_recursive'),
    files.read('blkio', 'blkio.throttle.io_serviced_recursive'),
  ]);
  return { io_service_bytes_recursive: blockLines(bytes), io_serviced_recursive: blockLines(operations), ...others };
}

const NET_LINE = /^\s*([^:\s]+):\s*(.*)$/;

/** Counters of the links in a process's network namespace, without loopback. */
async function networksOf(pid: number): Promise<JsonObject | undefined> {
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/net/dev`, 'utf8');
  } catch {
    // Its process has just ended.
    return undefined;
  }
  const links = text.split('\n').flatMap((line) => {
    const match = NET_LINE.exec(line);
    const name = match?.[1];
    if (name === undefined || name === 'lo') return [];
    const value = (match?.[2] ?? '').trim().split(/\s+/).map(Number);
    const at = (index: number): number => value[index] ?? 0;
    const received = { rx_bytes: at(0), rx_packets: at(1), rx_errors: at(2), rx_dropped: at(3) };
    return [[name, { ...received, tx_bytes: at(8), tx_packets: at(9), tx_errors: at(10), tx_dropped: at(11) }] as const];
  });
  return links.length === 0 ? undefined : Object.fromEntries(links);
}

/** One reading of everything; undefined when the container does not run any more. */
export async function takeSample(
  files: CgroupFiles,
  target: { readonly pid: number; readonly hostBytes: number; readonly hasNetwork: boolean },
): Promise<Sample | undefined> {
  const [cpu, memory, pids, block, networks] = await Promise.all([
    cpuOf(files),
    memoryOf(files, target.hostBytes),
    pidsOf(files),
    blockOf(files),
    target.hasNetwork ? networksOf(target.pid) : undefined,
  ]);
  if (Object.keys(memory).length === 0 && Object.keys(pids).length === 0) return undefined;
  return { cpu, memory, pids, block, networks };
}
