import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { arch, release } from 'node:os';
import { closedDirectories } from '../platform/closed-directories.ts';
import { findProgram } from '../platform/programs.ts';
import type { HostLook } from './finding.ts';

const PROGRAM_MS = 5_000;

/** This host as it is. */
export function lookAtHost(): HostLook {
  return {
    isRoot: process.getuid?.() === 0,
    kernelRelease: release(),
    architecture: arch(),
    nodeVersion: process.versions.node,
    fileSystems: new Set((read('/proc/filesystems') ?? '').split('\n').map((line) => line.split('\t').at(-1) ?? '')),
    read,
    exists: existsSync,
    freeBytes,
    closedDirectories,
    version: async (program, argument) => (await output(program, [argument]))?.split('\n').find((line) => line.trim() !== ''),
    nftWorks: async () => (await output('nft', ['list', 'tables'])) !== undefined,
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Not on this host, or not for this user.
    return undefined;
  }
}

function freeBytes(path: string): number | undefined {
  // The directory may not be made yet: what counts is where it will lie.
  const parts = path.split('/');
  while (parts.length > 1 && !existsSync(parts.join('/') || '/')) parts.pop();
  try {
    const { bavail, bsize } = statfsSync(parts.join('/') || '/');
    return bavail * bsize;
  } catch {
    // Not to be seen by this user.
    return undefined;
  }
}

/** What a program writes; undefined when it is not there, or fails. */
function output(program: string, args: readonly string[]): Promise<string | undefined> {
  const path = findProgram(program);
  if (path === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    execFile(path, [...args], { timeout: PROGRAM_MS, maxBuffer: 1024 * 1024 }, (error, stdout, stderr) => {
      resolve(error === null ? `${stdout}${stderr}` : undefined);
    });
  });
}
