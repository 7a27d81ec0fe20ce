import { Readable } from 'node:stream';
import { decompress, detectCompression, MAGIC_BYTES } from './compression.ts';

/** A stream of bytes from outside, without its compression where it has one. */
export async function* uncompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void> {
  const iterator = source[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let headBytes = 0;
  while (headBytes < MAGIC_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    head.push(Buffer.from(next.value));
    headBytes += next.value.byteLength;
  }
  const compression = detectCompression(Buffer.concat(head));
  yield* decompress(Readable.from(rejoin(head, iterator)), compression);
}

async function* rejoin(head: readonly Buffer[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer, void> {
  try {
    yield* head;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield Buffer.from(next.value);
  } finally {
    await iterator.return?.();
  }
}
