import { byteText } from '../output/size.ts';
import { CLOSED_MEANS } from '../platform/closed-directories.ts';
import type { Finding, HostLook } from './finding.ts';
import { isAtLeast, versionIn } from './versions.ts';

const SMALL_BYTES = 1_000_000_000;

type KernelFinding = Omit<Finding, 'area'>;

/** What the running Linux can do. */
export function kernelFindings(look: HostLook): readonly Finding[] {
  const version = versionIn(look.kernelRelease) ?? [0, 0, 0];
  return [
    linux(look, version),
    overlay(look),
    userNamespaces(look),
    seccomp(look),
    appArmor(look),
    readonlyMounts(version),
    clone(version),
  ].map((finding) => ({ area: 'kernel', ...finding }));
}

function linux(look: HostLook, version: readonly number[]): KernelFinding {
  const found = `${look.kernelRelease}, ${look.architecture}`;
  if (!isAtLeast(version, [5, 6])) {
    return {
      name: 'Linux',
      verdict: 'missing',
      found,
      means: 'Cleat needs 5.6: openat2 and pidfds, without which paths in containers and signals are not safe',
    };
  }
  return { name: 'Linux', verdict: 'ok', found, means: 'openat2 and pidfds are there' };
}

function overlay(look: HostLook): KernelFinding {
  const name = 'overlayfs';
  if (look.fileSystems.has('overlay')) return { name, verdict: 'ok', found: 'available', means: 'containers of one image share its files' };
  return {
    name,
    verdict: 'limited',
    found: 'not loaded',
    means: 'images are copied for each container until it is there: modprobe overlay',
  };
}

function userNamespaces(look: HostLook): KernelFinding {
  const name = 'user namespaces';
  const most = Number(look.read('/proc/sys/user/max_user_namespaces') ?? 0);
  if (!look.exists('/proc/self/ns/user') || most === 0) {
    return { name, verdict: 'limited', found: 'off', means: 'no container can have ids of its own (user.max_user_namespaces)' };
  }
  return { name, verdict: 'ok', found: `up to ${most}`, means: 'containers can have ids of their own' };
}

function seccomp(look: HostLook): KernelFinding {
  const actions = look.read('/proc/sys/kernel/seccomp/actions_avail');
  if (actions === undefined)
    return {
      name: 'seccomp',
      verdict: 'limited',
      found: 'not in this kernel',
      means: 'containers may make every system call: run only what you trust',
    };
  return { name: 'seccomp', verdict: 'ok', found: 'filters', means: 'the default profile holds for every container' };
}

function appArmor(look: HostLook): KernelFinding {
  const isOn = look.read('/sys/module/apparmor/parameters/enabled') === 'Y';
  return isOn
    ? { name: 'AppArmor', verdict: 'ok', found: 'on', means: 'loaded profiles can be used' }
    : { name: 'AppArmor', verdict: 'ok', found: 'off', means: 'a container that names a profile is refused; all others are not concerned' };
}

function readonlyMounts(version: readonly number[]): KernelFinding {
  const name = 'read-only mounts';
  if (isAtLeast(version, [5, 12]))
    return { name, verdict: 'ok', found: 'recursive (mount_setattr)', means: '-v /host:/there:ro holds for mounts below it as well' };
  return {
    name,
    verdict: 'limited',
    found: 'not recursive',
    means: 'below -v /host:/there:ro other mounts stay writable; Linux 5.12 changes that',
  };
}

function clone(version: readonly number[]): KernelFinding {
  const name = 'cgroup.kill';
  if (isAtLeast(version, [5, 14]))
    return { name, verdict: 'ok', found: 'known to this kernel', means: 'with cgroup v2, all processes of a container end at once' };
  return {
    name,
    verdict: 'ok',
    found: 'not in this kernel',
    means: 'processes are ended one by one, which takes longer where there are many',
  };
}

function wayTo(stateDir: string, closed: readonly string[]): KernelFinding {
  const name = 'state directory';
  if (closed.length === 0)
    return {
      name,
      verdict: 'ok',
      found: `others may pass to ${stateDir}`,
      means: 'containers in user namespaces reach their root file system',
    };
  const found = `closed to others: ${closed.join(', ')}`;
  return { name, verdict: 'limited', found, means: `${CLOSED_MEANS}: chmod o+x, or another --state-dir` };
}

/** What is not the kernel's: rights and space. */
export function hostFindings(look: HostLook, stateDir: string): readonly Finding[] {
  const free = look.freeBytes(stateDir);
  const isShort = free !== undefined && free < SMALL_BYTES;
  const findings: readonly KernelFinding[] = [
    look.isRoot
      ? { name: 'rights', verdict: 'ok', found: 'root', means: 'the platform can be started and used from here' }
      : { name: 'rights', verdict: 'limited', found: 'not root', means: 'the platform needs root; some lines here cannot be told without' },
    {
      name: 'space',
      verdict: isShort ? 'limited' : 'ok',
      found: free === undefined ? 'not known' : `${byteText(free)} free at ${stateDir}`,
      means: isShort ? 'images, volumes and logs will soon fill it' : 'room for images, volumes and logs',
    },
    wayTo(stateDir, look.closedDirectories(stateDir)),
    look.exists('/run/systemd/system')
      ? {
          name: 'init',
          verdict: 'ok',
          found: 'systemd',
          means: 'a unit can keep Cleat running; cgroups can be made by systemd (cgroupDriver: systemd)',
        }
      : { name: 'init', verdict: 'ok', found: 'not systemd', means: 'start Cleat by "cleat up --detach"; cgroups are made directly' },
  ];
  return findings.map((finding) => ({ area: 'host', ...finding }));
}
