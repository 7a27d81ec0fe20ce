import { closeSync, constants, openSync, readSync } from 'node:fs';
import { errnoOf } from '../syscalls/index.ts';

const KERNEL_LOG = '/dev/kmsg';
/** No record is longer: PRINTK_MESSAGE_MAX of Linux. */
const RECORD_BYTES = 8192;
const NS_PER_US = 1000n;

/**
 * How often Linux says in its log that it ended a process of this cgroup for want of memory, within the last `ageSeconds`. For a cgroup that
 * is gone together with its counter: systemd removes that of a scope as soon as it is empty. 0 where the log cannot be read.
 * The record is `<priority>,<sequence>,<microseconds>,...;oom-kill:constraint=...,task_memcg=<path>,task=...`
 * (Documentation/ABI/testing/dev-kmsg, mm/oom_kill.c); Linux writes at most ten of them in five seconds.
 */
export function loggedOomKills(path: string, ageSeconds: number): number {
  const since = process.hrtime.bigint() - BigInt(Math.ceil(ageSeconds * 1e9));
  let count = 0;
  for (const record of kernelLog()) {
    if (isOomKill(record, path, since)) count += 1;
  }
  return count;
}

/** True for the record of a kill in the cgroup `path`, at or after `since` in nanoseconds of CLOCK_MONOTONIC. */
export function isOomKill(record: string, path: string, since: bigint): boolean {
  const [, time, text] = /^\d+,\d+,(\d+),[^;]*;(oom-kill:.*)/.exec(record) ?? [];
  if (time === undefined || text === undefined) return false;
  return BigInt(time) * NS_PER_US >= since && text.includes(`,task_memcg=${path},task=`);
}

function* kernelLog(): Generator<string> {
  const fd = open();
  if (fd === undefined) return;
  try {
    const buffer = Buffer.allocUnsafe(RECORD_BYTES);
    while (true) {
      const record = readRecord(fd, buffer);
      if (record === 'end') return;
      if (record !== 'overwritten') yield record;
    }
  } finally {
    closeSync(fd);
  }
}

function open(): number | undefined {
  try {
    return openSync(KERNEL_LOG, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    // A container has no such device, and an ordinary user no right to it.
    return undefined;
  }
}

function readRecord(fd: number, buffer: Buffer): string {
  try {
    return buffer.toString('utf8', 0, readSync(fd, buffer));
  } catch (error) {
    return errnoOf(error) === 'EPIPE' ? 'overwritten' : 'end';
  }
}
