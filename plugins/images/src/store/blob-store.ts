import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { CleatError } from '@cleat/schemas';
import { errnoOf, storageError } from '../layer/errno.ts';
import { type Digest, digestHex, finishDigest, isDigest } from './digest.ts';
import { ensurePrivateDirectory, renameDurable } from './durable.ts';
import { Serial } from './serial.ts';

export interface Blob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Bytes that have arrived and have a name, but are not part of the store yet. */
export interface StagedBlob extends Blob {
  readonly path: string;
}

/** What a description (configuration, manifest) may be at most. */
export const DOCUMENT_LIMIT_BYTES: number = 4 * 1024 * 1024;

/**
 * Content by its address: `blobs/sha256/<hex>`, as an OCI layout has it. A blob is whole or not there: bytes arrive in
 * `incoming`, are synced, and are renamed to the name that their own hash gives.
 */
export class BlobStore {
  readonly #blobs: string;
  readonly #incoming: string;
  /** What adds blobs and what takes them away exclude each other. */
  readonly #placing = new Serial();

  constructor(directory: string) {
    this.#blobs = join(directory, 'blobs', 'sha256');
    this.#incoming = join(directory, 'incoming');
  }

  /** Makes the directories and removes what a killed process left half received. */
  async open(): Promise<void> {
    await rm(this.#incoming, { recursive: true, force: true });
    await ensurePrivateDirectory(this.#incoming);
    await ensurePrivateDirectory(this.#blobs);
  }

  path(digest: Digest): string {
    return join(this.#blobs, digestHex(digest));
  }

  /** Errors: IMAGE_BLOB_MISSING. */
  async size(digest: Digest): Promise<number> {
    const size = await this.#size(digest);
    if (size === undefined) throw missing(digest);
    return size;
  }

  async #size(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.path(digest))).size;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Writes bytes down and finds their name. The caller keeps or discards them. Errors: IMAGE_STORE_FULL. */
  async stage(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<StagedBlob> {
    const path = join(this.#incoming, randomUUID());
    const file = await open(path, 'wx', 0o600);
    try {
      const blob = await receive(file, source, signal);
      await file.close();
      return { ...blob, path };
    } catch (error) {
      await file.close();
      await rm(path, { force: true });
      throw storageError(error, 'receiving a layer');
    }
  }

  /** Makes staged bytes part of the store; what is there already under that name is the same. The caller holds the digest. */
  async keep(staged: StagedBlob): Promise<Blob> {
    return this.#placing.run(() => this.#keep(staged));
  }

  async #keep(staged: StagedBlob): Promise<Blob> {
    if ((await this.#size(staged.digest)) !== undefined) {
      await this.discard(staged);
      return staged;
    }
    // Synced here and not while receiving: most of an archive that repeats known layers is discarded.
    const file = await open(staged.path, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurable(staged.path, this.path(staged.digest));
    return staged;
  }

  async discard(staged: StagedBlob): Promise<void> {
    await rm(staged.path, { force: true });
  }

  /** Adds a small blob. The caller holds its digest. */
  async putDocument(text: string): Promise<Blob> {
    const data = Buffer.from(text);
    return this.keep(await this.stage(Readable.from([data])));
  }

  /** A small blob, checked against its name. Errors: IMAGE_BLOB_MISSING, IMAGE_BLOB_CORRUPT. */
  async readDocument(digest: Digest): Promise<string> {
    if ((await this.size(digest)) > DOCUMENT_LIMIT_BYTES) throw corrupt(digest);
    const data = await readFile(this.path(digest));
    if (finishDigest(createHash('sha256').update(data)) !== digest) throw corrupt(digest);
    return data.toString('utf8');
  }

  /** Removes every blob that is not used. */
  async collect(isUsed: (digest: Digest) => boolean): Promise<void> {
    await this.#placing.run(async () => {
      for (const name of await readdir(this.#blobs)) {
        const digest = `sha256:${name}`;
        // Asked right before each goes: what an import holds by now stays.
        if (!isDigest(digest) || !isUsed(digest)) await rm(join(this.#blobs, name), { force: true });
      }
    });
  }
}

async function receive(file: FileHandle, source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<Blob> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of source) {
    signal?.throwIfAborted();
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
    let done = 0;
    while (done < chunk.byteLength) done += (await file.write(chunk, done)).bytesWritten;
  }
  return { digest: finishDigest(hash), sizeBytes };
}

function missing(digest: Digest): CleatError {
  return new CleatError('internal', 'IMAGE_BLOB_MISSING', `the image store lacks ${digest}`, {
    hint: 'Remove the image and load or pull it again.',
  });
}

function corrupt(digest: Digest): CleatError {
  return new CleatError('internal', 'IMAGE_BLOB_CORRUPT', `what the image store holds as ${digest} has another content`, {
    hint: 'The disk may be damaged. Remove the image and load or pull it again.',
  });
}
