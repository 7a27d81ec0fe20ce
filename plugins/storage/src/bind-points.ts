import { createHash } from 'node:crypto';
import { closeSync, fstatSync, lstatSync, mkdirSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CleatError, isCleatError } from '@cleat/schemas';

const MS_BIND = 0x1000;
const MS_REC = 0x4000;

export interface BindSource {
  readonly volume: string;
  readonly path: string;
  /** Empty: all of it. */
  readonly subpath: string;
}

/**
 * Places below the plugin's directory where a part of a volume, or the directory of another plugin's driver, is bound for one claim. A
 * container may write to its volume, so the path of a subdirectory can turn into a link out of it at any moment: what is bound is what has
 * been opened inside the volume, and the runtime gets this place, which no container can change.
 */
export class BindPoints {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  open(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o711 });
  }

  /** Binds the source for the claim and answers where. Throws `invalid_argument` VOLUME_SUBPATH_INVALID. */
  async bind(object: string, source: BindSource): Promise<string> {
    await this.release(object);
    const { mount } = await import('@cleat/sdk/filesystem');
    const place = this.#place(object);
    const fd = await openPart(source);
    try {
      if (fstatSync(fd).isDirectory()) mkdirSync(place, { mode: 0o711 });
      else writeFileSync(place, '', { mode: 0o600 });
      mount({ source: `/proc/self/fd/${fd}`, target: place, flags: MS_BIND | MS_REC });
    } catch (error) {
      await this.release(object);
      throw error;
    } finally {
      closeSync(fd);
    }
    return place;
  }

  /** Takes away what is bound for the claim, which may be nothing. */
  async release(object: string): Promise<void> {
    await clear(this.#place(object));
  }

  /** Takes away all that is bound for other claims than these. */
  async keepOnly(objects: Iterable<string>): Promise<void> {
    const kept = new Set([...objects].map((object) => this.#place(object)));
    for (const name of readdirSync(this.#directory)) {
      const place = join(this.#directory, name);
      if (!kept.has(place)) await clear(place);
    }
  }

  /** True while something is bound for the claim. */
  async isBound(object: string): Promise<boolean> {
    const { mountTable } = await import('@cleat/sdk/filesystem');
    const place = this.#place(object);
    return mountTable().some(({ mountPoint }) => mountPoint === place);
  }

  #place(object: string): string {
    return join(this.#directory, createHash('sha256').update(object).digest('hex').slice(0, 32));
  }
}

async function clear(place: string): Promise<void> {
  const found = lstatSync(place, { throwIfNoEntry: false });
  if (found === undefined) return;
  const { umount } = await import('@cleat/sdk/filesystem');
  while (umount(place, { lazy: true }));
  // What is there now is the empty file or directory that was made for the mount.
  if (lstatSync(place).isDirectory()) rmdirSync(place);
  else unlinkSync(place);
}

/** Opens a file or directory of a volume without ever leaving it. */
async function openPart({ volume, path, subpath }: BindSource): Promise<number> {
  const { SafeRoot } = await import('@cleat/sdk/filesystem');
  const root = new SafeRoot(path);
  try {
    return root.open(subpath === '' ? '.' : subpath);
  } catch (error) {
    if (!isCleatError(error)) throw error;
    const why = error.class === 'not_found' ? 'no such file or directory' : error.message;
    throw new CleatError('invalid_argument', 'VOLUME_SUBPATH_INVALID', `cannot access path ${subpath} of the volume ${volume}: ${why}`, {
      hint: 'A subpath has to be there before the container is started.',
      cause: error,
    });
  } finally {
    root.close();
  }
}
