import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from './test-context.ts';

const CGROUP2_MAGIC = 0x63677270;

/** What a test may need of the machine; a capability that is a program's name means that the program is in PATH. */
export type Capability = 'root' | 'overlayfs' | 'cgroup-v1' | 'cgroup-v2' | 'systemd' | 'user-namespaces' | 'kvm' | 'apparmor' | Program;

type Program =
  | 'runc'
  | 'crun'
  | 'conmon'
  | 'nats-server'
  | 'nft'
  | 'ip'
  | 'busybox'
  | 'docker'
  | 'dockerd'
  | 'docker-compose'
  | 'python3'
  | 'qemu-system-x86_64';

const PROBES: Readonly<Partial<Record<Capability, () => boolean>>> = {
  root: () => process.getuid?.() === 0,
  overlayfs: () => /\boverlay$/m.test(readFileSync('/proc/filesystems', 'utf8')) || existsSync('/sys/module/overlay'),
  'cgroup-v1': () => existsSync('/sys/fs/cgroup/memory/tasks') && !isCgroup2(),
  'cgroup-v2': isCgroup2,
  systemd: () => existsSync('/run/systemd/system'),
  'user-namespaces': () => existsSync('/proc/self/ns/user') && readNumber('/proc/sys/user/max_user_namespaces') > 0,
  kvm: () => isAccessible('/dev/kvm', constants.R_OK | constants.W_OK),
  apparmor: () => readText('/sys/module/apparmor/parameters/enabled').startsWith('Y'),
};

/** True when this machine has it. */
export function hasCapability(name: Capability): boolean {
  const probe = PROBES[name];
  return probe === undefined ? findProgram(name) !== undefined : probe();
}

/**
 * The first line of a test that cannot run everywhere: `if (!needs(t, 'root', 'overlayfs')) return;`.
 * Where one is missing the test is skipped, and counted: the reason begins with "needs", and the test run fails on a
 * skip whose capability test/expected-skips.txt does not list.
 */
export function needs(t: Pick<TestContext, 'plan'>, ...names: readonly Capability[]): boolean {
  const missing = names.filter((name) => !hasCapability(name));
  if (missing.length === 0) return true;
  t.plan(0, `needs ${missing.join(', ')}`);
  return false;
}

/** Where a program lies in PATH, also in the sbin folders that a user's PATH may lack. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => isAccessible(path, constants.X_OK));
}

function isCgroup2(): boolean {
  try {
    return statfsSync('/sys/fs/cgroup').type === CGROUP2_MAGIC;
  } catch {
    // No cgroup file system is mounted here.
    return false;
  }
}

function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    // Missing or not for us: both mean that it cannot be used.
    return false;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A kernel without the feature has no such file.
    return '';
  }
}

function readNumber(path: string): number {
  return Number.parseInt(readText(path) || '0', 10);
}
