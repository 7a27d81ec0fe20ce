import { type BigIntStats, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '@cleat/core/syscalls';
import { CleatError, type common } from '@cleat/schemas';
import type { OciDevice, OciDeviceRule } from './oci-spec.ts';

/** A device node with what the container may do with it. */
export interface FoundDevice extends OciDevice {
  /** Letters of r, w, m. */
  readonly access: string;
}

/** What of /dev is not the host's hardware: a privileged container has its own. */
const NOT_HARDWARE: ReadonlySet<string> = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console']);

const RULE = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/;

/** Docker's: the devices that every container has, and no others. */
export const DEFAULT_DEVICE_RULES: readonly OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  ...[
    [1, 5],
    [1, 3],
    [1, 9],
    [1, 8],
    [5, 0],
    [5, 1],
  ].map(([major = 0, minor = 0]) => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
];

/** Looks up the host's device nodes; a directory stands for every device below it. */
export function findDevices(devices: readonly common.Device[]): FoundDevice[] {
  return devices.flatMap((device) => {
    const { hostPath, permissions } = device;
    const containerPath = device.containerPath === '' ? hostPath : device.containerPath;
    const stat = statOf(hostPath);
    if (stat === undefined) throw notADevice(hostPath, 'no such file or directory');
    if (stat.isDirectory()) {
      const found = devicesBelow(hostPath, containerPath, permissions);
      if (found.length > 0) return found;
    }
    const found = deviceOf(stat, containerPath, permissions);
    if (found === undefined) throw notADevice(hostPath, 'not a device node');
    return [found];
  });
}

/** All devices of the host, for a privileged container. */
export function hostDevices(): FoundDevice[] {
  return readdirSync('/dev')
    .filter((name) => !NOT_HARDWARE.has(name))
    .flatMap((name) => {
      const path = `/dev/${name}`;
      const stat = statOf(path);
      if (stat === undefined) return [];
      if (stat.isDirectory()) return devicesBelow(path, path, 'rwm');
      return deviceOf(stat, path, 'rwm') ?? [];
    });
}

/** A rule of the device cgroup written as `c 1:3 rwm`. */
export function parseDeviceRule(text: string): OciDeviceRule {
  const [, type = 'a', major = '*', minor = '*', access = ''] = RULE.exec(text) ?? [];
  if (access === '') {
    throw new CleatError('invalid_argument', 'DEVICE_RULE_INVALID', `invalid device cgroup rule format: '${text}'`);
  }
  return { allow: true, type, major: major === '*' ? undefined : Number(major), minor: minor === '*' ? undefined : Number(minor), access };
}

function devicesBelow(directory: string, target: string, access: string): FoundDevice[] {
  return readdirSync(directory).flatMap((name) => {
    const stat = statOf(join(directory, name));
    if (stat === undefined) return [];
    if (stat.isDirectory()) return devicesBelow(join(directory, name), join(target, name), access);
    return deviceOf(stat, join(target, name), access) ?? [];
  });
}

function deviceOf(stat: BigIntStats, path: string, access: string): FoundDevice | undefined {
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) return undefined;
  return {
    path,
    type: stat.isBlockDevice() ? 'b' : 'c',
    // glibc's split of a device number into 12 + 20 bits.
    major: Number(((stat.rdev >> 8n) & 0xfffn) | ((stat.rdev >> 32n) & 0xfffff000n)),
    minor: Number((stat.rdev & 0xffn) | ((stat.rdev >> 12n) & 0xffffff00n)),
    fileMode: Number(stat.mode & 0o777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    access,
  };
}

/** Undefined when nothing is there, or a link that leads nowhere. */
function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR' || errnoOf(error) === 'ELOOP') return undefined;
    throw error;
  }
}

function notADevice(path: string, reason: string): CleatError {
  return new CleatError(
    'invalid_argument',
    'DEVICE_NOT_FOUND',
    `error gathering device information while adding custom device "${path}": ${reason}`,
  );
}
