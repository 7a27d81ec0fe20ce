import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { decompress, detectCompression, MAGIC_BYTES } from './compression.ts';

const READ_BYTES = 1024 * 1024;

/** A stored layer, without its compression. */
export async function openBlob(path: string): Promise<AsyncGenerator<Buffer, void>> {
  const file = await open(path, 'r');
  const start = Buffer.alloc(MAGIC_BYTES);
  try {
    await file.read(start, 0, MAGIC_BYTES, 0);
  } finally {
    await file.close();
  }
  return decompress(createReadStream(path, { highWaterMark: READ_BYTES }), detectCompression(start));
}
