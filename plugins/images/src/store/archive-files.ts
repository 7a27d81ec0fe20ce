import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import { CleatError } from '@cleat/schemas';
import { DOCUMENT_LIMIT_BYTES, type StagedBlob } from './blob-store.ts';
import type { ImageReference } from './reference.ts';

/** An image found in an archive. */
export interface ArchivedImage {
  readonly configText: string;
  /** Archives of the layers, lowest first. */
  readonly layers: readonly StagedBlob[];
  readonly names: readonly ImageReference[];
}

const LINKS_LIMIT = 16;

/** The files of an archive, received and hashed, by path. */
export class ArchiveFiles {
  readonly #files = new Map<string, StagedBlob>();
  readonly #links = new Map<string, string>();

  add(path: string, file: StagedBlob): void {
    this.#files.set(plain(path), file);
  }

  addLink(path: string, target: string): void {
    this.#links.set(plain(path), plain(target));
  }

  /** A file by its path; older `docker save` writes a repeated layer as a link to the first. */
  get(path: string): StagedBlob | undefined {
    let at = plain(path);
    for (let hops = 0; hops < LINKS_LIMIT; hops += 1) {
      const target = this.#links.get(at);
      if (target === undefined) return this.#files.get(at);
      at = target;
    }
    return undefined;
  }

  all(): IterableIterator<StagedBlob> {
    return this.#files.values();
  }

  /** Errors: IMAGE_ARCHIVE_INVALID. */
  require(path: string): StagedBlob {
    const file = this.get(path);
    if (file === undefined) throw invalidArchive(`it names ${JSON.stringify(path)} and does not hold it`);
    return file;
  }

  /** A small file as text. Errors: IMAGE_ARCHIVE_INVALID. */
  async text(path: string): Promise<string> {
    const file = this.require(path);
    if (file.sizeBytes > DOCUMENT_LIMIT_BYTES) throw invalidArchive(`${JSON.stringify(path)} is larger than 4 MiB`);
    const handle = await open(file.path, 'r');
    try {
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  }
}

export function invalidArchive(what: string): CleatError {
  return new CleatError('invalid_argument', 'IMAGE_ARCHIVE_INVALID', `the archive is no image: ${what}`, {
    hint: 'It should come from "docker save" or hold an OCI layout; a file tree is for "docker import".',
  });
}

function plain(path: string): string {
  return posix.normalize(path).replace(/^(?:\.?\/)+/, '');
}
