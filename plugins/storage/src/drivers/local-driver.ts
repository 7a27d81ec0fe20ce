import { chmodSync, chownSync, existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { CleatError, isCleatError, type provider, type providerTypes } from '@cleat/schemas';
import type { Trash } from '../trash.ts';
import type { Volume } from '../volume.ts';
import type { DirectoryOwner, DriverMount, VolumeDriver } from './driver.ts';
import { type LocalMount, parseLocalOptions } from './local-options.ts';

const DATA = '_data';

/** Volumes that are directories of this host, each `<directory>/<name>/_data`; one with options has something mounted there while it is used. */
export class LocalDriver implements VolumeDriver {
  readonly #directory: string;
  readonly #trash: Trash;

  constructor(directory: string, trash: Trash) {
    this.#directory = directory;
    this.#trash = trash;
  }

  check(options: Readonly<Record<string, string>>): void {
    parseLocalOptions(options);
  }

  mountpoint(volume: Pick<Volume, 'name'>): string {
    return join(this.#directory, volume.name, DATA);
  }

  /** True when there is a directory of that name, made by an earlier volume or put there by the user. */
  hasDirectory(name: string): boolean {
    return existsSync(this.mountpoint({ name }));
  }

  create(volume: Volume, owner: DirectoryOwner): Promise<string> {
    const path = this.mountpoint(volume);
    mkdirSync(join(this.#directory, volume.name), { recursive: true, mode: 0o711 });
    // A directory that is there already keeps what it has: its data, owner and mode.
    if (!existsSync(path)) {
      mkdirSync(path, { mode: 0o755 });
      // Not by mkdir, which would take the umask away.
      chmodSync(path, 0o755);
      if (owner.uid !== 0 || owner.gid !== 0) chownSync(path, owner.uid, owner.gid);
    }
    return Promise.resolve('');
  }

  /** Only what is empty: a directory that an earlier volume of the name left belongs to the user. */
  undoCreate(volume: Volume): Promise<void> {
    for (const path of [this.mountpoint(volume), join(this.#directory, volume.name)]) {
      try {
        rmdirSync(path);
      } catch (error) {
        if (!['ENOENT', 'ENOTEMPTY'].includes(codeOf(error))) throw error;
      }
    }
    return Promise.resolve();
  }

  async remove(volume: Volume): Promise<void> {
    await this.unmount(volume);
    await this.#trash.take((place) => rename(join(this.#directory, volume.name), place));
  }

  async attach(volume: Volume, _request: provider.AttachRequest, isFirst: boolean): Promise<DriverMount> {
    const path = this.mountpoint(volume);
    if (!existsSync(path)) {
      throw new CleatError('not_found', 'VOLUME_DATA_MISSING', `the directory ${path} of the volume ${volume.name} is gone`, {
        hint: 'Somebody removed it. Remove the volume and create it again.',
      });
    }
    const mount = parseLocalOptions(volume.options);
    if (mount === undefined) return { path, options: [] };
    // What a killed attach left may lack its later flags.
    if (isFirst) await this.unmount(volume);
    await mountOnce(mount, path);
    return { path, options: [] };
  }

  async detach(volume: Volume, _reference: providerTypes.Reference, isLast: boolean): Promise<void> {
    if (isLast) await this.unmount(volume);
  }

  /** Takes away what is mounted at the volume, which may be nothing. */
  async unmount(volume: Volume): Promise<void> {
    if (parseLocalOptions(volume.options) === undefined) return;
    const { umount } = await import('@cleat/sdk/filesystem');
    const path = this.mountpoint(volume);
    // Lazily, as a process of the host may be in it; and all of them, should a kill have left two.
    while (umount(path, { lazy: true }));
  }
}

async function mountOnce(request: LocalMount, path: string): Promise<void> {
  const { mount, mountTable, umount } = await import('@cleat/sdk/filesystem');
  if (mountTable().some(({ mountPoint }) => mountPoint === path)) return;
  const { device, type, flags, laterFlags, data } = request;
  try {
    mount({ source: device, target: path, flags, ...(type === '' ? {} : { type }), ...(data === '' ? {} : { data }) });
  } catch (error) {
    throw mountError(error, request, path);
  }
  try {
    for (const later of laterFlags) mount({ target: path, flags: later });
  } catch (error) {
    umount(path, { lazy: true });
    throw mountError(error, request, path);
  }
}

/** In Docker's words, which say what was tried. */
function mountError(error: unknown, { device, flags, data }: LocalMount, path: string): unknown {
  if (!isCleatError(error)) return error;
  const tried = [
    `mount ${device}:${path}`,
    ...(flags === 0 ? [] : [`flags: 0x${flags.toString(16)}`]),
    ...(data === '' ? [] : [`data: ${data}`]),
  ].join(', ');
  const words = wordsOf(error.details['errno'] ?? '') ?? error.message;
  return new CleatError(
    error.class,
    'VOLUME_MOUNT_FAILED',
    `error while mounting volume '${path}': failed to mount local volume: ${tried}: ${words}`,
    { details: error.details, cause: error },
  );
}

function wordsOf(errno: string): string | undefined {
  for (const [name, words] of getSystemErrorMap().values()) if (name === errno) return words;
  return undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
