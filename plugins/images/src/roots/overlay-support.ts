import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CleatError } from '@cleat/schemas';
import type { LayerDriver } from '../layer/layer-store.ts';
import { ensurePrivateDirectory, readTextIfExists, writeDurable } from '../store/durable.ts';

const PARAMETERS = '/sys/module/overlay/parameters';
const PROBE_TIMEOUT_MS = 10_000;

/**
 * Options of every mount. Files of the upper directory must stand for themselves: copies, diffs and images are made from
 * it alone, which the features switched off here would break. A kernel that lacks one does not know its option.
 */
export function overlayOptions(): string[] {
  return ['index', 'redirect_dir', 'metacopy'].filter((name) => existsSync(join(PARAMETERS, name))).map((name) => `${name}=off`);
}

/**
 * The driver of a store: the one it was made with, since layers are laid out by it; else the one asked for; else overlay where
 * it works. Errors: IMAGE_DRIVER_UNAVAILABLE, IMAGE_DRIVER_CHANGED.
 */
export async function chooseDriver(directory: string, asked: LayerDriver | 'auto'): Promise<LayerDriver> {
  const file = join(directory, 'driver');
  const recorded = (await readTextIfExists(file))?.trim();
  if (recorded === 'overlay' || recorded === 'vfs') {
    if (asked === 'auto' || asked === recorded) return recorded;
    throw new CleatError(
      'conflict',
      'IMAGE_DRIVER_CHANGED',
      `the image store ${directory} was made for the driver ${recorded}, not ${asked}`,
      { hint: 'Take the setting back, or remove all containers and images and the directory.' },
    );
  }
  const driver = await pickDriver(directory, asked);
  await writeDurable(file, `${driver}\n`);
  return driver;
}

async function pickDriver(directory: string, asked: LayerDriver | 'auto'): Promise<LayerDriver> {
  if (asked === 'vfs') return 'vfs';
  const failure = await probeOverlay(directory);
  if (failure === undefined) return 'overlay';
  if (asked === 'auto') return 'vfs';
  throw new CleatError('unavailable', 'IMAGE_DRIVER_UNAVAILABLE', `overlayfs cannot be mounted in ${directory}: ${failure}`, {
    hint: 'Put the state directory on ext4, xfs or btrfs, or choose the driver vfs, which copies each layer.',
  });
}

/** Mounts an overlay for a moment, in a mount namespace that ends with its process; why it does not work, or undefined. */
async function probeOverlay(directory: string): Promise<string | undefined> {
  // What a kill leaves in there is thrown away at the next start.
  await ensurePrivateDirectory(join(directory, 'work'));
  const probe = await mkdtemp(join(directory, 'work', 'probe-'));
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) await mkdir(join(probe, name));
    const options = `lowerdir=${probe}/lower,upperdir=${probe}/upper,workdir=${probe}/work`;
    const args = ['--mount', '--propagation', 'private', 'mount', '-t', 'overlay', 'overlay', '-o', options, join(probe, 'merged')];
    await promisify(execFile)('unshare', args, { timeout: PROBE_TIMEOUT_MS, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}
