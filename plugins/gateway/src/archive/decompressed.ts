import { Readable, Transform } from 'node:stream';
import zlib from 'node:zlib';
import { badRequest } from '../errors.ts';

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const BZIP2 = Buffer.from('BZh');
const XZ = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]);
const LONGEST = 5;

function startsWith(data: Buffer, magic: Buffer): boolean {
  return data.subarray(0, magic.length).equals(magic);
}

/** The first bytes, and the stream with them put back. */
async function peek(source: Readable): Promise<readonly [Buffer, Readable]> {
  const parts: Buffer[] = [];
  let size = 0;
  const iterator = source.iterator({ destroyOnReturn: false });
  while (size < LONGEST) {
    const next = await iterator.next();
    if (next.done === true) break;
    const part: unknown = next.value;
    if (!Buffer.isBuffer(part)) throw badRequest('invalid request body');
    parts.push(part);
    size += part.length;
  }
  const head = Buffer.concat(parts);
  async function* all(): AsyncGenerator<unknown> {
    if (head.length > 0) yield head;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  }
  return [head, Readable.from(all(), { objectMode: false })];
}

/** zlib has zstd from Node 22.15 on. */
function zstd(): Transform | undefined {
  const make: unknown = Reflect.get(zlib, 'createZstdDecompress');
  const transform: unknown = typeof make === 'function' ? Reflect.apply(make, zlib, []) : undefined;
  return transform instanceof Transform ? transform : undefined;
}

/** An archive as it is inside; how it is packed tell its first bytes, as in Docker. */
export async function decompressed(source: Readable): Promise<Readable> {
  const [head, stream] = await peek(source);
  const through = (transform: Transform): Readable => {
    stream.on('error', (error) => transform.destroy(error));
    return stream.pipe(transform);
  };
  if (startsWith(head, GZIP)) return through(zlib.createGunzip());
  if (startsWith(head, ZSTD)) {
    const transform = zstd();
    if (transform === undefined) throw badRequest('zstd needs Node 22.15 or later on this node: send the archive plain or gzipped');
    return through(transform);
  }
  if (startsWith(head, BZIP2) || startsWith(head, XZ))
    throw badRequest('archives packed with bzip2 or xz are not supported: send them plain or gzipped');
  return stream;
}
