import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readIfExists, writeDurable } from '@cleat/core/files';
import { fileSystemType, MS_BIND, makePrivate, mount, mountTable } from '@cleat/core/syscalls';
import type { CgroupDriver } from './oci/index.ts';

const TMPFS_MAGIC = 0x01021994;

/** The instance's short id: names of links, tables and cgroups derive from it. */
export async function instanceIdOf(stateDir: string): Promise<string> {
  const path = join(stateDir, 'instance');
  const known = (await readIfExists(path))?.toString().trim();
  if (known !== undefined && /^[0-9a-f]{8}$/.test(known)) return known;
  const made = randomBytes(4).toString('hex');
  await writeDurable(path, made, 0o644);
  return made;
}

/** Secrets and namespaces of containers lie on a tmpfs, which nothing outside gets to see mounts of. */
export function prepareRunDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  if (mountTable().some((entry) => entry.mountPoint === directory)) return;
  if (fileSystemType(directory) === TMPFS_MAGIC) mount({ source: directory, target: directory, flags: MS_BIND });
  else mount({ source: 'cleat', target: directory, type: 'tmpfs', data: 'mode=0711,size=256m' });
  makePrivate(directory);
}

/** Where the cgroups of an instance's containers go, unless the operator has another place for them. */
export function ownCgroupParent(driver: CgroupDriver, instanceId: string): string {
  return driver === 'systemd' ? `cleat${instanceId}.slice` : `/cleat-${instanceId}`;
}
