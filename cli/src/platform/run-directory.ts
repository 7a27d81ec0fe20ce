import { existsSync, readdirSync, readFileSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { findProcesses } from '@cleat/sdk/platform';

/** Where `cleat up` says which addresses are listened at, and which sockets are its own: those of systemd are not. */
export const HOSTS_FILE = 'hosts';
export const SOCKETS_FILE = 'sockets';

/** What each start writes anew. */
const OF_ONE_START = ['kernel.json', HOSTS_FILE, 'groups', 'up.pid'];
/** What containers that run on still use. */
const OF_CONTAINERS = ['c', 'oci', 'plugins'];

/** Takes away what a platform that has gone down leaves in its run directory; what containers still use stays. The caller holds its lock. */
export async function clearRunDirectory(runDir: string): Promise<void> {
  for (const socket of linesOf(join(runDir, SOCKETS_FILE))) rmSync(socket, { force: true });
  for (const name of [...OF_ONE_START, SOCKETS_FILE]) remove(runDir, name);
  // Of the last client of a container that is gone: the process ends with it.
  if (await isDead(join(runDir, 'streams', 'socket'))) remove(runDir, 'streams');
  if (isInUse(join(runDir, 'c'))) return;
  for (const name of OF_CONTAINERS) remove(runDir, name);
  if (readdirSync(runDir).every((name) => name === 'up.lock')) {
    remove(runDir, 'up.lock');
    removeIfEmpty(runDir);
  }
}

export function linesOf(path: string): readonly string[] {
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];
}

function remove(runDir: string, name: string): void {
  rmSync(join(runDir, name), { recursive: true, force: true });
}

/** The directory may be somebody else's mount point, or have got another user meanwhile. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // It stays, empty.
  }
}

/**
 * The kernel binds the directory of containers to itself for as long as one of them is in use. Where that was done in a mount
 * namespace of its own, their monitors tell.
 */
function isInUse(containers: string): boolean {
  return existsSync(containers) && (isMounted(realpathSync(containers)) || hasMonitors(containers));
}

function hasMonitors(containers: string): boolean {
  return findProcesses((argv) => argv.some((word) => word.startsWith(`${containers}/`))).length > 0;
}

function isMounted(real: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => unescaped(line.split(' ')[4] ?? '') === real);
}

/** The kernel writes blanks and the like as \040 there. */
function unescaped(word: string): string {
  return word.replace(/\\([0-7]{3})/g, (_whole, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** True when nobody listens at a socket. */
function isDead(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}
